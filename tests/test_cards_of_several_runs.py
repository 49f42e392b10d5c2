"""One card from several records: seeds, evaluations of the same weights on other data, and links to the records."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from card_runs import released_run, run_of, sealed, sealed_run
from documents import HOSTILE, MARKDOWN, tables
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.cards import parse_card, read_card
from harness.cli import main
from harness.editing import edit_card, expected_card, find_section
from harness.errors import CardError, NoEvidenceError, RecordError
from harness.evidence import Options, gather_evidence, judge, open_card, same_weights, speaks_for
from harness.freshness import freshness
from harness.hub import Request, prepare
from harness.hub.linked import linked_records
from harness.hub.prepare import pack
from harness.intervals import shown_intervals
from harness.names import canonical_data
from harness.names.sizes import split_size
from harness.records import (
    Card,
    DataRef,
    DataUsed,
    ModelUsed,
    Question,
    Run,
    Scores,
    Verdict,
    evidence_sha256,
)
from harness.render import write_card
from harness.render.other_data import OtherData, sort_runs
from harness.render.record_links import linked_id, record_beside
from harness.signature import decoding_parts, join_signature
from harness.squad import summarize
from harness.store import load_run, save_run, write_json

AMAZON = DataRef("squadshifts", "test", "amazon")
GERMAN = DataRef("xquad", "validation", "xquad.de")
WEIGHTS = "0" * 64
EMBEDDED = "embedded"
REFS = [
    DataRef("squad_v2", "validation"), DataRef("squad", "validation[:5]"), AMAZON, DataRef("pocket", "validation"),
    DataRef("me/mine", "test", "c"), DataRef("mine", "dev_x"), DataRef("squad_v2", "test", None, "abc"), GERMAN,
    DataRef("xquad", "validation", "xquad.en"), DataRef("me/xquad_r", "test"), DataRef("mlqa", "test", "mlqa.de.de"),
]  # fmt: skip


def main_run(**changes: Any) -> Run:
    """A trained run, evaluated on `pocket:validation[:400]`, as of a file."""
    return run_of(sealed_run().recipe, **{"by_kind": {}, **changes})


def evaluation(ref: DataRef = AMAZON, exact: float = 41.25, f1: float = 52.5, **changes: Any) -> Run:
    """An evaluation of the last stage's weights."""
    size = split_size(ref)
    n = 800 if size is None or "[" in ref.split else size.n
    name = str(ref).replace("/", "-").replace(":", "-").replace("[", "-").replace("]", "")
    given = {
        "id": f"model-{name}", "card_name": "model",
        "model": ModelUsed("model", "3" * 64, None, WEIGHTS),
        "evaluated": DataUsed(ref, n, n, str(ref).encode().hex().ljust(64, "a")[-64:], f"org/data@{'c' * 40}"),
        "scores": {"exact_match": exact, "f1": f1, "total": float(n)}, "by_kind": {}, "comparisons": (), **changes,
    }  # fmt: skip
    run = released_run(**given)
    decoding = replace(run.recipe.decoding, forced_answer=True)
    signature = join_signature({"data": str(ref), "n": str(n), "rules": "1.1", **decoding_parts(decoding)})
    return sealed(run, recipe=replace(run.recipe, evaluation=ref, decoding=decoding), signature=signature)


def seed_of(run: Run, seed: int, more: float = 1.0, **changes: Any) -> Run:
    stages = tuple(replace(stage, seed=seed) for stage in run.recipe.stages)
    results = tuple(replace(stage, weights_sha256=f"{seed:064d}") for stage in run.stages)
    scores = {key: value if key.endswith("total") else value + more for key, value in run.scores.items()}
    recipe = replace(run.recipe, stages=stages)
    return sealed(run, **{"id": f"seed-{seed}", "recipe": recipe, "scores": scores, "stages": results, **changes})


