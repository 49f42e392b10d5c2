"""A model card for a model that has none, from the record of a finished run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import RecordError, TemplateError
from harness.names import metric_mentions
from harness.records import Comparison, DataUsed, Decoding, Question, Run, Scores, SpeedRecord
from harness.render import measured
from harness.render.escape import as_fence
from harness.render.metadata import front_matter, needs_signs
from harness.render.new_speed import new_speed
from harness.render.other_data import OtherData, other_parts
from harness.render.recipe_blocks import recipe_blocks, same_values, unstated_values
from harness.render.sandbox import render_template
from harness.render.section import render_section
from harness.render.usage_code import NEUTRAL, Asked, ask_command, choose_asked, transformers_code
from harness.render.user_templates import is_packaged, render_user_template
from harness.render.views import used_data
from harness.results import check_sealed
from harness.signature import decoding_parts, join_signature
from harness.speeds import named_bases

FIELDS_VERSION = 1
"""Of the names that a template is given; a change that breaks templates raises it."""
_CARD = "card.md.j2"
_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_UNREMARKABLE = re.compile(r"[\w./@:\[\]%+-]{1,200}")
_PATH = re.compile(r"[\w./@ -]{1,200}")


def write_card(
    run: Run,
    *,
    template: str | Path = _CARD,
    name: str | None = None,
    repo_id: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    comparisons: Sequence[Comparison] = (),
    scores: Scores | None = None,
    questions: Sequence[Question] | None = None,
    predictions: Mapping[str, str] | None = None,
    seeds: Sequence[Run] = (),
    others: Sequence[OtherData] = (),
    speed: SpeedRecord | None = None,
) -> str:
    """A complete card, as Markdown: what the record holds, and nothing that it does not.

    Read back, the card claims the run's own figures and states its recipe, every value of it. The same input gives the
    same bytes. What the record has nothing for is left out.

    Args:
        run: A finished run whose record has its checksum, as `load_run` gives it.
        template: Name of a template of the package, or the path of one's own (docs/rendering.md, "Templates").
        name: The model's name; the run's if None.
        repo_id: Where the model is to lie on the Hub, for the code that loads it; None: where the run has it.
        metadata: Front matter that no record knows, such as ``license`` and ``language``; goes before what is derived.
        comparisons: Verdicts on claims, for the section "Reproducibility"; a first card has none.
        scores: The scores of every question, for intervals (`harness.per_question.read_scores`).
        questions: The questions, whose paragraphs are what intervals are drawn over; embedded ones are known.
        predictions: The answers that `scores` are of: with both, the code asks a question that was answered right.
        seeds: Runs of the same recipe with other seeds.
        others: Evaluations of the same weights on other data.
        speed: A kept speed of this model, for the part "Speed".

    Raises:
        RecordError: The run is not finished, evaluated nothing, has no checksum or another than it had, or was of
            embedded data that have changed since; scores, seeds or evaluations are not of this run; ``model-index`` is
            among the metadata, or a `repo_id` is none.
        TemplateError: A template of one's own is broken, reaches for what it may not have, or takes too much.
        DataError: The questions are others than the scores'.
    """
    _check(run)
    known = measured.embedded_questions(run) if questions is None else questions
    fields = card_fields(
        run,
        name=name,
        repo_id=repo_id,
        metadata=metadata,
        comparisons=comparisons,
        intervals=measured.find_intervals(run, scores, known),
        seeds=seeds,
        others=others,
        speed=speed,
        asked=choose_asked(known, predictions, scores, run.recipe.decoding.max_query_length),
    )
    if template == _CARD:
        return render_template(_CARD, fields)
    if isinstance(template, str) and is_packaged(template):
        raise TemplateError(
            f"{template}: found a template of something else, expected {_CARD} or a path", path=template
        )
    return render_user_template(Path(template), fields)


def card_fields(
    run: Run,
    *,
    name: str | None,
    repo_id: str | None,
    metadata: Mapping[str, Any] | None,
    comparisons: Sequence[Comparison],
    intervals: Mapping[str, Any],
    seeds: Sequence[Run],
    others: Sequence[OtherData] = (),
    asked: Asked = NEUTRAL,
    speed: SpeedRecord | None = None,
) -> dict[str, object]:
    """The names that a card's template is given; docs/rendering.md lists them, and `FIELDS_VERSION` is theirs."""
    if repo_id is not None and not _REPO_ID.fullmatch(repo_id):
        raise RecordError(f"repo id: found {repo_id!r:.80}, expected owner/name of letters, digits, '-', '_' and '.'")
    shown = name or (run.model.name if run.model is not None else run.card_name)
    model = repo_id or _model_place(run)
    model = model if model is None or _PATH.fullmatch(model) else None  # code that names another states what it likes
    nothing = run.evaluated is not None and run.evaluated.has_ans < run.evaluated.n
    nothing = nothing and not run.recipe.decoding.forced_answer
    rows = measured.results(run, intervals)
    front = front_matter(run, shown, metadata or {}, [other.run for other in others])
    in_run_folder = repo_id is None and run.model is None and model is not None
    code, command = None, None
    if model is not None:
        code, command = _usage(model, run.recipe.decoding, nothing, asked, is_folder=in_run_folder)
    return {
        "fields_version": FIELDS_VERSION,
        "name": shown,
        "repo_id": repo_id,
        "metadata": front,
        "run": run,
        "data": used_data(run),
        "data_name": _in_prose(None if run.evaluated is None else str(run.evaluated.ref)),
        "model_sha256": _in_prose(None if run.model is None else run.model.sha256),
        "model_revision": _in_prose(None if run.model is None else run.model.revision),
        "model": model,
        "in_run_folder": in_run_folder,
        "usage_code": code,
        "ask_command": command,
        "recipe_blocks": recipe_blocks(run.recipe) if run.stages and run.recipe.stages else (),
        "unstated": unstated_values(run.recipe) if run.stages and run.recipe.stages else (),
        "repeatable": bool(run.stages) and _reads_back(run),
        "results": rows,
        "percent_signs": needs_signs([figure for row in rows for figure in (row.exact, row.f1)]),
        "intervals": measured.tell_intervals(rows),
        "bounded": measured.bounded(run),
        "kinds": measured.by_kind(run),
        "spreads": measured.spreads(run, seeds),
        "other_data": other_parts(run, others),
        "seed_runs": tuple(id for one in (run, *seeds) if (id := _in_prose(one.id)) is not None),
        "speed": None if speed is None else new_speed(speed, (shown,), (run, *seeds), named_bases(front)),
        "decoding": None if run.kind == "replay" else join_signature(decoding_parts(run.recipe.decoding)),
        "rules": measured.rules_of(run),
        "embedded": any(used.source == "embedded" for used in _every_data(run, others)),
        "evidence": render_section(
            (run, *seeds), tuple(comparisons), measured=True, name=shown, others=[other.run for other in others]
        ),
    }


