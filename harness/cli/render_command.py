"""``harness render``: a card edited in place so that it carries its evidence, looked at, or written anew."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.card_target import check_target
from harness.cli.new_card import Given, write_new
from harness.cli.output import emit, note, print_json, print_line
from harness.errors import HarnessError, NoEvidenceError

if TYPE_CHECKING:
    from harness.editing import Edit, EditedCard
    from harness.evidence import Options

_LONGEST = 60


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: harness render cards/pocket__distilled --run RUN, or harness render --check cards")(
        render
    )


def render(
    cards: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CARD", help="A card's file or folder; with --check also several, and folders of cards."
        ),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="Evidence: a run folder, record file, or id; else the newest. With --template also several: the "
            "model's first, then runs of its recipe with other seeds, and evaluations of its weights on other data.",
        ),
    ] = None,
    measured: Annotated[
        bool | None,
        typer.Option(
            "--measured/--reported",
            help="Whether the figures that the run measured are set to the run's, or stay as reported; else as the "
            "card's section says, reported where there is none.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; print what would change, and exit 1 where anything would.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            "--template", metavar="NAME_OR_PATH", help="Write a card anew from this template and --run, without CARD."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="With --template: the model's name; else the run's.")
    ] = None,
    repo_id: Annotated[
        str | None,
        typer.Option("--repo-id", metavar="ID", help="With --template: where the model is to lie on the Hub."),
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(
            "--metadata",
            metavar="FILE",
            help="With --template: YAML with what no run knows, such as license and language, for the front matter.",
        ),
    ] = None,
    speed: Annotated[
        Path | None,
        typer.Option(
            "--speed",
            metavar="FILE",
            help="With --template: the model's speed, a record that harness speed --keep wrote.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write there instead of into the card, which stays."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --template: -o may replace a card that is there, all of it.")
    ] = False,
    use: o.UseOption = None,
    runs: o.RunsOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Write a run's evidence into a card, in place: one section, and with --measured the run's figures.

    Every other byte of the card stays, or nothing is written. With --check exits 1 where a card is not what this would
    write, 2 where one cannot be read.
    """
    if template is not None:
        if cards or check or measured is not None or not run:
            raise typer.BadParameter("--template goes with --run, and without a card, --check, --measured, --reported")
        if output is not None:
            check_target(output, replace=force)
        given = Given(name, repo_id, metadata, o.parse_uses(use), speed)
        text = write_new(template, [o.run_path(one, runs) for one in run], output, given)
        print_json({"text": text}) if as_json and output is None else emit(text, output)
        return
    if name is not None or repo_id is not None or metadata is not None or speed is not None or force or use:
        raise typer.BadParameter(
            "--name, --repo-id, --metadata, --speed, --force and --use are of a card written anew, by --template"
        )
    if not cards:
        raise typer.BadParameter("expected a card, or --template and --run to write one anew")
    if run is not None and len(run) > 1:
        raise typer.BadParameter(f"expected one --run, found {len(run)}; only --template takes several")
    one = run[0] if run else None
    if check:
        if output is not None:
            raise typer.BadParameter("--check writes nothing; leave -o out")
        raise typer.Exit(_check(cards, one, runs, measured, as_json))
    if len(cards) > 1:
        raise typer.BadParameter(f"expected one card, found {len(cards)}; only --check takes several")
    _edit(cards[0], one, runs, measured, output, as_json)


def _options() -> Options:
    from harness.evidence import Options

    return Options(tolerances=o.project_tolerances())


def _edit(
    card: Path, run: str | None, runs: Path | None, measured: bool | None, output: Path | None, as_json: bool
) -> None:
    from harness.editing import expected_card, replace_card
    from harness.store import write_text

    given = None if run is None else o.run_path(run, runs)
    edited = expected_card(card, o.runs_folder(runs), run=given, measured=measured, options=_options(), place=output)
    if output is None or (output.exists() and edited.path.samefile(output)):
        target = edited.path
        if edited.changed:
            replace_card(edited)
    else:
        target = output
        check_target(target, replace=True)
        write_text(target, edited.text)
    if as_json:
        print_json(_as_json(edited))
    else:
        for shown in _shown(edited):
            change = f": {_short(shown.old)} -> {_short(shown.edit.text)}" if shown.old else ""
            print_line(f"{edited.path}:{shown.line}: {shown.edit.what}{change}")
    for shown_run in edited.runs:
        note(f"evidence: {shown_run.id}, {shown_run.kind}, finished {shown_run.finished}")
    for text in edited.notes:
        note(f"note: {text}")
    note(f"{target}: nothing to change" if target == edited.path and not edited.changed else f"wrote {target}")


