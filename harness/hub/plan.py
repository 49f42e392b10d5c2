"""What publishing would change on the Hub as it is now."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Literal

from harness.card_files import MAX_BYTES
from harness.errors import CardError, HubError
from harness.hub.client import Client, RemoteFile, is_content, read_file, refusal, resolve
from harness.hub.fetch import CARD, read_fetched
from harness.hub.linked import FOLDERS
from harness.hub.lists import list_commits, list_files
from harness.hub.merge import Conflict, merge, split_lines
from harness.hub.prepare import Package, Prepared, decode, pack
from harness.hub.pulls import Pull, find_pulls, is_marked
from harness.hub.validation import check_marks, validate_card
from harness.models import RESULTS_FILE

Action = Literal["nothing", "open", "update", "commit"]
_SHOWN = 5
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish."""

    branch: str = "main"
    direct: bool = False
    """Commit to the branch, instead of opening a pull request."""
    author: str | None = None
    """Who is logged in; None: nobody is known to be, so that no pull request of theirs is looked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The next commit, or why there is none."""

    action: Action
    ref: str
    """The branch or pull request that the commit is made on."""
    parent: str
    """Its head."""
    head: str
    """The head of the branch that is published to."""
    package: Package
    diff: str
    """From the card on the branch to the one that would be there."""
    changed: tuple[str, ...]
    """Files that the commit changes."""
    warnings: tuple[str, ...]
    url: str | None = None
    """Of the pull request that is there."""


@dataclass(slots=True)
class Known:
    """What need not be asked again when the branch has moved."""

    base: str | None = None
    """The text that one's own changes are changes of."""
    files: dict[str, Mapping[str, RemoteFile]] = field(default_factory=dict)
    """Of commits, which stay as they are."""
    cards: dict[str, str] = field(default_factory=dict)
    """Of commits, too."""
    packages: dict[str, Package] = field(default_factory=dict)
    validated: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Text -> what was said of it."""
    open_pulls: tuple[Pull, ...] | None = None
    """Of one's own, which a commit to the branch leaves as they are."""


def look(client: Client, prepared: Prepared, target: Target, known: Known) -> Plan:
    """Read the branch as it is now, put one's own changes into its text, and check what comes of it.

    Raises:
        HubError: the Hub cannot be asked, or somebody else changed the same lines.
        CardError: the card cannot be published: its front matter, its marks, or the one on the Hub.
    """
    create = f"; create it first: hf repos create {client.repo_id}" if client.secret else ""
    head = resolve(client, target.branch, create)
    files, theirs = _files(client, known, head), _card(client, known, head)
    if known.base is None:
        known.base = _base(client, prepared, known, target.branch, head)
    text = _merged(client, known.base, theirs, prepared.text, target.branch)
    pulls = () if target.direct or target.author is None else find_pulls(client, target.author, target.branch)
    ref, parent = target.branch, head
    if pulls and not _has(files, _pack(prepared, known, text)):
        ref, parent = pulls[0].ref, pulls[0].head
        files = _files(client, known, parent)
        text = _with_others(client, pulls[0], known, text)
    package = _pack(prepared, known, text)
    check_marks(text, theirs, str(prepared.path))
    _check_secret(client, package)
    if text not in known.validated:
        known.validated[text] = validate_card(client, text, str(prepared.path))
    changed = tuple(name for name, raw in package.files.items() if not is_content(raw, files.get(name)))
    warnings = [*package.notes, *known.validated[text]]
    if RESULTS_FILE not in package.files and RESULTS_FILE in files:
        warnings.append(f"{RESULTS_FILE} on the Hub is left as it is: there is no evidence to replace it with")
    warnings += [
        f"your pull request {pull.number} is open, and is left as it is: {pull.url}"
        for pull in _left_open(client, target, known)
    ]
    if len(pulls) > 1:
        others = ", ".join(str(pull.number) for pull in pulls[1:])
        warnings.append(f"of several pull requests the oldest is used; close the others: {others}")
    on_pull = ref != target.branch
    action: Action = "nothing" if not changed else "commit" if target.direct else "update" if on_pull else "open"
    url = pulls[0].url if on_pull else None
    return Plan(action, ref, parent, head, package, _diff(client, theirs, text), changed, tuple(warnings), url)


def is_there(client: Client, commit: str, package: Package) -> bool:
    """Whether a commit has every file as it was to be."""
    return _has(list_files(client, commit, FOLDERS), package)


def _has(files: Mapping[str, RemoteFile], package: Package) -> bool:
    return all(is_content(raw, files.get(name)) for name, raw in package.files.items())


