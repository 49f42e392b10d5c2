"""The pull requests that were opened from here before, which are updated rather than opened anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.hub.client import Client
from harness.hub.lists import Commit, list_commits, list_pulls, read_pull
from harness.hub.prepare import MARK

_OPEN = ("open", "draft")


@dataclass(frozen=True, slots=True)
class Pull:
    """An open pull request of one's own."""

    number: int
    url: str
    head: str
    """Its newest commit."""
    foreign: tuple[tuple[str, str], ...]
    """Commits that others made in it since it was opened, the oldest first: each with the one before it."""

    @property
    def ref(self) -> str:
        """Where its commits are."""
        return f"refs/pr/{self.number}"


def find_pulls(client: Client, author: str, branch: str) -> tuple[Pull, ...]:
    """Open pull requests of an author for a branch that were made here, the oldest first.

    One counts if its title begins with the mark, and one of the author's commits does that the branch does not have; a
    title alone anybody can write.
    """
    numbers = [int(item["num"]) for item in list_pulls(client, author) if _is_candidate(item, author)]
    merged: set[str] = set()  # what the branch has is no part of a pull request, whose history goes on into it
    found = []
    for number in sorted(numbers):
        if read_pull(client, number).removeprefix("refs/heads/") != branch:
            continue
        merged = merged or {commit.id for commit in list_commits(client, branch)}
        commits = [commit for commit in list_commits(client, f"refs/pr/{number}") if commit.id not in merged]
        first = max((i for i, commit in enumerate(commits) if _is_by(commit, author)), default=None)
        if first is None:
            continue
        url = f"{client.endpoint}/{client.repo_id}/discussions/{number}"
        since = range(first - 1, -1, -1)
        foreign = tuple((commits[i + 1].id, commits[i].id) for i in since if not _is_by(commits[i], author))
        found.append(Pull(number, url, commits[0].id, foreign))
    return tuple(found)


def _is_candidate(item: Mapping[str, Any], author: str) -> bool:
    """Whether an entry of the Hub's list is an open pull request of the author with a title that is given here."""
    by, number = item.get("author"), item.get("num")
    return (
        item.get("isPullRequest") is True
        and item.get("status") in _OPEN
        and isinstance(by, dict)
        and by.get("name") == author
        and isinstance(number, int)
        and number > 0
        and is_marked(str(item.get("title")))
    )


def _is_by(commit: Commit, author: str) -> bool:
    """Whether a commit was made here, by the author as far as the Hub tells."""
    return is_marked(commit.title) and (not commit.authors or author in commit.authors)


def is_marked(title: str) -> bool:
    """Whether a title is one that is given here."""
    return title.startswith(MARK.strip())
