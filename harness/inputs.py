"""What a run needs from outside: data and models, found and checked before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.data import canonical_name, data_warnings, given_key, load_training_data, require_questions, use_keys
from harness.errors import DataError, ModelError, RecipeError
from harness.models import EMBEDDED_PREFIX, locate_model
from harness.offsets import misplaced_answers
from harness.question_checks import shown
from harness.records import DataRef, DataUsed, ModelRef, Question, Recipe, Stage
from harness.text_lines import is_text


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a run needs from outside, found before anything is trained."""

    data: Mapping[DataRef, tuple[Sequence[Question], DataUsed]]
    """Plain text is among it for stages that need no labels; it is read line by line."""
    models: Mapping[ModelRef, Path]
    """Folders of models that are neither embedded nor made by a stage, those of masked language models included."""
    warnings: tuple[str, ...] = ()
    """What does not fit what is known of the data, in words."""
    vectors: Mapping[ModelRef, Path] = field(default_factory=dict)
    """Files of word vectors that stages augment their data with."""


def gather_inputs(recipe: Recipe, uses: Mapping[str, Path]) -> Inputs:
    """Load all data and locate all models of a recipe.

    Raises:
        RecipeError: the recipe has gaps; or ``--use`` names what the recipe does not.
        DataError, ModelError: something is not at hand or malformed; answers to train on are not at their offsets; or
            plain text is given where questions are needed.
    """
    if recipe.gaps:
        raise RecipeError(
            f"the recipe cannot be run: nothing states {', '.join(recipe.gaps)}. "
            "State it in the card, or in assumptions.yaml with a reason"
        )
    refs = [ref for stage in recipe.stages for ref in stage.data] + [r for r in [recipe.evaluation] if r]
    made = {stage.name for stage in recipe.stages}
    named = [m for s in recipe.stages for m in (s.student, s.teacher, *_masked_lm(s)) if m is not None]
    wanted = [m for m in named if m.name not in made]
    vectors = [s.word_vectors for s in recipe.stages if s.augment != "none" and s.word_vectors is not None]
    _check_uses(uses, refs, {m.name for m in [*wanted, *vectors]})
    outside = [m for m in wanted if m.name in uses or not m.name.startswith(EMBEDDED_PREFIX)]
    drawn = [s.student for s in recipe.stages if s.student_weights == "random"]
    weighed = {m for m in outside if named.count(m) > drawn.count(m)}  # somebody reads its weights
    data = {ref: load_training_data(ref, uses) for ref in dict.fromkeys(refs)}
    _check_text(recipe, {ref: questions for ref, (questions, _) in data.items()})
    for ref in dict.fromkeys(ref for stage in recipe.stages for ref in stage.data):
        if wrong := _offsets(ref, data[ref][0]):
            raise DataError(
                f"{wrong}. Correct answer_start, or leave the answers empty if there is none", data=str(ref)
            )
    warnings = [w for found, used in data.values() for w in data_warnings(used, labelled=not is_text(found))]
    if recipe.evaluation is not None and (warning := offset_warning(recipe.evaluation, data[recipe.evaluation][0])):
        warnings.append(warning)
    if warning := _seen_warning(recipe, {ref: questions for ref, (questions, _) in data.items()}):
        warnings.append(warning)
    return Inputs(
        data=data,
        models={ref: locate_model(ref, uses, weights=ref in weighed) for ref in dict.fromkeys(outside)},
        warnings=tuple(warnings),
        vectors={ref: _locate_vectors(ref, uses) for ref in dict.fromkeys(vectors)},
    )


def _masked_lm(stage: Stage) -> tuple[ModelRef, ...]:
    """The masked language model that a stage needs, if it needs one."""
    if stage.augment == "none":
        return ()
    if stage.masked_lm is None:
        raise RecipeError(
            f"stage {stage.name}: augments its data as {stage.augment} and names no masked language model. "
            "State masked_lm in assumptions.yaml, with a reason",
            stage=stage.name,
            field="masked_lm",
        )
    return (stage.masked_lm,)


