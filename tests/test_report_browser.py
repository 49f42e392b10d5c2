"""Pages of reports in a real Chromium: what a person sees, and that nothing leaves the page."""

from __future__ import annotations

import base64
import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from report_cases import FIRST, NO_ANSWER, QUESTIONS, RIGHT, SECOND, UNANSWERABLE, replay, reproduce, squad_file
from report_figures import make_run, with_claims
from tiny_world import card

from harness.records import DataRef, Finding
from harness.report.data import ReportData
from harness.report.gather import gather_report
from harness.report.page import render_page
from harness.report.plots import draw_plots
from harness.store import load_run, save_run

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if CHROMIUM is None or DRIVER is None:
    pytest.skip("chromium and chromedriver are not installed", allow_module_level=True)

IDS = [qid for qid, *_ in QUESTIONS]
_VISIBLE = """
return Array.from(document.querySelectorAll("#list li")).filter((row) => row.checkVisibility())
  .map((row) => row.querySelector("small").textContent)
"""
_CONTRASTS = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (c) => {
  const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c;
    if (c[3] !== 0) throw Error("half transparent");
  }
};
const worst = {};
for (const element of document.body.querySelectorAll("*")) {
  const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility() || ["SCRIPT", "OPTION", "title", "desc"].includes(element.tagName)) continue;
  const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const name = element.tagName + "." + element.getAttribute("class");
  if (!(worst[name] <= ratio)) worst[name] = ratio;
}
return worst;
"""
_BEYOND = """
const width = document.documentElement.clientWidth;
return Array.from(document.body.querySelectorAll("*")).filter((e) => e.checkVisibility()
  && e.getBoundingClientRect().right > width + 1 && !e.closest(".wide, .drawn, .skip, thead")).map((e) => e.outerHTML)
"""


@dataclass
class Canary:
    """A server that nobody should ask."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Canary(f"http://127.0.0.1:{server.server_port}", asked)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    home = tmp_path_factory.mktemp("home")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
        *("--disable-extensions", f"--user-data-dir={home / 'profile'}", f"--crash-dumps-dir={home / 'crashes'}"),
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    service = webdriver.ChromeService(executable_path=DRIVER, env=environment)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@dataclass(frozen=True)
class Pages:
    two: Path
    """Two runs on the same questions."""
    trained: Path
    """A run with recipe, card and findings."""
    hostile: Path
    """Both kinds, with markup that would ask the canary wherever somebody else writes text."""


def write_page(file: Path, data: ReportData) -> Path:
    file.write_text(render_page(data, draw_plots(data)), "utf-8")
    return file


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> Iterator[Pages]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("pages")
        patch.chdir(folder)
        file = squad_file(folder)
        two = gather_report([replay(folder, FIRST), replay(folder, SECOND)], {"squad_v2": file})
        made = reproduce(folder, card("75.0").replace("metrics:\n", "metrics:\n    - {type: f1, value: 12}\n"), patch)
        trained = gather_report([made], {"mini:validation": folder / "mini.json"})
        other = tmp_path_factory.mktemp("hostile")
        patch.chdir(other)
        payload = (
            f"</script></style></p><img src={canary.url}/img onerror=fetch('{canary.url}/js')>"
            f"<script src={canary.url}/script></script><link rel=stylesheet href={canary.url}/css>"
            f'"\'><svg onload=fetch("{canary.url}/svg")><style>@import url({canary.url}/import)</style>'
        )
        bad = squad_file(other, lambda text: text + payload)
        answers = {qid: text and text + payload for qid, text in FIRST.items()}
        paths = [replay(other, each, name=payload) for each in (answers, FIRST)]
        for path in paths:
            run = load_run(path)
            environment = replace(run.environment, processor=payload, packages={payload: payload})
            save_run(path, replace(run, environment=environment, warnings=(payload,)))
        hostile = gather_report(paths, {"squad_v2": bad})
        yield Pages(
            write_page(folder / "two.html", two),
            write_page(folder / "trained.html", trained),
            write_page(other / "hostile.html", hostile),
        )


