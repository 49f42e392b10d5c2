"""Whether the Hub can use a card's front matter, and whether its verification marks are still true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from harness import yamltree
from harness.cards import parse_card, require_metadata
from harness.cards.front_matter import FrontMatter, read_front_matter
from harness.cards.source import split_lines
from harness.errors import CardError
from harness.hub.client import Client, attempt
from harness.hub.failures import Failure, scrub
from harness.hub.schema import check_schema

_MARKS = ("verified", "verifytoken")


def validate_card(client: Client | None, text: str, path: str) -> tuple[str, ...]:
    """What the Hub says of a card's front matter that is no error; its own check where it answers, else ours.

    Args:
        client: The Hub; None asks nobody.
        text: The card.
        path: For messages.

    Raises:
        CardError: the front matter cannot be used.
    """
    front = _front_matter(text, path)
    asked = None if client is None else _ask_hub(client, text, path)
    if asked is not None:
        return asked
    if front.root is not None and (wrong := check_schema(front.root)):
        index, message = wrong[0]
        raise front.source.error(f"{message}; see the Hub's card specification", front.start + index)
    return () if client is None else (f"{path}: the Hub did not check the front matter, it was checked here",)


def check_marks(text: str, remote: str, path: str) -> None:
    """Refuse verification marks and tokens that the Hub's own text does not have on the very same value.

    Raises:
        CardError: there is one.
    """
    known = Counter(mark for mark, _ in _marks(read_front_matter(split_lines(path, remote))))
    front = read_front_matter(split_lines(path, text))
    for mark, index in _marks(front):
        if not known[mark]:
            raise front.source.error(
                "found a verification mark or token on a value that the Hub's card does not have so; remove it, as it "
                "was made for another value",
                front.start + index,
            )
        known[mark] -= 1


def _front_matter(text: str, path: str) -> FrontMatter:
    card = parse_card(text, path)
    require_metadata(card)
    for problem in card.problems:  # a repeated key, which the Hub refuses
        raise CardError(f"{path}:{problem.line}: {problem.message}", path=path, line=problem.line)
    return read_front_matter(split_lines(path, text))


def _ask_hub(client: Client, text: str, path: str) -> tuple[str, ...] | None:
    """The Hub's warnings; None where it does not say."""
    import huggingface_hub.utils

    utils: Any = huggingface_hub.utils

    def question() -> Any:
        body = {"content": text, "repoType": "model"}
        return utils.get_session().post(f"{client.api.endpoint}/api/validate-yaml", json=body)

    answer = attempt(client, question)
    if isinstance(answer, Failure):
        return None
    try:
        said = answer.json()
    except ValueError:
        return None
    if not isinstance(said, dict) or answer.status_code not in (200, 400):
        return None
    errors, warnings = (_messages(said.get(key), client.secret) for key in ("errors", "warnings"))
    if answer.status_code == 400 or errors:
        raise CardError(
            f"{path}: the Hub refuses its front matter: {'; '.join(errors) or 'it does not say why'}", path=path
        )
    return tuple(f"{path}: the Hub says of its front matter: {warning}" for warning in warnings)


def _messages(value: Any, secret: str | None) -> list[str]:
    entries = value if isinstance(value, list) else []
    return [scrub(str(entry.get("message") if isinstance(entry, dict) else entry), secret) for entry in entries]


def _marks(front: FrontMatter) -> Iterator[tuple[str, int]]:
    """Every mark with all that it stands for, and its character: what it is in, and what that is a result of."""
    stack: list[tuple[yaml.Node, str]] = [] if front.root is None else [(front.root, "")]
    while stack:
        node, around = stack.pop()
        if isinstance(node, yaml.SequenceNode):
            stack += [(item, around) for item in node.value]
        if not isinstance(node, yaml.MappingNode):
            continue
        value = yamltree.to_value(node)
        for key, item in node.value:
            marks = key.value.casefold() in _MARKS and node is not front.root
            if marks and yamltree.to_value(item) not in (None, False):
                yield f"{around}{json.dumps(value, sort_keys=True)}", key.start_mark.index
            if not isinstance(item, yaml.ScalarNode):
                beside = {k: v for k, v in value.items() if k != key.value} if node is not front.root else {}
                stack.append((item, f"{around}{json.dumps(beside, sort_keys=True)}"))
