(() => {
  "use strict";
  const get = (id) => document.getElementById(id);
  const form = get("filters");
  const regions = Array.from(document.querySelectorAll(".wide"));
  const reachable = () => {
    for (const region of regions) {
      if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    }
    if (form) document.documentElement.style.setProperty("--bar", `${form.offsetHeight}px`);
  };
  addEventListener("resize", reachable);

  const folded = () => Array.from(document.querySelectorAll("details:not(#text):not([open])"));
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = folded();
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
    opened = [];
  });

  const list = get("list");
  const pages = list
    ? Array.from(list.children, (section) => ({ section, rows: Array.from(section.querySelectorAll("li")) }))
    : [];

  let marked = null;
  const unmark = () => {
    if (!marked) return;
    marked.row.classList.remove("on");
    marked.context.textContent = marked.text;
    marked = null;
  };
  const spans = (written) => (written ? written.split(",").map((span) => span.split("-").map(Number)) : []);
  const within = (place, found) => found.some(([start, end]) => start <= place && place < end);
  const mark = (row) => {
    if (marked && marked.row === row) return;
    unmark();
    const context = row.closest("section").querySelector(".c");
    const text = context.textContent;
    const gold = spans(row.dataset.g);
    const predicted = spans(row.dataset.p);
    const edges = new Set([0, text.length]);
    for (const span of gold.concat(predicted)) span.forEach((edge) => edges.add(edge));
    const sorted = Array.from(edges).sort((a, b) => a - b);
    const parts = [];
    for (let i = 0; i + 1 < sorted.length; i += 1) {
      const piece = text.slice(sorted[i], sorted[i + 1]);
      const kinds = [];
      if (within(sorted[i], gold)) kinds.push("g");
      if (within(sorted[i], predicted)) kinds.push("p");
      if (kinds.length) {
        const element = document.createElement("mark");
        element.className = kinds.join(" ");
        element.textContent = piece;
        parts.push(element);
      } else parts.push(piece);
    }
    context.replaceChildren(...parts);
    row.classList.add("on");
    marked = { row, context, text };
  };

  let texts = null;
  const read = () => {
    const low = (node) => node.textContent.toLowerCase();
    texts = pages.map(({ section, rows }) => ({
      context: low(section.querySelector(".c")),
      rows: rows.map((row) => Array.from(row.querySelectorAll("a,bdi,small"), low).join("\n")),
    }));
  };
  const value = (id) => (get(id) ? get(id).value : "");
  const checked = (id) => Boolean(get(id) && get(id).checked);
  const apply = () => {
    const words = value("find").toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !texts) read();
    const column = 1 + 2 * Number(value("run") || 0);
    const result = value("result");
    const given = value("given");
    const kind = value("kind");
    const flipped = checked("flipped");
    const contexts = checked("contexts");
    let shown = 0;
    let total = 0;
    pages.forEach(({ section, rows }, page) => {
      let any = false;
      rows.forEach((row, index) => {
        const key = row.dataset.k;
        let fits =
          (!result || key[column] === result) &&
          (!given || key[column + 1] === given) &&
          (!kind || key[0] === kind) &&
          (!flipped || (/^.(?:r.)*w/.test(key) && /^.(?:w.)*r/.test(key)));
        if (fits && words.length) {
          const text = contexts ? texts[page].rows[index] + "\n" + texts[page].context : texts[page].rows[index];
          fits = words.every((word) => text.includes(word));
        }
        if (row.hidden === fits) row.hidden = !fits;
        any = any || fits;
        shown += fits ? 1 : 0;
        total += 1;
      });
      if (section.hidden === any) section.hidden = !any;
    });
    get("shown").textContent = `${shown} of ${total} questions`;
    get("questions").classList.toggle("many", shown > Number(list.dataset.printed));
  };
  const clear = () => {
    form.reset();
    apply();
  };

  const arrive = () => {
    const target = location.hash.length > 1 ? get(location.hash.slice(1)) : null;
    if (!target) return;
    for (let part = target.parentElement; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") part.open = true;
    }
    if (list && list.contains(target) && target.tagName === "LI") {
      if (target.hidden) clear();
      mark(target);
      target.scrollIntoView({ block: "nearest" });
    }
  };
  addEventListener("hashchange", arrive);

  if (form) {
    form.hidden = false;
    let waiting = 0;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", apply);
    get("find").addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 120);
    });
    get("clear").addEventListener("click", clear);
    for (const kind of ["click", "focusin"]) {
      list.addEventListener(kind, (event) => {
        const row = event.target.closest("li");
        if (row) mark(row);
      });
    }
    apply();
  }
  reachable();
  arrive();
})();