@pytest.fixture
def visit(browser: webdriver.Chrome) -> Iterator[Callable[..., webdriver.Chrome]]:
    """Opens a page in a window of a size; afterwards nothing may stand in the console, or have been asked for."""
    browser.get("about:blank")  # what a browser shows first is a page of its own
    browser.get_log("browser")
    browser.get_log("performance")
    expected: list[bool] = []

    def open_page(file: Path, width: int = 1280, height: int = 900, *, complains: bool = False) -> webdriver.Chrome:
        resize(browser, width, height)
        browser.get("about:blank")
        browser.get(file.as_uri())
        expected.append(complains)
        return browser

    yield open_page
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    assert bool(complaints) == any(expected), complaints
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    if not any(expected):
        assert sent
        assert {url.partition(":")[0] for url in sent} <= {"file", "about", "data"}
    command(browser, "Emulation.setEmulatedMedia", media="", features=[])


def command(browser: webdriver.Chrome, name: str, **parameters: Any) -> Any:
    return browser.execute_cdp_cmd(name, parameters)


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    command(
        browser,
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=width < 600,
    )


def prefer(browser: webdriver.Chrome, scheme: str) -> None:
    command(browser, "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def shown(browser: webdriver.Chrome) -> set[str]:
    found = browser.execute_script(_VISIBLE)
    assert len(found) == len(set(found))
    status = browser.find_element(By.ID, "shown").text
    assert status == f"{len(found)} of {len(IDS)} questions"
    return set(found)


def search(browser: webdriver.Chrome, text: str) -> None:
    box = browser.find_element(By.ID, "find")
    box.clear()
    box.send_keys(text)


def wait_for(browser: webdriver.Chrome, wanted: set[str]) -> None:
    """Searching waits until a person pauses."""
    WebDriverWait(browser, 3, poll_frequency=0.05).until(lambda driver: set(driver.execute_script(_VISIBLE)) == wanted)
    assert shown(browser) == wanted


# content


def test_a_page_shows_its_parts(pages, visit):
    browser = visit(pages.trained)
    assert browser.title == "tiny"
    headings = [heading.text for heading in browser.find_elements(By.TAG_NAME, "h2")]
    assert headings == ["Claims", "Figures", "Scores", "Card", "Recipe", "Evidence", "Questions"]
    assert {e.text for e in browser.find_elements(By.CSS_SELECTOR, ".claims .state")} == {"matches", "differs"}
    figures = browser.find_elements(By.CSS_SELECTOR, "figure svg")
    assert figures and all(figure.accessible_name and figure.aria_role in ("image", "img") for figure in figures)
    assert all(figure.rect["width"] > 200 and figure.rect["height"] > 50 for figure in figures)
    for element in browser.find_elements(By.CSS_SELECTOR, "#filters select, #filters input, #filters button"):
        assert element.accessible_name


def test_a_line_of_the_card_is_shown_when_it_is_followed(pages, visit):
    browser = visit(pages.trained)
    link = browser.find_element(By.CSS_SELECTOR, ".claims a")
    line = browser.find_element(By.ID, link.get_attribute("href").partition("#")[2])
    assert not line.is_displayed()
    link.click()
    assert line.is_displayed()
    assert "value: 12" in line.text
    assert 0 <= browser.execute_script("return arguments[0].getBoundingClientRect().top", line) < 900


# filters and search


def test_each_filter_shows_exactly_its_questions(pages, visit):
    browser = visit(pages.two)
    everything = set(IDS)
    assert shown(browser) == everything

    def choose(name: str, text: str) -> set[str]:
        Select(browser.find_element(By.ID, name)).select_by_visible_text(text)
        return shown(browser)

    for number in (0, 1):
        choose("run", f"run {number + 1}")
        assert choose("result", "right") == RIGHT[number]
        assert choose("result", "wrong") == everything - RIGHT[number]
        assert choose("given", "no answer") == (everything - RIGHT[number]) & NO_ANSWER[number]
        assert choose("result", "all") == NO_ANSWER[number]
        assert choose("given", "an answer") == everything - NO_ANSWER[number]
        assert choose("given", "anything") == everything
    assert choose("kind", "unanswerable") == UNANSWERABLE
    assert choose("kind", "with an answer") == everything - UNANSWERABLE
    assert choose("kind", "all") == everything
    browser.find_element(By.ID, "flipped").click()
    assert shown(browser) == RIGHT[0] ^ RIGHT[1]
    assert choose("result", "right") == RIGHT[1] - RIGHT[0]
    browser.find_element(By.ID, "clear").click()
    assert shown(browser) == everything
    assert Select(browser.find_element(By.ID, "run")).first_selected_option.text == "run 1"


def test_search_finds_words_of_questions_answers_and_ids(pages, visit):
    browser = visit(pages.two)
    for words, wanted in (
        ("BRIDGE built", {"q-bridge-who", "q-bridge-when"}),
        ("müller", {"q-bridge-who", "q-bridge-none"}),
        ("mountains", {"q-elbe-none"}),
        ("q-short", {"q-short"}),
        ("dresden", {"q-elbe-town"}),
        ("nothing like it", set()),
        ("", set(IDS)),
    ):
        search(browser, words)
        wait_for(browser, wanted)
    browser.find_element(By.ID, "contexts").click()
    search(browser, "dresden")
    wait_for(browser, {"q-elbe-end", "q-elbe-town", "q-elbe-none"})
    Select(browser.find_element(By.ID, "kind")).select_by_visible_text("unanswerable")
    assert shown(browser) == {"q-elbe-none"}
    browser.find_element(By.ID, "find").send_keys(Keys.ENTER)  # a form that must not be sent
    assert browser.current_url.endswith("two.html")
    sections = browser.find_elements(By.CSS_SELECTOR, "#list section")
    assert [section.is_displayed() for section in sections] == [True, False, False]


def test_a_question_is_marked_in_its_paragraph(pages, visit):
    browser = visit(pages.two)

    def marks(kind: str) -> list[str]:
        return [mark.text for mark in browser.find_elements(By.CSS_SELECTOR, f".c mark.{kind}")]

    rows = dict(zip(IDS, browser.find_elements(By.CSS_SELECTOR, "#list li"), strict=True))
    contexts = [context.text for context in browser.find_elements(By.CSS_SELECTOR, ".c")]

    def point_at(qid: str) -> None:
        link = rows[qid].find_element(By.TAG_NAME, "a")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", link)
        link.click()

    point_at("q-bridge-who")
    assert (marks("g"), marks("p")) == (["Anna Müller"], ["Anna Müller"])
    point_at("q-elbe-end")
    assert "".join(marks("g")).replace(" ", "") == "intheNorthSeanearCuxhaven"
    assert marks("p") == ["North Sea"]
    assert [context.text for context in browser.find_elements(By.CSS_SELECTOR, ".c")] == contexts
    address = rows["q-bridge-when"].find_element(By.TAG_NAME, "a").get_attribute("href")
    browser.get("about:blank")
    browser.get(address)
    assert marks("g") == ["1905"]


# what a person may use


def test_all_is_read_without_javascript(pages, browser, visit):
    command(browser, "Emulation.setScriptExecutionDisabled", value=True)
    try:
        visit(pages.two)
        text = browser.find_element(By.ID, "questions").text
        for qid, _, question, answers in QUESTIONS:
            assert qid in text and question in text and all(answer in text for answer in answers)
        assert "Filters and search need JavaScript" in text
        assert not browser.find_element(By.ID, "filters").is_displayed()
        assert browser.find_element(By.CSS_SELECTOR, ".claims, #runs table").is_displayed()
        summary = browser.find_element(By.CSS_SELECTOR, "#evidence summary")
        details = browser.find_element(By.CSS_SELECTOR, "#evidence details table")
        assert not details.is_displayed()
        summary.click()
        assert details.is_displayed()
    finally:
        command(browser, "Emulation.setScriptExecutionDisabled", value=False)


def press(browser: webdriver.Chrome, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def test_the_keyboard_is_enough(pages, visit):
    browser = visit(pages.two)
    focused = lambda: browser.switch_to.active_element  # noqa: E731
    press(browser, Keys.TAB)
    assert focused().text == "Skip to the report"
    assert focused().rect["x"] >= 0 and focused().is_displayed()
    press(browser, Keys.ENTER)
    assert browser.current_url.endswith("#main")
    seen = []
    for _ in range(80):
        press(browser, Keys.TAB)
        outline = focused().value_of_css_property("outline-style")
        assert outline != "none", focused().get_attribute("outerHTML")
        seen.append(focused().get_attribute("id"))
        if seen[-1] == "find":
            break
    assert seen[-1] == "find"
    press(browser, "bridge")
    wait_for(browser, {"q-bridge-who", "q-bridge-when", "q-bridge-none"})
    press(browser, Keys.TAB, Keys.ARROW_DOWN)
    assert focused().get_attribute("id") == "run"
    press(browser, Keys.TAB, Keys.ARROW_DOWN)
    assert focused().get_attribute("id") == "result"
    assert shown(browser) == {qid for qid in RIGHT[1] if "bridge" in qid}
    while focused().get_attribute("id") != "clear":
        press(browser, Keys.TAB)
    press(browser, Keys.SPACE)
    assert shown(browser) == set(IDS)
    press(browser, Keys.TAB)
    assert focused().text == QUESTIONS[0][2]
    assert [mark.text for mark in browser.find_elements(By.CSS_SELECTOR, ".c mark.p")] == ["North Sea"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(pages, visit, browser, scheme):
    for file in (pages.two, pages.trained):
        visit(file)
        prefer(browser, scheme)
        browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
        browser.execute_script("document.querySelector('#list a').click()")
        worst = browser.execute_script(_CONTRASTS)
        assert len(worst) > 20
        assert {name: ratio for name, ratio in worst.items() if ratio < 4.5} == {}
        behind = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", behind))) < 60) == (scheme == "dark")


@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 1024), (1280, 900)])
def test_no_page_is_wider_than_its_window(pages, visit, browser, width, height):
    for file in (pages.two, pages.trained, pages.hostile):
        visit(file, width, height)
        browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
        page = browser.execute_script("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
        assert page == [width, width] or page[0] <= page[1] <= width
        assert browser.execute_script(_BEYOND) == []
        picture = command(browser, "Page.captureScreenshot")["data"]
        assert base64.b64decode(picture).startswith(b"\x89PNG")


LONG = DataRef("some_long_organisation/a_very_long_data_set_name", "validation")
_CLAIM_ROWS = """
const text = (cell) => { const range = document.createRange(); range.selectNodeContents(cell);
  return range.getBoundingClientRect() };
return Array.from(document.querySelectorAll(".claims tbody tr")).map((row) => {
  const [data, place] = ["data", "place"].map((name) => text(row.querySelector(`[data-label=${name}]`)));
  return [data.right, place.left, data.bottom, place.top];
})
"""
_CUT = """
const width = document.documentElement.clientWidth;
return Array.from(document.querySelectorAll("caption, .stacked .why, .claims .why")).filter((e) => e.checkVisibility())
  .map((e) => { const range = document.createRange(); range.selectNodeContents(e);
    return [range.getBoundingClientRect().right - width, e.textContent] }).filter(([over]) => over > 0)
"""


@pytest.fixture(scope="module")
def long_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on data with a long name that no blank or hyphen breaks; a claim of sixteen digits."""
    runs = []
    for name in ("one", "two"):
        data = with_claims(make_run(kinds=True, name=name))
        claims = [replace(c.claim, data=LONG, digits=f"{c.claim.reported:.14f}") for c in data.run.comparisons]
        comparisons = tuple(replace(c, claim=own) for c, own in zip(data.run.comparisons, claims, strict=True))
        run = replace(data.run, comparisons=comparisons, evaluated=replace(data.run.evaluated, ref=LONG))
        runs.append(replace(data, run=run))
    finding = Finding("some-code", "warning", "a long sentence of what was found " * 5, 1)
    return write_page(tmp_path_factory.mktemp("long") / "long.html", ReportData(tuple(runs), findings=(finding,)))


def test_a_long_name_leaves_the_other_columns_their_place(long_page, visit, browser):
    visit(long_page, 1280, 900)
    for wide in browser.find_elements(By.CSS_SELECTOR, "#claims .wide"):
        assert browser.execute_script("return arguments[0].scrollWidth - arguments[0].clientWidth", wide) <= 0
    for width in (360, 768, 1280):
        visit(long_page, width, 900)
        rows = browser.execute_script(_CLAIM_ROWS)
        assert len(rows) == 8
        assert all(data_right <= place_left or data_bottom <= top for data_right, place_left, data_bottom, top in rows)


def test_a_narrow_screen_has_captions_reasons_and_origins_whole(long_page, pages, visit, browser):
    for file in (long_page, pages.trained, pages.two):
        visit(file, 360, 740)
        browser.execute_script("for (const part of document.querySelectorAll('details')) part.open = true")
        assert browser.execute_script(_CUT) == []


def test_paper_gets_all_but_controls(pages, visit, browser):
    visit(pages.trained)
    paper = base64.b64decode(command(browser, "Page.printToPDF", printBackground=True)["data"])
    assert paper.startswith(b"%PDF") and len(paper) > 20_000
    command(browser, "Emulation.setEmulatedMedia", media="print")
    for selector, printed in (("nav", False), ("#filters", False), ("#list", True), (".onpaper", None), ("h1", True)):
        found = browser.find_elements(By.CSS_SELECTOR, selector)
        assert [element.is_displayed() for element in found] == ([] if printed is None else [printed])
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    closed = browser.find_elements(By.CSS_SELECTOR, "details:not([open])")
    assert [part.get_attribute("id") for part in closed] == ["text"]
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert len(browser.find_elements(By.CSS_SELECTOR, "details:not([open])")) > 1


# nothing leaves the page


def test_hostile_text_asks_for_nothing(pages, visit, browser, canary):
    visit(pages.hostile)
    assert "onerror=fetch" in browser.find_element(By.TAG_NAME, "h1").text
    browser.execute_script("document.querySelectorAll('#list a').forEach((link) => link.click())")
    search(browser, "onerror")
    wait_for(browser, set(IDS))
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 1
    assert not browser.find_elements(By.CSS_SELECTOR, "img, link, base, iframe, body [style], [onload], [onerror]")
    assert canary.asked == []


def test_the_policy_stops_what_text_cannot_do(pages, visit, browser, canary):
    """Were there a hole, the page's policy would still let nothing out; and the checks above do see complaints."""
    visit(pages.two, complains=True)
    browser.execute_script(
        """const out = arguments[0];
        document.body.insertAdjacentHTML("beforeend", `<img src="${out}/img"><p id="x" style="position:fixed">x</p>`
          + `<iframe src="${out}/frame"></iframe><button id="y" onclick="document.title = 'run'">y</button>`);
        const script = document.createElement("script"); script.src = `${out}/script`; document.body.append(script);
        const inline = document.createElement("script"); inline.text = "document.title = 'run'";
        document.body.append(inline); document.getElementById("y").click();
        return fetch(`${out}/fetch`).catch(() => null)""",
        canary.url,
    )
    assert browser.find_element(By.ID, "x").value_of_css_property("position") == "static"
    assert browser.title != "run"
    assert canary.asked == []