def _locate_vectors(ref: ModelRef, uses: Mapping[str, Path]) -> Path:
    """The file of word vectors that is given under a name; the Hub has none in the form of GloVe."""
    path = uses.get(ref.name)
    if path is None or not path.is_file():
        found = "nothing is given" if path is None else f"{path} is no file"
        raise ModelError(
            f"word vectors {ref}: {found}, expected a file of GloVe vectors (.txt, .gz or .zip). "
            f"Give it with --use {ref.name}=PATH",
            model=str(ref),
        )
    return path


def _check_text(recipe: Recipe, data: Mapping[DataRef, Sequence[Question]]) -> None:
    """Raise `DataError` where plain text is to be evaluated, or to be trained on with labels."""
    if recipe.evaluation is not None:
        require_questions(
            recipe.evaluation, data[recipe.evaluation], "the recipe evaluates on it, and expected questions and answers"
        )
    for stage in recipe.stages:
        if stage.kind != "distil_hidden":
            for ref in stage.data:
                expected = f"stage {stage.name} of kind {stage.kind} expected questions and answers"
                require_questions(ref, data[ref], expected)


def offset_warning(ref: DataRef, questions: Sequence[Question]) -> str | None:
    """That answers to evaluate with do not stand where the data say, in words; None if all do."""
    wrong = _offsets(ref, questions)
    return f"{wrong}; scores do not depend on it" if wrong else None


def _seen_warning(recipe: Recipe, data: Mapping[DataRef, Sequence[Question]]) -> str | None:
    """That questions to evaluate are among those to train on, in words; None if none is."""
    if recipe.evaluation is None:
        return None
    trained = {ref for stage in recipe.stages for ref in stage.data if not is_text(data[ref])}
    seen = {(question.question.strip(), question.context) for ref in trained for question in data[ref]}
    again = [q for q in data[recipe.evaluation] if (q.question.strip(), q.context) in seen]
    if not again:
        return None
    return (
        f"{recipe.evaluation}: {len(again)} of {len(data[recipe.evaluation])} questions are among those that the "
        f"recipe trains on, the first is {shown(again[0].id)}; the figures say less of other questions"
    )


def _offsets(ref: DataRef, questions: Sequence[Question]) -> str | None:
    """How many answers do not stand where the data say, in words; None if all do."""
    misplaced = misplaced_answers(questions)
    if not misplaced:
        return None
    first, answer = misplaced[0], misplaced[0].answers[0]
    return (
        f"{ref}: {len(misplaced)} of {len(questions)} questions have an answer that does not stand at its "
        f"answer_start, the first is {shown(first.id)} ({shown(answer.text)} at {answer.start})"
    )


def _check_uses(uses: Mapping[str, Path], refs: Sequence[DataRef], models: set[str]) -> None:
    """A mistyped ``--use`` must not leave the recipe to fetch something else, nor train on what it evaluates."""
    keys = {key for ref in refs for key in use_keys(ref)}
    names: dict[str, str] = {}
    for name in uses:
        key = canonical_name(name)
        if name not in models and key not in keys:
            known = ", ".join(sorted({ref.name for ref in refs} | models))
            raise RecipeError(f"--use names {name!r}, which the recipe does not use; it uses {known}")
        if names.setdefault(key, name) != name:
            raise RecipeError(f"--use names {names[key]!r} and {name!r}, which are the same data; give one file")
    firsts: dict[str, DataRef] = {}
    for ref in refs:
        found, split = given_key(ref, uses), _split(ref)
        if found is None or found.endswith(f":{split}"):
            continue
        first = firsts.setdefault(found, ref)
        if (first.config, _split(first)) != (ref.config, split):
            one, other = (":".join(filter(None, (r.name, r.config, _split(r)))) for r in (first, ref))
            raise RecipeError(
                f"--use {found}: one file would stand for both {one} and {other}. "
                f"Give each its own: --use {one}=PATH --use {other}=PATH"
            )


def _split(ref: DataRef) -> str:
    return ref.split.partition("[")[0]
