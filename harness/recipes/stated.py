"""What a card states for every stage and for each, from its blocks, lines and metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from harness.errors import RecipeError
from harness.recipes import fields, foreign, values
from harness.recipes.sheets import Given, Sheet, Stated, check, unknown
from harness.records import Card, Origin, Setting

_AS_PRINTED = frozenset({"stage", "student", "teacher", "train_data", "eval_data"})
_OF_EVALUATION = fields.RECIPE_LEVEL | {"dataset_name", "max_seq_len", "doc_stride", "max_query_length"}
_OUR_SPELLINGS = frozenset({"train_data", "eval_data", "student", "teacher", "base_model"})


def read_stated(card: Card) -> Stated:
    """What the card states.

    Raises:
        RecipeError: A block that names its stage has an unknown or repeated field, or one of another stage.
    """
    blocks: dict[int, list[Setting]] = {}
    loose: Sheet = {}
    for setting in card.settings:
        if setting.block is not None:
            blocks.setdefault(setting.block, []).append(setting)
        elif setting.name in fields.OF_ANY_CARD:
            given = _from_card(card, setting, strict=False)
            if setting.name == "student":  # the metadata come first, and name it best
                loose.setdefault(setting.name, given)
            else:
                _state(loose, setting.name, given)
        else:
            _translate(card, setting, loose)
    general: Sheet = {}
    own: dict[str, Sheet] = {}
    staged = [block for block in blocks.values() if any(setting.name == "stage" for setting in block)]
    for block in blocks.values():
        if block not in staged:
            _loose_block(card, block, general, ours=bool(staged))
            continue
        name, sheet = _stage_block(card, block, last=block is staged[-1])
        if name in own:
            where = sheet["stage"].where
            raise RecipeError(
                f"{where}: stage: found {name!r} a second time, expected a name of its own; rename one",
                stage=name,
                field="stage",
            )
        own[name] = sheet
    return Stated({**loose, **general}, own)


def _state(sheet: Sheet, name: str, given: Given) -> None:
    """Add a value; one that contradicts an earlier one makes the field unclear, as nothing says which is meant."""
    earlier = sheet.setdefault(name, given)
    if earlier.value != given.value:
        sheet[name] = dataclasses.replace(earlier, unclear=True)


def _translate(card: Card, setting: Setting, sheet: Sheet) -> None:
    """Add what another program's setting means here."""
    found = foreign.translate(setting)
    if found is not None:
        given = dataclasses.replace(_from_card(card, setting, strict=False), value=found.value)
        _state(sheet, f"~{found.field}", given)


def _loose_block(card: Card, block: Sequence[Setting], sheet: Sheet, ours: bool) -> None:
    """Add what a block without a stage says; unless other blocks name stages it was written for another program."""
    by_name = {setting.name: setting for setting in block}
    by_name |= {setting.written_as.replace("-", "_"): setting for setting in block}
    only_evaluates = "do_train" not in by_name and ("do_eval" in by_name or "do_predict" in by_name)
    for setting in block:
        if only_evaluates and setting.name not in _OF_EVALUATION:
            continue
        own_name = fields.field_name(setting.written_as) if ours else None
        if setting.name == "batch_size":
            _state(sheet, setting.name, _whole_batch(card, setting, by_name))
        elif setting.name in fields.OF_ANY_CARD:
            _state(sheet, setting.name, _from_card(card, setting, strict=setting.written_as in _OUR_SPELLINGS))
        elif own_name is not None:
            _state(sheet, own_name, _from_card(card, setting, strict=True))
        elif setting.name == "dataset_name":
            given = _from_card(card, setting, strict=False)
            sheet.setdefault("eval_data", given)
            if not only_evaluates:
                sheet.setdefault("train_data", given)
        else:
            _translate(card, setting, sheet)
    _steps(card, by_name, sheet, only_evaluates)


def _steps(card: Card, by_name: Mapping[str, Setting], sheet: Sheet, only_evaluates: bool) -> None:
    """Numbers of steps, which say nothing here unless they are 0."""
    for steps, name in (("warmup_steps", "warmup_proportion"), ("max_steps", "epochs")):
        if not only_evaluates and _count(by_name.get(steps)) > 0:
            sheet[name] = dataclasses.replace(_from_card(card, by_name[steps], strict=False), unclear=True)
    if _count(by_name.get("warmup_steps")) == 0:
        sheet.setdefault("warmup_proportion", _from_card(card, by_name["warmup_steps"], strict=False))


def _whole_batch(card: Card, setting: Setting, block: Mapping[str, Setting]) -> Given:
    """The batch of one update: the total where it is stated, else the batch of a step times the steps accumulated."""
    if (total := block.get("total_train_batch_size")) is not None:
        return _from_card(card, total, strict=False)
    given = _from_card(card, setting, strict=False)
    steps, batch = _count(block.get("gradient_accumulation_steps")), _count(setting)
    if steps < 2 or batch < 1:
        return given
    return dataclasses.replace(
        given, value=batch * steps, origin=dataclasses.replace(given.origin, note=f"{batch} in each of {steps} steps")
    )


def _count(setting: Setting | None) -> int:
    """The value of a setting that is a count, -1 where there is none."""
    return setting.value if setting is not None and type(setting.value) is int else -1


def _from_card(card: Card, setting: Setting, strict: bool) -> Given:
    value = setting.text if setting.name in _AS_PRINTED else setting.value
    where = f"{card.path}:{setting.place.line}"
    return Given(value, Origin("stated", "", setting.place.line), where, strict, setting.origin != "code")


def _stage_block(card: Card, block: Sequence[Setting], last: bool) -> tuple[str, Sheet]:
    """A block with a ``stage`` line is written for this program, so every line in it must make sense."""
    sheet: Sheet = {}
    for setting in block:
        given = _from_card(card, setting, strict=True)
        name = fields.field_name(setting.written_as)
        if name is None:
            raise unknown(given.where, setting.written_as)
        if name in sheet:
            message = f"found it twice in one block (also {sheet[name].where}), expected it once; remove one"
            raise RecipeError(f"{given.where}: {setting.written_as}: {message}", field=name)
        sheet[name] = given
    stage = check("stage", sheet["stage"], values.read_stage_name)
    for key in fields.RECIPE_LEVEL & sheet.keys():
        if not last:
            message = "found it in a stage that is not the last, expected it in the last or in a block without stage"
            raise RecipeError(f"{sheet[key].where}: {key}: {message}; move it", stage=stage, field=key)
    return stage, sheet
