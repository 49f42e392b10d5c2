"""``harness render --template``: a card for a model that has none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import options as o
from harness.cli.output import note
from harness.errors import CardError, HarnessError

if TYPE_CHECKING:
    from harness.records import Run

_LARGEST_METADATA = 2**20


def write_new(
    template: str, place: Path, output: Path | None, *, name: str | None, repo_id: str | None, metadata: Path | None
) -> str:
    """The text of a new card.

    Args:
        template: Name of one of the package's templates, or a path.
        place: The run's folder, or its record.
        output: Where the card is to lie, for its name and messages.
        name: The model's name; None: the run's.
        repo_id: Where the model is to lie on the Hub.
        metadata: A YAML file with more of the front matter.

    Raises:
        HarnessError: the record, the metadata or the template cannot be used; see `harness.render.write_card`.
    """
    from harness.per_question import PER_QUESTION, load_intact, read_scores
    from harness.render.new_card import write_card

    record = load_intact(place)
    scores = read_scores(place, record) if (place / PER_QUESTION).is_file() else None
    more = None if metadata is None else _read(metadata)
    text = write_card(record, template=template, name=name, repo_id=repo_id, metadata=more, scores=scores)
    return _as_edited(text, record, output)


def _as_edited(text: str, record: Run, output: Path | None) -> str:
    """The card with the verdicts that editing it in place would give its section, so that ``--check`` is clean."""
    from harness.cards import parse_card
    from harness.editing import edit_card, find_section
    from harness.evidence import Options, plan_card

    path = Path("README.md") if output is None else output
    try:
        if find_section(text, str(path)) is None:
            return text
        options = Options(tolerances=o.project_tolerances())
        return edit_card(plan_card(path, parse_card(text, str(path))), record, options).text
    except HarnessError as error:  # of one's own template, which may say what it likes
        note(f"note: the section is as the template has it: {error}")
        return text


def _read(file: Path) -> Mapping[str, Any]:
    from harness import yamltree
    from harness.regular_files import TooLargeError, read_regular

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
    return value