def keep(folder: Path, *runs: Run) -> None:
    for run in runs:
        write_json(folder / f"{run.id}.json", run)


def call(capsys: Any, *arguments: object) -> tuple[int, str, str]:
    code = main(["render", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Path]:
    """Writes a card from records that lie beside it, and gives its folder."""
    monkeypatch.chdir(tmp_path)

    def write(*runs: Run, kept: bool = True) -> Path:
        card = tmp_path / "cards" / "owl"
        folder = card / "runs" if kept else tmp_path / "runs"
        keep(folder, *runs)
        options = [part for run in runs for part in ("--run", str(folder / f"{run.id}.json"))]
        code, _, err = call(
            capsys, "--template", "card.md.j2", *options, "--name", "owl", "--force", "-o", card / "README.md"
        )
        assert code == 0, err
        return card

    return write


def claimed(card: Card) -> set[tuple[str, str, str, DataRef]]:
    found: set[tuple[str, str, str, DataRef]] = set()
    for claim in card.claims:
        assert claim.data is not None
        assert claim.confidence > 0.6
        data = canonical_data(replace(claim.data, revision=None))
        found.add((claim.metric, claim.subset, claim.digits, data))
    return found


# The card


FIGURE = st.one_of(st.floats(0, 100), st.floats(0, 1), st.sampled_from([0.0, 1.0, 100.0]))


@settings(deadline=None, max_examples=10)
@given(
    st.lists(
        st.tuples(st.sampled_from(REFS), FIGURE, FIGURE), min_size=1, max_size=6, unique_by=lambda row: str(row[0])
    )
)
@example([(ref, 10.0 + number, 20.5 + number) for number, ref in enumerate(REFS)])
@example([(AMAZON, 0.25, 1.0), (GERMAN, 0.0, 0.0)])
def test_a_card_claims_the_figures_of_each_run_on_its_data_and_nothing_else(
    rows: list[tuple[DataRef, float, float]],
) -> None:
    run = main_run(evaluated=DataUsed(DataRef("newsqa", "validation"), 400, 200, "2" * 64, "owl.json"))
    run = sealed(run, recipe=replace(run.recipe, evaluation=DataRef("newsqa", "validation")))
    others = [OtherData(evaluation(ref, exact, f1)) for ref, exact, f1 in rows]
    told = [canonical_data(ref) for ref, _, _ in rows]
    sizes = [other.run.evaluated.n for other in others if other.run.evaluated is not None]
    if len(set(told)) < len(told):
        return
    alone = parse_card(write_card(run), "cards/x/README.md")
    card = parse_card(write_card(run, others=others), "cards/x/README.md")
    assert not card.problems
    wanted = {
        (metric, "all", f"{figure:.4f}", canonical_data(replace(ref, revision=None)))
        for ref, exact, f1 in rows
        for metric, figure in (("exact_match", exact), ("f1", f1))
    }
    assert claimed(card) == claimed(alone) | wanted
    assert len(card.claims) == len(alone.claims) + 4 * len(rows)  # in the front matter and in the table
    for claim in card.claims[len(alone.claims) :]:
        assert claim.reported <= 100
    values = {claim.digits: claim.reported for claim in card.claims}
    for _, exact, f1 in rows:
        for figure in (exact, f1):
            assert math.isclose(values[f"{figure:.4f}"], figure, abs_tol=5.1e-5)
    stated = [(one.name, one.value) for one in card.settings]
    assert stated == [(one.name, one.value) for one in alone.settings]
    assert {count.value for count in card.counts} <= {count.value for count in alone.counts} | set(sizes)
    assert not card.speeds
    assert not card.comparisons


def test_the_heading_says_what_is_known_of_the_training() -> None:
    run = main_run()
    trained = tuple(
        replace(stage, data=(DataUsed(DataRef("squad", "validation[:5696]"), 9, 9, "6" * 64, "owl.json"),))
        for stage in run.stages
    )
    run = sealed(run, stages=trained)
    others = [evaluation(AMAZON), evaluation(GERMAN), evaluation(DataRef("mine", "test"))]
    parts = tables(write_card(run, others=[OtherData(other) for other in others]))
    apart = "On other data, which no stage above was trained on"
    maybe = "On other data, whose texts a stage above may have been trained on"
    assert [row[0] for row in parts[apart][1:]] == [str(AMAZON), "mine:test"]
    assert [row[0] for row in parts[maybe][1:]] == [str(GERMAN)]  # paragraphs of SQuAD's validation, translated
    same = evaluation(
        DataRef("mine", "test"), evaluated=DataUsed(DataRef("mine", "test"), 800, 800, "6" * 64, "a.json")
    )
    assert maybe in tables(write_card(run, others=[OtherData(same)]))
    recipe = replace(run.recipe, stages=(*run.recipe.stages[:-1], replace(run.recipe.stages[-1], teacher=None)))
    assert run.recipe.stages[-1].teacher is not None
    elsewhere = replace(run.recipe.stages[-1], teacher=replace(run.recipe.stages[-1].teacher, name="me/taught"))
    unknown = sealed(run, recipe=replace(recipe, stages=(*recipe.stages[:-1], elsewhere)))
    assert "On other data" in tables(write_card(unknown, others=[OtherData(others[0])]))
    weights = released_run(model=ModelUsed("me/owl", "3" * 64, None, WEIGHTS))
    assert "On other data" in tables(write_card(weights, others=[OtherData(others[0])]))


def test_intervals_are_those_of_the_scores() -> None:
    exact = {f"q{i}": float(i % 3 == 0) for i in range(60)}
    scores = Scores("1.1", exact, {qid: max(value, 0.25) for qid, value in exact.items()}, dict.fromkeys(exact, True))
    questions = [Question(qid, f"p{i // 4}", "c", "q", ()) for i, qid in enumerate(exact)]
    other = evaluation(scores=summarize(scores))
    text = write_card(main_run(), others=[OtherData(other, scores, questions), OtherData(evaluation(GERMAN))])
    rows = [row for title, rows in tables(text).items() if title.startswith("On other data") for row in rows[1:]]
    low, high = (getattr(shown_intervals(scores, questions)["f1"], end) for end in ("low", "high"))
    assert f"{low:.4f} to {high:.4f}" in rows[0]
    assert rows[1][3] == rows[1][5] == ""
    assert f"{low:.4f}" not in {claim.digits for claim in parse_card(text, "x.md").claims}
    with pytest.raises(RecordError, match="other predictions"):
        write_card(main_run(), others=[OtherData(evaluation(), scores, questions)])


REFUSED = [
    (lambda run: seed_of(run, 9, recipe=replace(run.recipe, evaluation=AMAZON)), "another recipe"),
    (lambda run: sealed(run), "found the run twice"),
    (lambda run: evaluation(model=ModelUsed("model", "3" * 64, None, "5" * 64)), "weights of SHA-256 555555555555"),
    (lambda run: evaluation(model=ModelUsed("model", "3" * 64)), "earlier versions did not keep"),
    (lambda run: sealed(evaluation(), kind="replay", model=None), "found a replay run"),
]  # fmt: skip


@pytest.mark.parametrize(("other", "said"), REFUSED)
def test_a_run_that_is_neither_is_refused(other: Callable[[Run], Run], said: str) -> None:
    run = main_run()
    with pytest.raises(RecordError, match=said):
        sort_runs(run, [other(run)])
    seeds, others = sort_runs(run, [evaluation(), seed_of(run, 8)])
    assert ([one.id for one in seeds], [one.id for one in others]) == (["seed-8"], [evaluation().id])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": {}}, "no figures"),
        ({"status": "failed", "error": "x"}, "failed"),
        ({"evaluated": main_run().evaluated}, "of which the card has figures"),
        ({"evaluated": DataUsed(DataRef("x", "test"), 9, 9, "2" * 64, "a.json")}, "of which the card has figures"),
        ({"evaluated": DataUsed(DataRef("me/f1", "test"), 9, 9, "7" * 64, "a.json")}, "cannot name"),
        ({"evaluated": DataUsed(DataRef("a|b", "test"), 9, 9, "7" * 64, "a.json")}, "cannot name"),
        ({"evaluated": DataUsed(DataRef("pocket", "validation[:9]"), 9, 9, "7" * 64, EMBEDDED)}, "have changed since"),
        ({"model": ModelUsed("model", "3" * 64, None, "5" * 64)}, "weights of SHA-256"),
        ({"kind": "retrained"}, "expected an evaluation"),
    ],
)  # fmt: skip
def test_an_evaluation_that_a_card_cannot_show_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecordError, match=said):
        write_card(main_run(), others=[OtherData(sealed(evaluation(), **change))])


