"""``harness render --template``: a card for a model that has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options as o
from harness.cli.output import note
from harness.errors import CardError, DataError, HarnessError

if TYPE_CHECKING:
    from harness.records import Question, Run

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


def write_new(template: str, place: Path, output: Path | None, given: Given) -> str:
    """The text of a new card.

    Args:
        template: Name of one of the package's templates, or a path.
        place: The run's folder, or its record.
        output: Where the card is to lie, for its name and messages.
        given: What no record knows.

    Raises:
        HarnessError: the record, the data, the metadata or the template cannot be used; see
            `harness.render.write_card`.
    """
    from harness.per_question import PER_QUESTION, load_intact, read_scores
    from harness.render.new_card import write_card

    record = load_intact(place)
    scores = read_scores(place, record) if (place / PER_QUESTION).is_file() else None
    text = write_card(
        record,
        template=template,
        name=given.name,
        repo_id=given.repo_id,
        metadata=None if given.metadata is None else _read(given.metadata),
        scores=scores,
        questions=_questions(record, given.uses),
        predictions=None if scores is None else _predictions(place),
    )
    return _as_edited(text, record, output)


def _questions(record: Run, uses: Mapping[str, Path]) -> Sequence[Question] | None:
    """The questions that the run evaluated, where files are given for them; embedded ones need none."""
    if not uses or record.evaluated is None:
        return None
    from harness.data import load_data

    questions, used = load_data(record.evaluated.ref, uses)
    if used.sha256 != record.evaluated.sha256:
        raise DataError(
            f"--use: found other questions than run {record.id:.200} evaluated, expected those of "
            f"{record.evaluated.ref} as it had them; give that file, or leave it out",
            data=str(record.evaluated.ref),
        )
    return questions


def _predictions(place: Path) -> Mapping[str, str] | None:
    """The answers beside the record, which `read_scores` has held against it."""
    from harness.store import read_json

    file = place / "predictions.json"
    found = read_json(file) if file.is_file() else None
    return found if isinstance(found, dict) else None


def _as_edited(text: str, record: Run, output: Path | None) -> str:
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
        return edit_card(plan_card(path, card), record, options).text
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
