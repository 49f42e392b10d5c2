"""Commands that read a card: audit, claims, plan."""

from __future__ import annotations

from typing import Any

import typer

from harness.cli.options import AuditStrictOption, CardArgument, JsonOption, SeedOption
from harness.cli.output import note, print_findings, print_json, print_table
from harness.records import Claim, Recipe, Setting, Stage, to_json

_HIDDEN = {"name", "kind", "origins"}
_ONLY_WITH_TEACHER = {"teacher", "temperature", "distillation_loss_weight"}


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: harness audit cards/pocket__distilled")(audit)
    app.command(epilog="Example: harness claims cards/pocket__distilled --json")(claims)
    app.command(epilog="Example: harness plan cards/pocket__distilled")(plan)


def audit(card: CardArgument, as_json: JsonOption = False, strict: AuditStrictOption = False) -> None:
    """Find what cannot be true in a card, and what a rerun needs and the card does not state."""
    from harness.audit import audit_card
    from harness.evidence import open_card

    opened = open_card(card)
    findings = audit_card(opened.card, opened.recipe)
    if as_json:
        print_json(findings)
    elif findings:
        print_findings(findings)
    note(f"{len(findings)} finding{'' if len(findings) == 1 else 's'} in {opened.path}")
    fatal = {"error", "warning"} if strict else {"error"}
    raise typer.Exit(1 if any(f.severity in fatal for f in findings) else 0)


def claims(card: CardArgument, as_json: JsonOption = False) -> None:
    """List every figure and setting that a card states, each with its digits as printed and its line."""
    from harness.cards import read_card

    read = read_card(card)
    if as_json:
        print_json(
            {
                "path": read.path,
                "claims": [_claim_json(claim) for claim in read.claims],
                "settings": [_setting_json(setting) for setting in read.settings],
            }
        )
        return
    figures = [_claim_row(claim) for claim in read.claims]
    if figures:
        print_table(("metric", "subset", "reported", "data", "origin", "line"), figures, title="Claims")
    else:
        note(f"no figure was found in {read.path}")
    rows = [(s.name, s.written_as, s.text, str(s.place.line)) for s in read.settings]
    if rows:
        print_table(("setting", "written as", "value", "line"), rows, title="Settings")
    else:
        note(f"no setting was found in {read.path}")


def plan(card: CardArgument, seed: SeedOption = None, as_json: JsonOption = False) -> None:
    """Show the recipe that a card comes to: every stage and value, where it comes from, and what is missing."""
    from harness.evidence import open_card

    opened = open_card(card, seed=seed)
    if as_json:
        print_json(opened.recipe)
    else:
        print_table(("stage", "field", "value", "origin"), _recipe_rows(opened.recipe))
    for gap in opened.recipe.gaps:
        note(f"missing: {gap}. State it in the card, or in assumptions.yaml with a reason")
    raise typer.Exit(1 if opened.recipe.gaps else 0)


def _claim_row(claim: Claim) -> tuple[str, ...]:
    data = "" if claim.data is None else str(claim.data)
    return claim.metric, claim.subset, claim.digits, data, claim.origin, str(claim.place.line)


def _claim_json(claim: Claim) -> dict[str, Any]:
    data = claim.data
    return {
        "metric": claim.metric,
        "subset": claim.subset,
        "value": float(claim.digits),
        "digits": claim.digits,
        "unit": claim.unit,
        "dataset": None if data is None else data.name,
        "config": None if data is None else data.config,
        "split": None if data is None else data.split or None,
        "origin": claim.origin,
        "line": claim.place.line,
        "verified": claim.verified,
    }


def _setting_json(setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "written_as": setting.written_as,
        "value": setting.value,
        "line": setting.place.line,
    }


def _recipe_rows(recipe: Recipe) -> list[tuple[str, str, str, str]]:
    rows = []
    for stage in recipe.stages:
        for name, value in _fields(stage):
            shown = "missing" if f"{stage.name}.{name}" in recipe.gaps else _shown(value)
            rows.append((stage.name, name, shown, _origin(stage, name)))
    evaluation = "missing" if "evaluation" in recipe.gaps else _shown(recipe.evaluation)
    rows.append(("evaluation", "data", evaluation, _recipe_origin(recipe, "evaluation")))
    for name, value in to_json(recipe.decoding).items():
        rows.append(("evaluation", name, str(value), _recipe_origin(recipe, name)))
    return rows


def _fields(stage: Stage) -> list[tuple[str, Any]]:
    hidden = _HIDDEN | (_ONLY_WITH_TEACHER if stage.kind == "finetune" else set())
    values = {name: getattr(stage, name) for name in to_json(stage) if name not in hidden}
    return [("kind", stage.kind), *values.items()]


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "-"
    return " + ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _origin(stage: Stage, name: str) -> str:
    return _words(stage.origins.get(name))


def _recipe_origin(recipe: Recipe, name: str) -> str:
    return _words(recipe.origins.get(name))


def _words(origin: Any) -> str:
    if origin is None:
        return "-"
    place = f", line {origin.line}" if origin.line is not None else ""
    return f"{origin.how}{place}" + (f": {origin.note}" if origin.note else "")