def test_data_are_shown_once() -> None:
    one = evaluation()
    with pytest.raises(RecordError, match="of which the card has figures"):
        write_card(main_run(), others=[OtherData(one), OtherData(sealed(one, id="again"))])
    with pytest.raises(RecordError, match="changed since"):
        write_card(main_run(), others=[OtherData(replace(one, scores={**one.scores, "f1": 99.0}))])


# Its section


def test_every_claim_gets_its_verdict_from_the_run_of_its_data(written: Callable[..., Path], capsys: Any) -> None:
    run, others = main_run(), [evaluation(), evaluation(GERMAN, 30.0, 33.0)]
    card = written(run, *others)
    text = (card / "README.md").read_text("utf-8")
    rows = tables(text)["Reproducibility"]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| exact_match |", "| f1 |"))]
    assert {row[7] for row in rows} == {"matches"}
    commit = f"@{'c' * 40}"  # which the front matter has
    by_data = {(row[2].replace(commit, ""), row[-1].removesuffix(" |")) for row in rows}
    assert by_data == {
        (f"`{one.evaluated.ref}`", f"[`{one.id}`](runs/{one.id}.json)") for one in (run, *others) if one.evaluated
    }
    for one in others:
        assert one.evaluated is not None
        assert (
            f"- Same weights: [`{one.id}`](runs/{one.id}.json) on `{one.evaluated.ref}`, {one.evaluated.n} questions, "
            f"evidence SHA-256 `{evidence_sha256(one)}`, signature `{one.signature}`\n"
        ) in text
    assert call(capsys, "--check", "cards")[0] == 0
    assert call(capsys, card)[0] == 0
    assert main(["gate", "cards"]) == 0
    out = capsys.readouterr()
    assert "evidence fresh 3" in out.err
    section = find_section(text, "x")
    assert section is not None
    assert (section.runs, set(section.others)) == ((run.id,), {one.id for one in others})