def _every_data(run: Run, others: Sequence[OtherData]) -> list[DataUsed]:
    evaluated = (other.run.evaluated for other in others)
    return [*(used for _, used in used_data(run)), *(used for used in evaluated if used is not None)]


def _usage(model: str, decoding: Decoding, nothing: bool, asked: Asked, *, is_folder: bool) -> tuple[str, str]:
    """Code and command with a question of the data, or with the neutral one, where a reader would find more in them."""
    from harness.cards import parse_card

    for one in (asked, NEUTRAL):
        code = transformers_code(model, decoding, nothing=nothing, asked=one, is_folder=is_folder)
        command = ask_command(model, nothing=nothing, asked=one)
        card = parse_card(f"---\n---\n\n{as_fence(code, 'python')}\n\n{as_fence(command, 'sh')}\n", "README.md")
        if not (card.claims or card.comparisons or card.settings or card.counts or card.examples or card.speeds):
            break
    return code, command


def _check(run: Run) -> None:
    check_sealed(run)
    if run.evaluated is None or not run.scores:
        raise RecordError(
            f"{run.id}: found no figures in the record, expected a run with scores; evaluate the model first"
        )
    from harness.evidence import on_present_data

    if not on_present_data(run):
        raise RecordError(
            f"{run.id}: found figures of embedded data that have changed since, expected those of today; run it again "
            "with --fresh"
        )


def _model_place(run: Run) -> str | None:
    """Where the run has the model: the name that was given, or the last stage's folder; None for predictions alone."""
    if run.model is not None:
        return run.model.name
    if not run.stages:
        return None
    from harness.run_folder import stage_place

    return f"{stage_place(len(run.stages), run.stages[-1].name)}/model"


def _in_prose(text: str | None) -> str | None:
    """A name from the record, where no reader of the card can take it in a sentence for a result."""
    plain = text is not None and _UNREMARKABLE.fullmatch(text) and not metric_mentions(text)
    return text if plain else None


def _reads_back(run: Run) -> bool:
    """Whether the blocks alone state the recipe: a record that was made by hand may hold what no card can say."""
    from harness.cards import parse_card
    from harness.errors import HarnessError
    from harness.recipes import plan_recipe

    blocks = "\n\n".join(as_fence(block, "ini") for block in recipe_blocks(run.recipe))
    try:
        return same_values(plan_recipe(parse_card(f"---\n---\n\n{blocks}\n", run.id)), run.recipe)
    except HarnessError:
        return False
