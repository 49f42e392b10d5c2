"""``harness render --template``: a card for a model that has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options as o
from harness.cli.output import note
from harness.errors import CardError, DataError, HarnessError, RecordError

if TYPE_CHECKING:
    from harness.records import Question, Run, Scores

_LARGEST_METADATA = 2**20


@dataclass(frozen=True, slots=True)
class Given:
    """What no record knows."""

    name: str | None
    """The model's name; None: the run's."""
    repo_id: str | None
    """Where the model is to lie on the Hub."""
    metadata: Path | None
    """A YAML file with more of the front matter."""
    uses: Mapping[str, Path]
    """Files in place of data sets."""
    speed: Path | None = None
    """A record of the model's speed."""


def write_new(template: str, places: Sequence[Path], output: Path | None, given: Given) -> str:
    """The text of a new card.

    Args:
        template: Name of one of the package's templates, or a path.
        places: Folders of runs, or their records: the model's first, then runs with other seeds, and evaluations of its
            weights on other data.
        output: Where the card is to lie, for its name and messages.
        given: What no record knows.

    Raises:
        HarnessError: a record, the data, the metadata or the template cannot be used, or a run does not belong to the
            first; see `harness.render.write_card`.
    """
    from harness.evidence.weights import newest_first
    from harness.kept_speeds import SPEEDS, load_speed
    from harness.per_question import load_intact
    from harness.render.new_card import write_card
    from harness.render.other_data import OtherData

    place, *rest = places
    record = load_intact(place)
    loaded = [(one, load_intact(one)) for one in rest]
    seeds, evaluations = _sorted(record, [run for _, run in newest_first(loaded)])
    others = [
        OtherData(run, _scores(where, run), _questions(run, given.uses)) for where, run in loaded if run in evaluations
    ]
    speed = None if given.speed is None else load_speed(given.speed)
    scores = _scores(place, record)
    text = write_card(
        record,
        template=template,
        name=given.name,
        repo_id=given.repo_id,
        metadata=None if given.metadata is None else _read(given.metadata),
        scores=scores,
        questions=_questions(record, given.uses),
        predictions=None if scores is None else _predictions(place),
        seeds=seeds,
        others=others,
        speed=speed,
    )
    if speed is not None and output is not None:
        kept = output.parent / SPEEDS / f"{speed.id}.json"
        if not kept.exists():
            note(f"note: {kept}: put the record of the speed there, and the card's section links to it")
    if rest:
        _tell_unlinked((record, *seeds, *evaluations), output)
    return _as_edited(text, (record, *seeds), evaluations, output)


def _sorted(record: Run, others: Sequence[Run]) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Seeds and evaluations, in their order; fewer seeds than a card's section rests on are refused."""
    from harness.evidence.choosing import FEW
    from harness.render.other_data import sort_runs

    seeds, evaluations = sort_runs(record, others)
    if seeds and len(seeds) < FEW - 1:
        raise RecordError(
            f"--run: found {1 + len(seeds)} seeds of one recipe, expected one run of it or {FEW} and more, as fewer "
            "say little of their spread; add runs, or leave the others out"
        )
    return seeds, evaluations


def _scores(place: Path, record: Run) -> Scores | None:
    from harness.per_question import PER_QUESTION, read_scores

    return read_scores(place, record) if (place / PER_QUESTION).is_file() else None


def _tell_unlinked(runs: Sequence[Run], output: Path | None) -> None:
    """Say which records do not lie beside the card, where its section would link to them."""
    from harness.render.record_links import FOLDER, record_beside

    lost = [] if output is None else [run.id for run in runs if record_beside(run, output.parent) is None]
    if output is not None and lost:
        names = ", ".join(f"{id:.100}" for id in lost)
        note(f"note: {output.parent / FOLDER}: put records there as ID.json, and the section links to them: {names}")


def _questions(record: Run, uses: Mapping[str, Path]) -> Sequence[Question] | None:
    """The questions that the run evaluated, where files are given for them; embedded ones need none."""
    from harness.data import given_key, load_data

    data = record.evaluated
    if data is None or given_key(data.ref, uses) is None:
        return None
    questions, used = load_data(data.ref, uses)
    if used.sha256 != data.sha256:
        raise DataError(
            f"--use: found other questions than run {record.id:.200} evaluated, expected those of "
            f"{data.ref} as it had them; give that file, or leave it out",
            data=str(data.ref),
        )
    return questions


def _predictions(place: Path) -> Mapping[str, str] | None:
    """The answers beside the record, which `read_scores` has held against it."""
    from harness.store import read_json

    file = place / "predictions.json"
    found = read_json(file) if file.is_file() else None
    return found if isinstance(found, dict) else None


def _as_edited(text: str, runs: Sequence[Run], others: Sequence[Run], output: Path | None) -> str:
    """The card with the verdicts that editing it in place would give its section, so that ``--check`` is clean."""
    from harness.cards import parse_card
    from harness.editing import broken_front_matter, edit_card, find_section
    from harness.evidence import Options, plan_card

    path = Path("README.md") if output is None else output
    try:
        card = parse_card(text, str(path))
        if (broken := broken_front_matter(card)) is not None:
            note(f"note: {path}: {broken} The section is as the template has it")
            return text
        if find_section(text, str(path)) is None:
            return text
        options = Options(tolerances=o.project_tolerances())
        return edit_card(plan_card(path, card), runs, options, others=others).text
    except HarnessError as error:  # of one's own template, which may say what it likes
        note(f"note: the section is as the template has it: {error}")
        return text


def _read(file: Path) -> Mapping[str, Any]:
    from harness import yamltree
    from harness.regular_files import TooLargeError, read_regular
    from harness.render.metadata import check_metadata

    try:
        root = yamltree.compose(read_regular(file, _LARGEST_METADATA).decode("utf-8-sig"))
    except (OSError, TooLargeError) as error:
        reason = getattr(error, "strerror", None) or "too large"
        raise CardError(f"{file}: cannot be read ({reason}); name a YAML file of metadata", path=str(file)) from None
    except UnicodeDecodeError:
        raise CardError(f"{file}: found bytes that are not UTF-8; save it as UTF-8", path=str(file)) from None
    except yamltree.TreeError as error:
        raise CardError(f"{file}: {error}; correct it", path=str(file)) from None
    value = {} if root is None else yamltree.to_value(root)
    if not isinstance(value, dict):
        raise CardError(f'{file}: found no mapping, expected lines such as "license: mit"; correct it', path=str(file))
    check_metadata(value, str(file))
    return value