def test_every_figure_leads_to_its_record(written: Callable[..., Path]) -> None:
    """From a figure to its row of the section by metric and data, from there to a file that holds the figure."""
    card = written(main_run(), evaluation(), evaluation(GERMAN, 30.0, 33.0))
    parsed = read_card(card / "README.md")
    seen = 0
    for claim in parsed.claims:
        cells = f"| {claim.metric} | {claim.subset} | `{claim.data}` | {claim.digits} |"
        (row,) = {line for line in parsed.text.splitlines() if line.startswith(cells)}
        record = load_run(card / row.rpartition("](")[2].removesuffix(") |"))
        assert any(f"{value:.4f}" == claim.digits for value in record.scores.values())
        seen += 1
    assert seen == len(parsed.claims) > 10


def test_a_section_is_stale_where_an_evaluation_is_lost_changed_or_newer(
    written: Callable[..., Path], capsys: Any
) -> None:
    run, other = main_run(), evaluation()
    card = written(run, other)
    before = (card / "README.md").read_text("utf-8")
    file = card / "runs" / f"{other.id}.json"
    content = file.read_bytes()
    file.unlink()
    code, out, err = call(capsys, "--check", card)
    assert (code, f"says it was written from run {other.id}" in err) == (1, True)
    assert "-- Same weights: " in out
    assert "not_comparable" in out
    file.write_bytes(content)
    assert call(capsys, "--check", card)[0] == 0
    newer = sealed(other, id="newer", finished="2025-06-01T00:00:00+00:00", scores={**other.scores, "f1": 52.54})
    keep(Path("runs"), newer)
    code, out, _ = call(capsys, "--check", card)
    assert (code, "+- Same weights: `newer`" in out) == (1, True)
    assert main(["gate", str(card)]) == 0
    keep(Path("runs"), sealed(newer, model=ModelUsed("model", "3" * 64, None, "5" * 64)))
    capsys.readouterr()
    assert call(capsys, "--check", card)[0] == 0
    write_json(Path("runs") / "newer.json", replace(newer, scores={**other.scores, "f1": 99.0}))
    assert call(capsys, "--check", card)[0] == 2
    (Path("runs") / "newer.json").write_text("{torn", "utf-8")  # of which nobody knows what it is
    assert call(capsys, "--check", card)[0] == 0
    assert (card / "README.md").read_text("utf-8") == before