@dataclass(frozen=True, slots=True)
class _Shown:
    """An edit with what stood in its place, and where."""

    edit: Edit
    old: str
    line: int
    byte_start: int
    byte_end: int


def _shown(edited: EditedCard) -> Iterator[_Shown]:
    from harness.cards.source import split_lines

    source = split_lines(str(edited.path), edited.before)
    position = size = 0
    for edit in edited.edits:
        size += len(edited.before[position : edit.start].encode("utf-8"))
        old = edited.before[edit.start : edit.end]
        end = size + len(old.encode("utf-8"))
        yield _Shown(edit, old, source.line_at(edit.start), size, end)
        position, size = edit.end, end


def _as_json(edited: EditedCard) -> dict[str, Any]:
    edits = [
        {
            "what": shown.edit.what,
            "line": shown.line,
            "start": shown.edit.start,
            "end": shown.edit.end,
            "byte_start": shown.byte_start,
            "byte_end": shown.byte_end,
            "old": shown.old,
            "new": shown.edit.text,
        }
        for shown in _shown(edited)
    ]
    return {
        "card": str(edited.path),
        "changed": edited.changed,
        "edits": edits,
        "notes": list(edited.notes),
        "runs": [run.id for run in edited.runs],
        "text": edited.text,
    }


def _short(text: str) -> str:
    """What an edit puts in or takes out, on one line."""
    if "\n" in text.strip() or len(text) > _LONGEST:
        return f"{len(text.splitlines())} lines" if "\n" in text.strip() else f"{text[:_LONGEST]}..."
    return text.strip() or "nothing"


def _check(cards: Sequence[Path], run: str | None, runs: Path | None, measured: bool | None, as_json: bool) -> int:
    from harness.card_files import Unread, model_cards

    given, options = None if run is None else o.run_path(run, runs), _options()
    results: list[dict[str, Any]] = []
    code = 0
    for file in model_cards(cards):
        if isinstance(file, Unread):
            result = {"card": str(file.path), "state": "unreadable", "reason": file.message}
        else:
            result = _look(file.path, given, runs, measured, options)
        code = max(code, {"current": 0, "stale": 1, "unreadable": 2}[result["state"]])
        results.append(result)
        if not as_json:
            _print_looked(result)
    if as_json:
        print_json({"cards": results, "exit_code": code})
    stale = sum(result["state"] == "stale" for result in results)
    unreadable = sum(result["state"] == "unreadable" for result in results)
    words = [f"{stale} stale" if stale else "", f"{unreadable} unreadable" if unreadable else ""]
    count = f"{len(results)} {'card' if len(results) == 1 else 'cards'}"
    note(f"{count}: {', '.join(word for word in words if word) or _as_written(len(results))}")
    return code


def _as_written(cards: int) -> str:
    return f"as render would write {'it' if cards == 1 else 'them'}"


def _look(path: Path, run: Path | None, runs: Path | None, measured: bool | None, options: Options) -> dict[str, Any]:
    from harness.editing import expected_card

    try:
        edited = expected_card(path, o.runs_folder(runs), run=run, measured=measured, options=options)
    except NoEvidenceError as error:
        state = "stale" if error.stale else "unreadable"
        return {"card": str(path), "state": state, "reason": str(error).removeprefix(f"{path}: ")}
    except HarnessError as error:
        return {"card": str(path), "state": "unreadable", "reason": str(error)}
    except OSError as error:
        reason = f"{path}: cannot be used ({error.strerror or error})"
        return {"card": str(path), "state": "unreadable", "reason": reason}
    if not edited.changed:
        shown = [run.id for run in edited.runs]
        return {"card": str(path), "state": "current", "reason": "", "notes": list(edited.notes), "runs": shown}
    return {"card": str(path), "state": "stale", "reason": "; ".join(edited.notes), **_as_json(edited)}


def _print_looked(result: dict[str, Any]) -> None:
    if result["state"] == "unreadable":
        note(f"harness: error: {' '.join(result['reason'].split())}")
        return
    if result["state"] == "current":
        for text in result["notes"] if result["runs"] else ():  # that there is no evidence changes no card
            note(f"note: {text}")
        return
    if result["reason"]:
        note(f"stale: {result['card']}: {result['reason']}")
    if "text" not in result:
        return
    from harness.cards import read_card

    path = Path(result["card"])
    before = read_card(path).text
    lines = difflib.unified_diff(
        _lines(before), _lines(result["text"]), str(path), f"{path} (as render writes it)", lineterm=""
    )
    for line in lines:
        print_line(line)


def _lines(text: str) -> list[str]:
    """Lines of a diff, each with what ends it where that is no line feed."""
    return [
        line.removesuffix("\n") if line.endswith("\n") else f"{line} (no line end)"
        for line in text.splitlines(keepends=True)
    ]
