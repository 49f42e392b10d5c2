"""Cards written for models that have none: what is written is read back by the real parser and planner."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from card_runs import released_run, run_of, sealed, sealed_run
from documents import HOSTILE, MARKDOWN, hostile_run, structure, tables
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from harness.audit import audit_card
from harness.cards import parse_card, read_card
from harness.errors import CardError, DataError, RecipeError, RecordError
from harness.evidence import Options, judge, open_card, plan_card
from harness.intervals import score_intervals
from harness.names import canonical_data
from harness.recipes import fields, plan_recipe
from harness.recipes.profiles import PROFILES
from harness.records import Bounds, Card, Claim, Computed, DataRef, DataUsed, Question, Recipe, Run, Scores, Verdict
from harness.render import write_card
from harness.render.measured import find_intervals
from harness.render.recipe_blocks import same_values
from harness.report.data import RunData
from harness.report.spreads import measure_intervals
from harness.signature import decoding_parts, join_signature
from harness.squad import summarize
from harness.store import load_run

HERE = Path(__file__).parent
SEEDS = HERE.parents[1] / "shared" / "seeds"
KEYS = {
    ("exact_match", "all"): "exact", ("f1", "all"): "f1",
    ("exact_match", "has_ans"): "HasAns_exact", ("f1", "has_ans"): "HasAns_f1",
    ("exact_match", "no_ans"): "NoAns_exact", ("f1", "no_ans"): "NoAns_f1",
}  # fmt: skip


def read(run: Run, **given: Any) -> Card:
    card = parse_card(write_card(run, **given), "cards/x/README.md")
    assert not card.problems
    return card


def check_claims(card: Card, run: Run) -> None:
    """Every claim is a figure of the run on its data, and each of its figures is claimed."""
    assert run.evaluated is not None
    wanted = {key for key in KEYS.values() if key in run.scores}
    assert {KEYS[claim.metric, claim.subset] for claim in card.claims} == wanted
    for claim in card.claims:
        key = KEYS[claim.metric, claim.subset]
        assert claim.digits == f"{run.scores[key]:.4f}"
        assert math.isclose(claim.reported, run.scores[key], abs_tol=5.1e-5)
        assert claim.data is not None
        assert canonical_data(replace(claim.data, revision=None)) == canonical_data(
            replace(run.evaluated.ref, revision=None)
        )
        assert claim.confidence > 0.6
        assert not claim.verified
    front = [claim for claim in card.claims if claim.origin == "front_matter"]
    assert [(claim.metric, claim.subset) for claim in front] == [("exact_match", "all"), ("f1", "all")]
    assert not card.comparisons
    assert not card.examples
    assert not card.speeds


def check_recipe(card: Card, run: Run) -> None:
    assert same_values(plan_recipe(card, None), run.recipe)


def test_a_card_says_what_the_run_came_to() -> None:
    run = sealed_run()
    text = write_card(run, metadata={"license": "mit", "language": ["en"]}, repo_id="me/owl", name="me/owl")
    card = parse_card(text, "x.md")
    check_claims(card, run)
    check_recipe(card, run)
    assert card.name == "me/owl"
    metadata = {key: value for key, value in card.metadata.items() if key != "model-index"}
    assert metadata == {
        "license": "mit", "language": ["en"], "pipeline_tag": "question-answering", "library_name": "transformers",
        "tags": ["question-answering", "distillation"], "datasets": ["pocket"],
    }  # fmt: skip
    headings = [
        token.content for before, token in zip(["", *MARKDOWN.parse(text)], MARKDOWN.parse(text), strict=False)
        if getattr(before, "type", "") == "heading_open"
    ]  # fmt: skip
    assert headings == [
        r"me/owl", "Usage", "Training procedure", "Evaluation", "Evaluated on `pocket:validation[:400]`",
        "By kind of question", "Limits", "Reproducibility",
    ]  # fmt: skip
    for piece in (
        "distilled in 2 stages", "`harness reproduce` on this card repeats the training",
        'model_name = "me/owl"', "harness ask me/owl -q", "200 of 400 questions have no answer",
        "a model that never answers scores 50.00.", "evaluated on the 400 questions of",
        "pip install modelcard-harness",
        "trained once", run.id, str(run.signature), run.stages[0].weights_sha256,
    ):  # fmt: skip
        assert piece in text, piece
    assert text.endswith("<!-- /harness:evidence -->\n")
    assert write_card(run, metadata={"license": "mit", "language": ["en"]}, repo_id="me/owl", name="me/owl") == text


def test_stated_assumed_and_default_values_are_told_apart() -> None:
    text = write_card(sealed_run())
    assert "# assumed\nadam_beta2 = 0.98" in text
    rows = rows_under(text, "origin")
    assert ["teacher", "adam_beta2 = 0.98", "assumed: 0.999 diverged | with this batch size"] in rows
    assert ["student", "seed = 7", "assumed: any seed will do"] in rows
    assert ["teacher", "weight_decay", "default: transformers TrainingArguments"] in rows
    stated = text[text.index("## Training") :].partition("# ")[0]
    assert "adam_beta2" not in stated


def rows_under(text: str, column: str) -> list[list[str]]:
    """The rows of the table that has a column of that name."""
    found: list[list[str]] = []
    for token, before in zip(MARKDOWN.parse(text), [None, *MARKDOWN.parse(text)], strict=False):
        if token.type == "table_open":
            rows: list[list[str]] = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and before is not None and before.type in ("th_open", "td_open"):
            rows[-1].append("".join(child.content for child in token.children or []))
        elif token.type == "table_close" and column in rows[0]:
            found = rows
    return found


@pytest.mark.parametrize("path", sorted(HERE.parent.glob("cards/pocket__*/runs/*.json")), ids=lambda path: path.stem)
def test_recorded_runs_of_the_embedded_recipes(path: Path) -> None:
    run = sealed(load_run(path))
    card = read(run, metadata={"license": "apache-2.0", "language": "en"})
    check_claims(card, run)
    check_recipe(card, run)
    recipe = plan_recipe(card, None)
    assert not recipe.gaps
    findings = {finding.code for finding in audit_card(card, recipe) if finding.severity != "info"}
    assert not findings
    assert "synthetic" in card.text


@pytest.mark.parametrize(
    "folder", [HERE / "data" / "cards", HERE.parent / "cards", SEEDS], ids=["test data", "cards", "published cards"]
)
def test_every_recipe_of_a_card_is_said_again(folder: Path) -> None:
    found = 0
    for path in sorted(path for path in folder.rglob("*.md") if "labelled" not in path.parts):
        try:
            opened = open_card(path)
        except (CardError, RecipeError):
            continue
        readings = [None] if opened.assumptions is None else [None, *(r.name for r in opened.assumptions.readings)]
        for reading in readings:
            recipe = open_card(path, reading=reading).recipe
            if recipe.evaluation is not None:
                run = run_of(recipe)
                card = read(run)
                check_recipe(card, run)
                check_claims(card, run)
                found += 1
    if not found:
        pytest.skip(f"no cards in {folder}")


NAME = st.one_of(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True),
    st.sampled_from(["em", "f1", "loss", "exact", "seed", "num", "train", "all", "evaluation", "1e3", "true"]),
)
MODEL = st.sampled_from(
    ["pocket/roberta-1x64", "me/owl", "me/owl@abc", "7", "1e3", "true", "none", "a.b/c-d_e", "\u00e9/\u00fc"]
)
DATA = st.sampled_from(
    [
        "squad_v2:train", "squad:train[:10%]", "squad_v2@abc:train", "squadshifts:new_wiki:test[:1000]",
        "me/mine:it's:train", 'me/mine:a"b:train', "me/mine:#c:x[5:9]", "pocket:train[:100] + squad_v2:train",
        "mine:true:train",
    ]
)  # fmt: skip
SMALL = st.floats(1e-12, 0.9, allow_subnormal=False)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "profile": st.sampled_from(list(PROFILES)),
    "epochs": st.integers(1, 10_000),
    "batch_size": st.integers(1, 2**31 - 1),
    "learning_rate": SMALL,
    "lr_schedule": st.sampled_from(["linear", "constant", "constant_with_warmup"]),
    "warmup_proportion": st.one_of(SMALL, st.just(0), st.just(1.0)),
    "warmup_rounding": st.sampled_from(["up", "down"]),
    "weight_decay": SMALL,
    "weight_decay_on": st.sampled_from(["weights", "all"]),
    "adam_beta1": SMALL,
    "adam_beta2": SMALL,
    "adam_epsilon": SMALL,
    "max_grad_norm": st.floats(0, 1e30),
    "max_seq_len": st.integers(200, 10_000),
    "doc_stride": st.integers(1, 100),
    "doc_stride_is": st.sampled_from(["overlap", "step"]),
    "max_query_length": st.one_of(st.integers(1, 64), st.just("none")),
    "temperature": st.floats(1e-6, 1e20),
    "distillation_loss_weight": st.floats(0, 1),
    "distillation_loss": st.sampled_from(["kl", "mse"]),
    "hidden_loss_weight": st.floats(0, 1e9),
    "attention_target": st.sampled_from(["probabilities", "scores"]),
    "layer_map": st.lists(st.integers(1, 9), max_size=3).map(tuple),
    "loss_scale": st.floats(1e-9, 1e9),
    "seed": st.integers(0, 2**32 - 1),
    "protocol": st.sampled_from(["run_qa", "farm", "run_squad"]),
    "lower_case": st.booleans(),
    "space_words": st.booleans(),
    "label_faults": st.booleans(),
    "padding": st.sampled_from(["longest", "fixed"]),
    "order": st.sampled_from(["grouped", "random"]),
    "dropout": st.one_of(SMALL, st.just("own")),
    "head_dropout": SMALL,
    "optimizer": st.sampled_from(["adamw", "adamw_transformers_3"]),
    "precision": st.sampled_from(["float32", "bfloat16", "float16"]),
    "tf32": st.booleans(),
    "student_weights": st.sampled_from(["pretrained", "random"]),
    "augment": st.sampled_from(["none", "tinybert"]),
    "augment_factor": st.integers(1, 1000),
    "augment_candidates": st.integers(1, 1000),
    "augment_probability": st.floats(0, 1),
    "masked_lm": MODEL,
    "word_vectors": MODEL,
}
STAGE = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["finetune", "distil_logits", "distil_hidden"]),
        "student": MODEL,
        "teacher": MODEL,
        "train_data": DATA,
    },
    optional=VALUES,
)
OF_EVALUATION = st.fixed_dictionaries(
    {"eval_data": DATA.filter(lambda text: " + " not in text)},
    optional={
        "n_best": st.integers(1, 10_000),
        "max_answer_length": st.integers(1, 10_000),
        "null_threshold": st.floats(-1e30, 1e30),
    },
)


def planned(stages: dict[str, dict[str, Any]], general: dict[str, Any]) -> Recipe | None:
    """The recipe of stages with such values; None where they do not go together."""
    blocks = "".join(f'```\nstage = "{name}"\n```\n\n' for name in stages)
    given = {f"{name}.{key}": value for name, values in stages.items() for key, value in values.items()}
    given = {key: value for key, value in given.items() if value != ()}
    for name, values in stages.items():
        if values["kind"] == "finetune":
            del given[f"{name}.teacher"]
    card = parse_card(f"---\nlicense: mit\n---\n\n{blocks}", "x.md")
    try:
        return plan_recipe(card, None, {**given, **general})
    except RecipeError:
        return None


def test_all_fields_are_generated() -> None:
    assert VALUES.keys() | {"student_layers"} == set(fields.STAGE_FIELDS)


@settings(
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a recipe takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.dictionaries(NAME, STAGE, min_size=1, max_size=4), OF_EVALUATION)
def test_any_recipe_reads_back(stages: dict[str, dict[str, Any]], general: dict[str, Any]) -> None:
    recipe = planned(stages, general)
    assume(recipe is not None)
    assert recipe is not None
    run = run_of(recipe)
    card = read(run)
    assert "repeats the training" in card.text
    check_recipe(card, run)
    check_claims(card, run)


FIGURE = st.one_of(st.floats(0, 100), st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.5, 100.0]))
REFS = st.sampled_from(
    [
        DataRef("squad_v2", "validation"), DataRef("squad", "validation[:5]"), DataRef("squadshifts", "test", "amazon"),
        DataRef("pocket", "validation"), DataRef("me/mine", "test", "c"), DataRef("mine", "dev-x".replace("-", "_")),
        DataRef("squad_v2", "validation", None, "abc"), DataRef("xquad", "validation", "xquad.de"),
        DataRef("me/xquad_r", "test"),
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(FIGURE, min_size=6, max_size=6), REFS, st.booleans(), st.booleans())
@example([0.5, 1.0, 0.2, 0.1, 1.0, 0.0], DataRef("squad_v2", "validation"), True, True)
@example([0.0] * 6, DataRef("me/mine", "test", "c"), False, True)
def test_any_figures_are_claimed(figures: list[float], ref: DataRef, released: bool, both: bool) -> None:
    keys = list(KEYS.values()) if both else list(KEYS.values())[:4]
    totals = {"total": 400.0, "HasAns_total": 200.0, **({"NoAns_total": 200.0} if both else {})}
    scores = {**dict(zip(keys, figures, strict=False)), **totals}
    used = DataUsed(ref, 400, 200 if both else 400, "5" * 64, "owl.json")
    if released:
        run = released_run(scores=scores, evaluated=used, by_kind={})
    else:
        recipe = replace(sealed_run().recipe, evaluation=ref)
        run = run_of(recipe, scores=scores, evaluated=used, by_kind={})
    check_claims(read(run), run)


@pytest.mark.parametrize("metrics", [["f1"], ["exact_match", "f1"], ["accuracy"]])
def test_figures_of_parts_are_no_claims(metrics: list[str]) -> None:
    kinds = {kind: {"exact": 10.0, "f1": 20.0, "total": 5.0} for kind in ("F1", "exact", "answerable", "seed", "me/x")}
    seeded = planned(
        {
            name: {"kind": "finetune", "student": "a/b", "teacher": "x", "train_data": "squad:train", "seed": 3}
            for name in kinds
            if "/" not in name
        },
        {"eval_data": "pocket:validation"},
    )
    assert seeded is not None
    run = run_of(seeded, by_kind=kinds)
    card = read(run, metadata={"metrics": metrics}, seeds=[other_seed(run, 8, 1.0)])
    check_claims(card, run)
    check_recipe(card, run)


def other_seed(run: Run, seed: int, more: float) -> Run:
    stages = tuple(replace(stage, seed=seed) for stage in run.recipe.stages)
    scores = {key: value if key.endswith("total") else value + more for key, value in run.scores.items()}
    return sealed(run, id=f"seed-{seed}", recipe=replace(run.recipe, stages=stages), scores=scores)


def test_the_spread_of_seeds() -> None:
    run = sealed_run()
    text = write_card(run, seeds=[other_seed(run, 8, 1.0), other_seed(run, 9, 2.0)])
    rows = {row[0]: row[1:] for row in tables(text)["Over several seeds"]}
    assert rows["exact match"][:2] == ["72.5000 points", "1.0000 points"]  # 71.5, 72.5, 73.5
    assert math.isclose(
        float(rows["exact match"][2].split()[0]), 4.9724, abs_tol=0.02
    )  # 4.3027 * sqrt(4/3), and rounding
    assert "trained once" not in text
    assert "`seed-9`" in text.partition("<!-- harness:evidence -->")[0]
    assert "`seed-9`" in text.partition("<!-- harness:evidence -->")[2]


@pytest.mark.parametrize("change", ["same seeds", "recipe", "data", "unfinished"])
def test_seeds_are_of_one_recipe(change: str) -> None:
    run = sealed_run()
    other = other_seed(run, 8, 1.0)
    assert other.evaluated is not None
    bad = {
        "same seeds": replace(run, id="again"),
        "recipe": replace(other, recipe=replace(other.recipe, evaluation=DataRef("squad", "validation"))),
        "data": replace(other, evaluated=replace(other.evaluated, sha256="6" * 64)),
        "unfinished": replace(other, status="running"),
    }[change]
    with pytest.raises(RecordError, match="leave it out"):
        write_card(run, seeds=[bad])


def scored() -> tuple[Scores, list[Question]]:
    exact = {f"q{i}": float(i % 3 == 0) for i in range(60)}
    scores = Scores("2.0", exact, {qid: max(value, 0.25) for qid, value in exact.items()}, dict.fromkeys(exact, True))
    questions = [Question(qid, f"p{i // 4}", "c", "q", ()) for i, qid in enumerate(exact)]
    return scores, questions


def test_intervals_are_those_of_the_scores() -> None:
    scores, questions = scored()
    run = sealed_run(scores=summarize(scores), by_kind={})
    found = score_intervals(questions, scores)
    text = write_card(run, scores=scores, questions=questions)
    ((header, all_row, *_),) = [rows for name, rows in tables(text).items() if name.startswith("Evaluated on")]
    assert header == ["questions", "number", "exact match", "95 % interval", "F1", "95 % interval"]
    exact, f1 = found["exact"][0], found["f1"][0]
    assert exact.method == f1.method == "bootstrap over paragraphs"
    assert all_row[3] == f"{exact.low:.4f} to {exact.high:.4f}"
    assert all_row[5] == f"{f1.low:.4f} to {f1.high:.4f}"
    assert "bootstrap over paragraphs, 10000 resamples, seed 0" in text
    check_claims(parse_card(text, "x.md"), run)
    alone = write_card(run, scores=scores)
    binomial = found["exact"][-1]
    assert f"{binomial.low:.4f} to {binomial.high:.4f}" in alone
    assert "Clopper-Pearson; bootstrap over questions" in alone


def test_a_card_and_a_report_show_the_same_intervals() -> None:
    scores, questions = scored()
    run = sealed_run(scores=summarize(scores), by_kind={})
    for known in (questions, questions[:8], None):
        part = scores if known is None or len(known) == 60 else part_of(scores, known)
        own = replace(run, scores=summarize(part))
        card = find_intervals(own, part, known)
        report = measure_intervals(RunData(Path("x"), own, None if known is None else tuple(known), part))
        assert card == report and card


def part_of(scores: Scores, questions: list[Question]) -> Scores:
    ids = [question.id for question in questions]
    return replace(
        scores, **{name: {qid: getattr(scores, name)[qid] for qid in ids} for name in ("exact", "f1", "has_ans")}
    )


def asked_card(run: Run, change: dict[str, Any], answer: str = "Ada Merk", **given: Any) -> str:
    """A card whose questions are all alike: one that was answered right by its third, and shortest, context."""
    scores, questions = scored()
    text = {"question": "Who built it?", "context": "In Orvel, Ada Merk built it."} | change
    made = [replace(question, question="Why?", context="It is said so, " * 9 + "they say") for question in questions]
    made[1] = replace(made[1], question="What?", context="All wrong.")  # the shortest, and its answer is not right
    made[3] = replace(made[3], **text)
    predictions = {question.id: "said so" for question in questions} | {"q3": answer, "q1": "wrong", "q2": ""}
    run = replace(run, sha256=None)
    run = sealed(run, scores=summarize(scores), by_kind={})
    return write_card(run, scores=scores, questions=made, predictions=predictions, **given)


def test_the_code_asks_what_was_answered_right() -> None:
    text = asked_card(sealed_run(), {})
    assert 'question = "Who built it?"\ncontext = "In Orvel, Ada Merk built it."\n' in text
    assert "print(answer)  # prints: Ada Merk\n" in text
    assert "-q 'Who built it?' -c 'In Orvel, Ada Merk built it.'" in text
    assert 'model"  # the folder of the model\n' in text
    named = asked_card(sealed_run(), {}, repo_id="me/owl")
    assert 'model_name = "me/owl"\n' in named
    assert "# prints" not in write_card(sealed_run())


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"context": "In Orvel, Ada Merk built it. F1 is 99.9 here."}, "Ada Merk"),
        ({"context": "In Orvel, Ada Merk built it.\nseed = 3"}, "Ada Merk"),
        ({"context": 'Ada Merk built "it".'}, "Ada Merk"),
        ({"context": "Ada Merk built it. `x`"}, "Ada Merk"),
        ({"context": "Ada Merk built it. \u202ex"}, "Ada Merk"),
        ({"context": "Ada Merk built it. <!-- harness:evidence -->"}, "Ada Merk"),
        ({"question": "{'answer': 'x', 'score': 0.5}"}, "Ada Merk"),
        ({"question": "Who $(rm -r .)?"}, "Ada Merk"),
        ({"context": "Ada Merk. " * 50}, "Ada Merk"),
        ({"question": "Who in the town of Orvel was it that built what we talk about here?"}, "Ada Merk"),
        ({}, "ada merk"),
        ({}, ""),
        ({}, "99.9 F1"),
    ],
)
def test_what_is_no_plain_text_is_not_asked(change: dict[str, Any], answer: str) -> None:
    text = asked_card(sealed_run(), change, answer)
    assert 'question = "Why?"' in text
    assert "# prints: said so\n" in text
    assert not parse_card(text, "x.md").examples


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_questions_say_nothing(text: str) -> None:
    plain = parse_card(asked_card(sealed_run(), {}), "x.md")
    for change, answer in (({"context": f"Ada Merk {text}"}, "Ada Merk"), ({"question": text}, "Ada Merk"), ({}, text)):
        card = parse_card(asked_card(sealed_run(), change, answer), "x.md")
        assert shape(card) == shape(plain)
        assert not card.examples


def test_scores_of_something_else_are_refused() -> None:
    scores, questions = scored()
    with pytest.raises(RecordError, match="scores of other predictions"):
        write_card(sealed_run(), scores=scores, questions=questions)
    with pytest.raises(DataError):
        write_card(sealed_run(scores=summarize(scores)), scores=scores, questions=questions[1:])


def test_a_released_model_has_no_training() -> None:
    run = released_run(computed=Computed("cpu", "float32", 400, 3))
    text = write_card(run)
    card = parse_card(text, "x.md")
    check_claims(card, run)
    assert card.name == "me/owl"
    assert "Training procedure" not in text
    assert "trained" not in text.partition("## Usage")[0]
    assert "revision `main`" in text
    assert 'model_name = "me/owl"' in text
    assert "3 answers would be others" in text
    assert "base_model" not in card.metadata
    assert not plan_recipe(card, None).stages[0].data


def test_predictions_of_another_program_have_no_model() -> None:
    run = sealed_run(kind="replay", stages=(), recipe=replace(sealed_run().recipe, stages=()))
    text = write_card(run)
    assert "Usage" not in text
    assert "decoded as" not in text
    assert "library_name" not in parse_card(text, "x.md").metadata
    check_claims(parse_card(text, "x.md"), run)


def test_an_early_stop_gives_bounds_and_no_claim() -> None:
    low = {"exact": 60.0, "f1": 62.0, "HasAns_exact": 50.0, "HasAns_f1": 51.0}
    high = {key: value + 10 for key, value in low.items()}
    bounds = Bounds("betting", 0.05, 0, 120, 400, low, high, decided=True)
    card = read(sealed_run(bounds=bounds))
    assert not card.claims
    assert "model-index" not in card.metadata
    rows = next(rows for name, rows in tables(card.text).items() if name.startswith("Bounds on"))
    assert rows[1] == ["all", "60.0000 to 70.0000", "62.0000 to 72.0000"]
    assert "280 questions were not asked" in card.text
    assert "By kind" not in card.text  # of those that were asked only
    whole = read(sealed_run(bounds=replace(bounds, used=400)))
    assert whole.claims
    assert "Bounds" not in whole.text


def test_rules_1_1() -> None:
    run = sealed_run(scores={"exact_match": 80.5, "f1": 88.25}, by_kind={})
    card = read(run)
    assert [(claim.metric, claim.digits) for claim in card.claims] == [
        ("exact_match", "80.5000"),
        ("f1", "88.2500"),
    ] * 2
    assert "rules 1.1" in card.text
    assert "never answers" not in card.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "failed"}, "found a run that is failed"),
        ({"sha256": None}, "found no checksum"),
        ({"card_name": "other"}, "was changed since"),
    ],
)
def test_only_sealed_finished_runs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        write_card(replace(sealed_run(), **changes))


@pytest.mark.parametrize("changes", [{"scores": {}}, {"evaluated": None}])
def test_only_runs_with_figures(changes: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="found no figures"):
        write_card(sealed_run(**changes))


def test_embedded_data_that_changed_are_refused() -> None:
    run = sealed_run()
    assert run.evaluated is not None
    stale = sealed(run, evaluated=replace(run.evaluated, source="embedded"))
    with pytest.raises(RecordError, match="embedded data that have changed"):
        write_card(stale)


def test_metadata_and_repo_ids_are_checked() -> None:
    for key in ("model-index", "model_index"):
        with pytest.raises(RecordError, match=key):
            write_card(sealed_run(), metadata={key: []})
    for bad in ("owl", "me/owl/x", "me/o wl", "../owl", "me/"):
        with pytest.raises(RecordError, match="owner/name"):
            write_card(sealed_run(), repo_id=bad)
    card = read(sealed_run(), metadata={"tags": ["mine"], "base_model": "me/base"})
    assert card.metadata["base_model"] == "me/base"
    assert card.metadata["tags"] == ["mine", "question-answering", "distillation"]
    card = read(sealed_run(), metadata={"tags": "question-answering", "datasets": ["me/data", "pocket"]})
    assert card.metadata["tags"] == ["question-answering", "distillation"]
    assert card.metadata["datasets"] == ["me/data", "pocket"]
    for wrong in ({"license": 3}, {"language": [1]}, {"license": None}, {"tags": {"a": 1}}, {"datasets": ["a", ""]}):
        with pytest.raises(RecordError, match=rf"metadata: {next(iter(wrong))}: found"):
            write_card(sealed_run(), metadata=wrong)


@pytest.mark.parametrize(
    ("students", "weights", "base"),
    [
        (("me/base", "a"), "pretrained", "me/base"),
        (("me/base@abc", "me/other"), "pretrained", "me/other"),
        (("me/base", "a"), "random", None),
        (("pocket/roberta-2x64", "a"), "pretrained", None),
    ],
)
def test_the_base_model_is_what_the_weights_came_from(
    students: tuple[str, str], weights: str, base: str | None
) -> None:
    values = {"kind": "finetune", "teacher": "x", "train_data": "squad:train", "student_weights": weights}
    stages = {name: {**values, "student": student} for name, student in zip("ab", students, strict=True)}
    recipe = planned(stages, {"eval_data": "squad:validation"})
    assert recipe is not None
    metadata = read(run_of(recipe)).metadata
    assert metadata.get("base_model") == base
    assert metadata.get("base_model_relation") == (None if base is None else "finetune")


def test_the_commit_of_the_data_is_told() -> None:
    used = DataUsed(DataRef("squad_v2", "validation"), 400, 200, "7" * 64, f"rajpurkar/squad_v2@{'ab' * 20}")
    front = [c for c in read(sealed_run(evaluated=used)).claims if c.origin == "front_matter"]
    assert {claim.data for claim in front} == {DataRef("squad_v2", "validation", None, "ab" * 20)}


@pytest.mark.parametrize("kind", ["trained", "released"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_records_appear_as_text(text: str, kind: str) -> None:
    run = sealed_run() if kind == "trained" else released_run()
    bad, good = (sealed(_hostile(run, words)) for words in (text, "words!"))
    hostile, harmless = write_card(bad), write_card(good)
    assert hostile.count("<!-- /harness:evidence -->") == 1
    assert hostile.endswith("\n<!-- /harness:evidence -->\n")
    assert structure(body(hostile)) == structure(body(harmless))
    again, expected = parse_card(hostile, "x.md"), parse_card(harmless, "x.md")
    assert shape(again) == shape(expected)
    assert form(again.metadata) == form(expected.metadata)
    assert again.metadata["datasets"] == [text]
    assert all(claim.digits != "99.9" for claim in again.claims)
    assert not again.problems


def _hostile(run: Run, text: str) -> Run:
    return hostile_run(replace(run, used={"a": "b"}), text)


def body(text: str) -> str:
    """What follows the front matter, whose form `parse_card` reads."""
    return text.partition("\n---\n")[2]


def shape(card: Card) -> tuple[list[tuple[str, ...]], list[str]]:
    claims = [(claim.metric, claim.subset, claim.origin, claim.digits) for claim in card.claims]
    return claims, [code.language for code in card.code]


def form(value: Any) -> Any:
    """Keys and kinds of values."""
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [form(item) for item in value]
    return type(value).__name__


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_arguments_appear_as_text(text: str) -> None:
    run = sealed_run()
    plain = write_card(run, name="words", metadata={"license": "words", "x": {"words": ["words"]}})
    hostile = write_card(run, name=text, metadata={"license": text, "x": {text: [text]}})
    assert structure(body(hostile)) == structure(body(plain))
    card = parse_card(hostile, "x.md")
    assert card.metadata["license"] == text
    assert card.metadata["x"] == {text: [text]}
    check_claims(card, run)
    check_recipe(card, run)


def test_claims_stay_claims_of_the_card(tmp_path: Path) -> None:
    """A card in a folder, read from the file."""
    run = sealed_run()
    file = tmp_path / "README.md"
    file.write_text(write_card(run), encoding="utf-8", newline="\n")
    claims: tuple[Claim, ...] = read_card(file).claims
    assert len(claims) == 8


def test_every_claim_of_a_card_of_given_weights_holds_under_their_own_protocol() -> None:
    """Data that have a commit too: the signature that the card shows names none."""
    run = released_run()
    assert run.evaluated is not None
    parts = {"data": str(run.evaluated.ref), **decoding_parts(run.recipe.decoding), "v": "0"}
    source = f"owl/data@{'ab' * 20}"
    run = sealed(run, signature=join_signature(parts), evaluated=replace(run.evaluated, source=source))
    card = parse_card(write_card(run), "README.md")
    assert any(claim.data is not None and claim.data.revision == "ab" * 20 for claim in card.claims)
    comparisons = judge(plan_card(Path("README.md"), card), (run,), Options())
    assert {comparison.verdict for comparison in comparisons} == {Verdict.MATCHES}