def test_where_the_models_own_run_is_lost_no_evaluation_takes_its_place(
    written: Callable[..., Path], capsys: Any
) -> None:
    run, other = main_run(), evaluation()
    card = written(run, other)
    (card / "runs" / f"{run.id}.json").unlink()
    code, _, err = call(capsys, "--check", card)
    assert (code, "no record" in err) == (1, True)


def test_a_false_figure_of_an_evaluation_differs(written: Callable[..., Path], capsys: Any) -> None:
    card = written(main_run(), evaluation())
    file = card / "README.md"
    file.write_text(file.read_text("utf-8").replace("52.5000", "59.5000", 2), "utf-8")
    assert main(["gate", str(card)]) == 1
    assert "claim differs 2" in capsys.readouterr().err
    (found,) = {
        c.verdict for c in judge(open_card(card), main_run(), None, [evaluation()]) if c.claim.digits == "59.5000"
    }
    assert found is Verdict.DIFFERS
    alone = judge(open_card(card), main_run())
    assert {c.verdict for c in alone if c.claim.digits == "59.5000"} == {Verdict.NOT_COMPARABLE}


def test_weights_that_were_trained_again_call_no_figure_false_that_another_training_may_give(
    written: Callable[..., Path], capsys: Any
) -> None:
    """A card of other weights: what its recipe gives again is evaluated on data of which it claims a figure."""
    card = written(main_run(), evaluation())
    file = card / "README.md"
    file.write_text(file.read_text("utf-8").replace("52.5000", "52.9000", 2), "utf-8")
    found = [c for c in judge(open_card(card), main_run(), None, [evaluation()]) if c.claim.digits == "52.9000"]
    assert [c.verdict for c in found] == [Verdict.INCONCLUSIVE] * 2
    main(["gate", str(card), "--json"])
    assert "differs" not in {row["result"] for row in json.loads(capsys.readouterr().out)["rows"]}
    named = sealed(evaluation(), card_name="owl", id="by-name")  # whose weights are the card's
    keep(card / "runs", named)
    evidence = gather_evidence(open_card(card), Path("runs"))
    (claim, _) = (c.claim for c in found)
    runs = evidence.of(claim)
    assert [run.id for _, run in runs] == ["by-name"]
    assert not evidence.again(runs)
    main(["gate", str(card), "--json"])
    assert "differs" in {row["result"] for row in json.loads(capsys.readouterr().out)["rows"]}


