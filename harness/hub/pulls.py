"""The pull requests that were opened from here before, which are updated rather than opened anew."""

from __future__ import annotations

from dataclasses import dataclass

from harness.hub.client import Client, ask, list_commits
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

    One counts if its title begins with the mark and one of its commits does; a title alone anybody can write.
    """
    listed = ask(
        client,
        lambda: list(client.api.get_repo_discussions(client.repo_id, author=author, discussion_type="pull_request")),
    )
    found = []
    for item in sorted(listed, key=lambda item: int(item.num)):
        own = item.is_pull_request and item.status in _OPEN and item.author == author
        if not own or not _is_own(item.title):
            continue
        number = int(item.num)
        details = ask(client, lambda number=number: client.api.get_discussion_details(client.repo_id, number))  # type: ignore[misc]
        if str(details.target_branch).removeprefix("refs/heads/") != branch:
            continue
        commits = list_commits(client, f"refs/pr/{number}")
        first = max((i for i, (_, title) in enumerate(commits) if _is_own(title)), default=None)
        if first is None:
            continue
        url = f"{client.endpoint}/{client.repo_id}/discussions/{number}"
        since = range(first - 1, -1, -1)
        foreign = tuple((commits[i + 1][0], commits[i][0]) for i in since if not _is_own(commits[i][1]))
        found.append(Pull(number, url, commits[0][0], foreign))
    return tuple(found)


def _is_own(title: str) -> bool:
    return title.startswith(MARK.strip())
