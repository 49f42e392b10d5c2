"""Stages, evaluation and decoding from what is given, each value checked and with its origin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from harness import names
from harness.assumptions import Assumptions, Reading
from harness.errors import RecipeError
from harness.recipes import fields, values
from harness.recipes.checks import check_stage
from harness.recipes.reader import Reader
from harness.recipes.sheets import check, gather
from harness.recipes.stated import read_stated
from harness.recipes.values import Value
from harness.records import Card, DataRef, Decoding, ModelRef, Origin, Recipe, Stage, StageKind


def plan_recipe(
    card: Card,
    assumptions: Assumptions | None = None,
    overrides: Mapping[str, Value] | None = None,
    reading: str | None = None,
) -> Recipe:
    """The recipe that a card states, completed.

    Args:
        card: The card.
        assumptions: A person's decisions; they go before the card.
        overrides: Field or ``stage.field`` -> value; they go before everything.
        reading: One of the readings of `assumptions`, in place of the one that is taken by default.

    Returns:
        The recipe. ``gaps`` names the fields that a run needs and nothing gives; those are None or empty.

    Raises:
        RecipeError: An unknown field in a stage's block, the assumptions or the overrides; an impossible value or
            combination of values; two stages of one name; a model that names a later stage; an unknown reading.
    """
    chosen = _choose_reading(card, assumptions, reading)
    sheets = gather(read_stated(card), assumptions, chosen, overrides)
    readers = [Reader(stage, sheet) for stage, sheet in sheets.items()]
    planned = [_plan_stage(reader, list(sheets), number) for number, reader in enumerate(readers)]
    gaps = [f"{reader.stage}.{gap}" for reader in readers for gap in reader.gaps]
    recipe = _finish(card, planned, readers[-1], gaps)
    return dataclasses.replace(recipe, reading=chosen.name if chosen else None)


def _choose_reading(card: Card, assumptions: Assumptions | None, name: str | None) -> Reading | None:
    """The reading asked for, else the default one."""
    known = {reading.name: reading for reading in assumptions.readings} if assumptions else {}
    if name is None:
        name = assumptions.default_reading if assumptions else None
    if name is None:
        return None
    if name not in known:
        where = assumptions.path if assumptions and known else card.path
        wanted = (
            f"expected one of {', '.join(known)}" if known else "expected none, as its assumptions name no readings"
        )
        raise RecipeError(f"{where}: found no reading {name!r}, {wanted}; correct --reading", field="reading")
    return known[name]


def _plan_stage(reader: Reader, stages: Sequence[str], number: int) -> Stage:
    reader.kind = _kind(reader)
    reader.read_profile()
    if "stage" in reader.sheet and reader.sheet["stage"].origin.how == "assumed":
        reader.origins["name"] = reader.sheet["stage"].origin
    student = reader.find("student", values.read_model, "student")
    teacher = reader.find("teacher", values.read_model, "teacher") if reader.kind != "finetune" else None
    stage = _with_augmentation(reader, _bare_stage(reader, student, teacher))
    for name, model in (("student", student), ("teacher", teacher), ("masked_lm", stage.masked_lm)):
        _check_order(reader, name, model, stages, number)
    for name, why in fields.without_effect(stage).items():
        reader.note(name, f"ignored: {why}")
    check_stage(stage, reader.sheet)
    return stage


def _kind(reader: Reader) -> StageKind:
    sheet = reader.sheet
    teacher = sheet.get("teacher")
    if "kind" in sheet:
        kind = check("kind", sheet["kind"], values.read_kind, reader.stage)
        reader.origins["kind"] = sheet["kind"].origin
        if (
            kind == "finetune"
            and teacher is not None
            and teacher.strict
            and _as_firm(teacher.origin, sheet["kind"].origin)
        ):
            message = "found a teacher in a stage of kind finetune, expected none; remove it, or the kind"
            raise RecipeError(f"{teacher.where}: teacher: {message}", stage=reader.stage, field="teacher")
        return kind
    if teacher is not None:
        reader.origins["kind"] = Origin(teacher.origin.how, "a teacher is stated", teacher.origin.line)
        return "distil_logits"
    reader.origins["kind"] = Origin("default", "no teacher is stated")
    return "finetune"


_RANK = {"default": 0, "stated": 1, "assumed": 2, "given": 3}


def _as_firm(one: Origin, other: Origin) -> bool:
    """Whether a value was given by as firm a decision as another: what goes before it need not heed it."""
    return _RANK[one.how] >= _RANK[other.how]


def _bare_stage(reader: Reader, student: ModelRef | None, teacher: ModelRef | None) -> Stage:
    """The stage without the augmentation of its data."""
    read = reader.read
    return Stage(
        name=reader.stage,
        kind=reader.kind,
        student=student,
        teacher=teacher,
        data=reader.find("train_data", values.read_train_data, "data") or (),
        epochs=read("epochs", values.read_epochs),
        batch_size=read("batch_size", values.read_batch_size),
        learning_rate=read("learning_rate", values.read_learning_rate),
        lr_schedule=read("lr_schedule", values.read_schedule),
        warmup_proportion=read("warmup_proportion", values.read_proportion),
        weight_decay=read("weight_decay", values.read_proportion),
        adam_beta2=read("adam_beta2", values.read_beta),
        max_grad_norm=read("max_grad_norm", values.read_norm),
        max_seq_len=read("max_seq_len", values.read_length),
        doc_stride=read("doc_stride", values.read_stride),
        max_query_length=read("max_query_length", values.read_limit),
        temperature=read("temperature", values.read_positive),
        distillation_loss_weight=read("distillation_loss_weight", values.read_proportion),
        seed=read("seed", values.read_seed),
        origins=reader.origins,
        profile=reader.profile,
        protocol=read("protocol", values.read_protocol),
        doc_stride_is=read("doc_stride_is", values.read_stride_meaning),
        lower_case=read("lower_case", values.read_flag),
        space_words=read("space_words", values.read_flag),
        label_faults=read("label_faults", values.read_flag),
        padding=read("padding", values.read_padding),
        order=read("order", values.read_order),
        head_dropout=read("head_dropout", values.read_dropout),
        optimizer=read("optimizer", values.read_optimizer),
        adam_beta1=read("adam_beta1", values.read_beta),
        adam_epsilon=read("adam_epsilon", values.read_positive),
        warmup_rounding=read("warmup_rounding", values.read_rounding),
        weight_decay_on=read("weight_decay_on", values.read_decayed),
        precision=read("precision", values.read_precision),
        tf32=read("tf32", values.read_flag),
        loss_scale=read("loss_scale", values.read_positive),
        distillation_loss=read("distillation_loss", values.read_loss),
        hidden_loss_weight=read("hidden_loss_weight", values.read_norm),
        attention_target=read("attention_target", values.read_attention),
        layer_map=read("layer_map", values.read_layer_map),
        student_layers=read("student_layers", values.read_student_layers),
        student_weights=read("student_weights", values.read_weights),
        dropout=_dropout(reader),
    )


def _dropout(reader: Reader) -> float | None:
    """The model's own by default, which is no value of the recipe's and has no origin."""
    dropout = reader.read("dropout", values.read_dropout_or_own)
    if reader.origins["dropout"].how == "default":
        del reader.origins["dropout"]
    return dropout


def _with_augmentation(reader: Reader, stage: Stage) -> Stage:
    """The stage with how its data are multiplied; models for it are named only where they are."""
    read = reader.read
    augment = read("augment", values.read_augment)
    made = dataclasses.replace(
        stage,
        augment=augment,
        augment_factor=read("augment_factor", values.integer(1, 1000)),
        augment_candidates=read("augment_candidates", values.integer(1, 1000)),
        augment_probability=read("augment_probability", values.read_proportion),
    )
    masked_lm = read("masked_lm", values.read_model_or_none)
    word_vectors = read("word_vectors", values.read_model_or_none)
    if augment == "none":
        for name in ("masked_lm", "word_vectors"):
            if reader.origins[name].how == "default":
                del reader.origins[name]
        return made
    if masked_lm is None:
        reader.gaps.append("masked_lm")
        reader.origins.pop("masked_lm")
    return dataclasses.replace(made, masked_lm=masked_lm, word_vectors=word_vectors)


def _check_order(reader: Reader, name: str, model: ModelRef | None, stages: Sequence[str], number: int) -> None:
    if model is not None and model.name in stages[number:]:
        where = reader.sheet[name].where
        message = f'found "{model.name}", which is this or a later stage, expected a model or an earlier stage'
        raise RecipeError(f"{where}: {name}: {message}; put the stages in order", stage=reader.stage, field=name)


def _finish(card: Card, stages: Sequence[Stage], reader: Reader, gaps: list[str]) -> Recipe:
    """Add how the last stage's model is evaluated."""
    last = stages[-1]
    final = Reader(reader.stage, reader.sheet, reader.kind, reader.profile)
    evaluation = final.find("eval_data", values.read_eval_data, "evaluation", needed=False)
    if evaluation is None:
        evaluation, line = _claimed_data(card)
        if evaluation is None:
            gaps.append("evaluation")
        else:
            final.origins["evaluation"] = Origin("stated", "the only data set with claims", line)
    decoding = Decoding(
        protocol=last.protocol,
        n_best=final.read("n_best", values.read_length),
        max_answer_length=final.read("max_answer_length", values.read_length),
        null_threshold=final.read("null_threshold", values.read_threshold),
        max_seq_len=last.max_seq_len,
        doc_stride=last.doc_stride,
        max_query_length=last.max_query_length,
        doc_stride_is=last.doc_stride_is,
        lower_case=last.lower_case,
        space_words=last.space_words,
    )
    gaps += final.gaps
    for name in fields.SHARED:
        origin = last.origins[name]
        final.origins[name] = dataclasses.replace(origin, note=origin.note or f"as in stage {last.name}")
    return Recipe(tuple(stages), evaluation, decoding, final.origins, tuple(gaps))


def _claimed_data(card: Card) -> tuple[DataRef | None, int | None]:
    """The data set of the claims, if they are all about one."""
    refs = {names.canonical_data(claim.data): claim.place.line for claim in reversed(card.claims) if claim.data}
    full = {values.with_evaluation_split(ref): line for ref, line in refs.items()}
    if len(full) != 1:
        return None, None
    return full.popitem()