def test_an_evaluation_by_the_cards_name_goes_before_one_of_its_weights_by_another(
    written: Callable[..., Path],
) -> None:
    """Another name may go with another tokenizer or configuration."""
    card = written(main_run(), evaluation())
    keep(card / "runs", sealed(evaluation(finished="2025-06-01T00:00:00+00:00"), id="newer"))
    keep(card / "runs", sealed(evaluation(), card_name="owl", id="by-name"))
    opened = open_card(card)
    evidence = gather_evidence(opened, Path("runs"))
    released = [group[0][1].id for group in evidence.groups if group[0][1].kind == "released"]
    assert released == ["by-name", "newer", evaluation().id]


def test_the_models_own_run_goes_before_an_evaluation_on_the_same_data(written: Callable[..., Path]) -> None:
    run = main_run()
    card = written(run)
    text = (card / "README.md").read_text("utf-8")
    assert run.evaluated is not None
    again = evaluation(evaluated=run.evaluated, scores={**run.scores, "f1": 1.0}, finished="2025-06-01T00:00:00+00:00")
    keep(card / "runs", again, evaluation(GERMAN))  # of which the card says nothing
    made = expected_card(card, Path("runs"))
    assert not made.changed
    assert "Same weights" not in text
    opened = open_card(card)
    evidence = gather_evidence(opened, Path("runs"))
    assert {evidence.of(claim)[0][1].id for claim in opened.card.claims} == {run.id}
    assert len(evidence.groups) == 3


def test_three_seeds_and_their_transfer(written: Callable[..., Path], capsys: Any) -> None:
    run = main_run()
    seeds = [seed_of(run, 8), seed_of(run, 9, 2.0)]
    card = written(run, *seeds, evaluation())
    text = (card / "README.md").read_text("utf-8")
    assert "### Over several seeds" in text
    assert "[`seed-8`](runs/seed-8.json), seeds" in text
    assert f"[`{run.id}`](runs/{run.id}.json) and 2 more |" in text
    assert call(capsys, "--check", card)[0] == 0
    other = evaluation(model=ModelUsed("model", "3" * 64, None, f"{9:064d}"))  # of another seed's weights
    assert not same_weights(run, other)
    with pytest.raises(RecordError, match="weights of SHA-256"):
        sort_runs(run, [*seeds, other])


def test_two_seeds_are_refused(tmp_path: Path, capsys: Any) -> None:
    run = main_run()
    keep(tmp_path, run, seed_of(run, 8))
    options = [part for one in (run.id, "seed-8") for part in ("--run", str(tmp_path / f"{one}.json"))]
    code, _, err = call(capsys, "--template", "card.md.j2", *options)
    assert (code, "found 2 seeds of one recipe" in err) == (2, True)
    code, _, err = call(capsys, tmp_path, *options)
    assert (code, "only --template takes several" in err) == (2, True)


def test_admitted_are_evaluations_of_the_shown_weights_alone(written: Callable[..., Path]) -> None:
    run = main_run()
    card = written(run, evaluation())
    opened = open_card(card)
    assert speaks_for(opened, evaluation(), [run])
    assert not speaks_for(opened, evaluation(), [sealed(run, id="of-another", card_name="another")])
    for other, said in (
        (evaluation(model=ModelUsed("model", "3" * 64, None, "5" * 64)), "a record of 'model'"),
        (evaluation(model=ModelUsed("owl", "3" * 64, None, "5" * 64), card_name="owl"), "no evaluation of the weights"),
        (replace(evaluation(), sha256=None), "without a seal"),
        (replace(evaluation(), scores={**evaluation().scores, "f1": 1.0}), "changed after"),
    ):  # fmt: skip
        with pytest.raises(RecordError, match=said):
            edit_card(opened, run, others=[other])


# Links