def _pack(prepared: Prepared, known: Known, text: str) -> Package:
    if text not in known.packages:
        known.packages[text] = pack(prepared, text)
    return known.packages[text]


def _files(client: Client, known: Known, commit: str) -> Mapping[str, RemoteFile]:
    if commit not in known.files:
        known.files[commit] = list_files(client, commit, FOLDERS)
    return known.files[commit]


def _card(client: Client, known: Known, commit: str) -> str:
    """The card of a commit; nothing where it has none."""
    if commit not in known.cards:
        file = _files(client, known, commit).get(CARD)
        raw = b"" if file is None else read_file(client, CARD, commit, file, MAX_BYTES)
        known.cards[commit] = decode(raw, f"{client.repo_id}@{commit}/{CARD}")
    return known.cards[commit]


def _base(client: Client, prepared: Prepared, known: Known, branch: str, head: str) -> str:
    """The card that one's own changes are changes of.

    That which was sent last from here, where the branch has taken it since; else the one that was fetched; else the one
    on the branch, all of which is replaced.
    """
    fetched = read_fetched(prepared.path.parent)
    if fetched is None or fetched.repo_id.casefold() != client.repo_id.casefold():
        return _card(client, known, head)
    if fetched.published is not None and (prepared.run is not None or not fetched.from_run):
        for commit in _taken(client, branch, head, fetched.commit):
            text = _card(client, known, commit)
            if hashlib.sha256(text.encode("utf-8")).hexdigest() == fetched.published:
                return text
    return _card(client, known, fetched.commit)


def _taken(client: Client, branch: str, head: str, since: str) -> Iterator[str]:
    """The head of a branch, and the commits made here that it has had since a commit, the newest first."""
    yield head
    for commit in list_commits(client, branch):
        if commit.id == since:
            return
        if commit.id != head and is_marked(commit.title):
            yield commit.id


def _left_open(client: Client, target: Target, known: Known) -> tuple[Pull, ...]:
    """One's own pull requests for a branch that is committed to; none where the Hub does not tell."""
    if target.direct and target.author is not None and known.open_pulls is None:
        known.open_pulls = ()
        with contextlib.suppress(HubError):  # they are only mentioned
            known.open_pulls = find_pulls(client, target.author, target.branch)
    return known.open_pulls or ()


def _merged(client: Client, base: str, theirs: str, mine: str, where: str) -> str:
    merged = merge(base, theirs, mine)
    if merged.text is None:
        told = "; ".join(_told(client, conflict) for conflict in merged.conflicts[:_SHOWN])
        more = len(merged.conflicts) - _SHOWN
        told += f"; and {more} more places" if more > 0 else ""
        raise refusal(
            client,
            f"the same lines were changed there since the card was fetched; fetch it again and edit it. {told}",
            where,
        )
    return merged.text


def _told(client: Client, conflict: Conflict) -> str:
    sides = (_without_secret(client, "".join(lines)) for lines in (conflict.theirs, conflict.mine))
    theirs, mine = (side[:300] or "nothing" for side in sides)
    return f"line {conflict.line}: found {theirs!r} on the Hub, and {mine!r} here"


def _with_others(client: Client, pull: Pull, known: Known, text: str) -> str:
    """The text with what others changed in one's own pull request."""
    for before, after in pull.foreign:
        old, new = (_card(client, known, commit) for commit in (before, after))
        text = _merged(client, old, new, text, pull.ref)
    return text


def _check_secret(client: Client, package: Package) -> None:
    sent = {name: raw.decode("utf-8") for name, raw in package.files.items()}
    sent["the commit message"] = f"{package.title}\n{package.description}"
    for name, text in sent.items():
        if client.secret and client.secret in text:
            raise CardError(f"{client.repo_id}: found the token of your login in {name}; take it out")
        if found := _TOKEN.search(text):
            line = len(split_lines(text[: found.end()]))
            raise CardError(
                f"{client.repo_id}: found what has the form of a token of the Hub in line {line} of {name}, expected "
                "none; take it out, and revoke it if it is one"
            )


def _without_secret(client: Client, text: str) -> str:
    """A text to be shown, from which the token is taken out: others may have it in theirs."""
    return text.replace(client.secret, "***") if client.secret else text


def _diff(client: Client, theirs: str, text: str) -> str:
    """A unified diff, whose lines show what they end with where that is not a line feed."""
    theirs = _without_secret(client, theirs)
    lines = unified_diff(split_lines(theirs), split_lines(text), f"a/{CARD}", f"b/{CARD}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no line feed at the end\n" for line in lines)