def test_a_card_without_records_beside_it_has_no_links(
    written: Callable[..., Path], tmp_path: Path, capsys: Any
) -> None:
    run, other = main_run(), evaluation()
    card = written(run, other, kept=False)
    text = (card / "README.md").read_text("utf-8")
    assert "](runs/" not in text
    assert f"- Same weights: `{other.id}` on" in text
    assert call(capsys, "--check", card)[0] == 0
    keep(card / "runs", other)
    assert call(capsys, "--check", card)[0] == 1
    assert call(capsys, card, "-o", tmp_path / "elsewhere" / "README.md")[0] == 0
    assert "](runs/" not in (tmp_path / "elsewhere" / "README.md").read_text("utf-8")
    assert call(capsys, card)[0] == 0
    assert f"- Same weights: [`{other.id}`](runs/{other.id}.json) on" in (card / "README.md").read_text("utf-8")
    shutil.copytree(card / "runs", tmp_path / "other" / "runs")
    assert call(capsys, card, "-o", tmp_path / "other" / "README.md")[0] == 0
    assert f"[`{other.id}`](runs/" in (tmp_path / "other" / "README.md").read_text("utf-8")
    (card / "README.md").write_text(text, "utf-8")
    assert freshness(open_card(card), run, None, (run,), (other,))[0] == "undated"


def test_a_link_leads_to_the_record_that_was_shown_or_nowhere(tmp_path: Path) -> None:
    run = main_run()
    assert record_beside(run, tmp_path) is None
    save_run(tmp_path / "runs" / run.id, run)
    assert record_beside(run, tmp_path) == f"runs/{run.id}/record.json"
    keep(tmp_path / "runs", run)
    assert record_beside(run, tmp_path) == f"runs/{run.id}.json"
    shutil.rmtree(tmp_path / "runs" / run.id)
    for changed in (sealed(run, scores={**run.scores, "f1": 1.0}), sealed(run, id="another")):
        write_json(tmp_path / "runs" / f"{run.id}.json", changed)
        assert record_beside(run, tmp_path) is None
    (tmp_path / "runs" / f"{run.id}.json").write_text("[]", "utf-8")
    assert record_beside(run, tmp_path) is None
    later = sealed(run, comparisons=(), card_path="elsewhere/README.md", started="2024-12-31T00:00:00+00:00")
    keep(tmp_path / "runs", later)  # the same evidence
    assert record_beside(run, tmp_path) == f"runs/{run.id}.json"


@pytest.mark.parametrize(
    "id", [*HOSTILE, "../../x", "a/b", ".x", "a b", "a](b)", "a`b", "a.", "é", "a\n- Run: `b`", ""]
)
def test_hostile_ids_are_no_links(tmp_path: Path, id: str) -> None:
    run = sealed(main_run(), id=id)
    shown = linked_id(run, tmp_path)
    tokens = [child.type for token in MARKDOWN.parse(f"- Run: {shown}, x") for child in token.children or []]
    assert not {"link_open", "html_inline", "strong_open", "image"} & set(tokens)
    cells = [token for token in MARKDOWN.parse(f"| a | b |\n| - | - |\n| {shown} | x |") if token.type == "td_open"]
    assert len(cells) == 2


def test_hostile_ids_of_evaluations_change_nothing_else(written: Callable[..., Path]) -> None:
    run, other = main_run(), evaluation()
    card = written(run, other)
    opened = open_card(card)
    wanted = parse_card(edit_card(opened, run, others=[other]).text, str(card / "README.md"))
    for id in (*HOSTILE, "a](b)", "a | b"):
        bad = edit_card(opened, run, others=[sealed(other, id=id)])
        assert bad.edits
        found = parse_card(bad.text, str(card / "README.md"))
        assert [(c.metric, c.digits, c.data) for c in found.claims] == [
            (c.metric, c.digits, c.data) for c in wanted.claims
        ]
        section = find_section(bad.text, "x")
        assert section is not None
        assert section.intact
        assert section.runs == (run.id,)


def test_a_section_with_links_is_no_part_of_what_the_card_says(written: Callable[..., Path]) -> None:
    card = written(main_run(), evaluation())
    parsed = read_card(card / "README.md")
    assert "](runs/" in parsed.text
    assert not [link for link in parsed.links if "runs/" in link.target]


def test_text_beside_links_by_hand_is_found(written: Callable[..., Path]) -> None:
    card = written(main_run(), evaluation())
    text = (card / "README.md").read_text("utf-8")
    other = text.replace("](runs/", "](https://example.org/")
    section = find_section(other, "x")
    assert section is not None
    assert section.intact is False
    with pytest.raises(CardError, match="did not write"):
        find_section(text.replace("- Same weights: ", "- [x](y) Same weights: "), "x")


# Publishing


def test_linked_records_are_published_beside_the_card(written: Callable[..., Path], tmp_path: Path) -> None:
    run, other = sealed(main_run(), card_path=str(tmp_path / "cards" / "owl" / "README.md")), evaluation()
    card = written(run, other)
    for request in (
        Request(card, tmp_path / "runs", Options()),
        Request(card, tmp_path / "runs", Options(), run=card / "runs" / f"{run.id}.json"),
    ):
        prepared = prepare(request)
        package = pack(prepared, prepared.text)
        assert package.refused == ()
        names = {"README.md", "harness-results.json", f"runs/{run.id}.json", f"runs/{other.id}.json"}
        assert package.files.keys() == names
        (tmp_path / "there" / "runs").mkdir(parents=True, exist_ok=True)
        for name, raw in package.files.items():
            (tmp_path / "there" / name).write_bytes(raw)
            assert str(tmp_path).encode() not in raw
        for one in (run, other):
            there = load_run(tmp_path / "there" / "runs" / f"{one.id}.json")
            assert evidence_sha256(there) == evidence_sha256(one)
            assert record_beside(one, tmp_path / "there") == f"runs/{one.id}.json"
    place = card / "runs" / f"{other.id}.json"
    for swapped in (sealed(other, scores={**other.scores, "f1": 1.0}), main_run(id="another")):
        write_json(place, swapped)
        records, lost = linked_records(prepared.text, card / "README.md")
        assert records.keys() == {f"runs/{run.id}.json"}
        assert "found another record than the section shows" in lost[0]
    place.unlink()
    records, lost = linked_records(prepared.text, card / "README.md")
    assert records.keys() == {f"runs/{run.id}.json"}
    assert f"links to runs/{other.id}.json, which is not published" in lost[0]


def test_a_card_without_links_is_published_as_before(written: Callable[..., Path], tmp_path: Path) -> None:
    card = written(main_run(), evaluation(), kept=False)
    prepared = prepare(Request(card, tmp_path / "runs", Options()))
    assert pack(prepared, prepared.text).files.keys() == {"README.md", "harness-results.json"}
    with pytest.raises(NoEvidenceError):
        gather_evidence(open_card(card), tmp_path / "none")


def test_a_card_without_a_section_shows_the_run_of_its_recipe_however_much_it_says_of_other_data(
    written: Callable[..., Path],
) -> None:
    run, other = main_run(card_name="owl"), evaluation()
    card = written(run, other)
    text = (card / "README.md").read_text("utf-8").partition("<!-- harness:evidence -->")[0]
    more = "".join(
        f"| {kind} | {AMAZON} | 41.2500 | 52.5000 |\n" for kind in ("all", "overall", "all", "overall", "all")
    )
    table = f"\n## More\n\n| questions | data | exact match | F1 |\n| --- | --- | --- | --- |\n{more}"
    (card / "README.md").write_text(f"{text.rstrip()}\n{table}", "utf-8")
    claims = [claim.data for claim in read_card(card / "README.md").claims if claim.data is not None]
    assert sum(data.name == AMAZON.name for data in claims) > len(claims) / 2
    made = expected_card(card, Path("runs"))
    assert [one.id for one in made.runs] == [run.id]
    assert f"- Same weights: [`{other.id}`]" in made.text
