"""Names of repositories and revisions, which end up in paths, addresses and file names."""

from __future__ import annotations

import re

from harness.errors import HubNameError

COMMIT = re.compile(r"[0-9a-f]{40}")

_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./+#=-]{0,198}[A-Za-z0-9_+#=-])?")


def split_name(text: str) -> tuple[str, str | None]:
    """``OWNER/NAME`` or ``OWNER/NAME@REVISION`` as its two parts.

    Raises:
        HubNameError: the Hub cannot have a repository or a revision of that name.
    """
    repo_id, at, revision = text.partition("@")
    check_repo_id(repo_id)
    if not at:
        return repo_id, None
    check_revision(repo_id, revision)
    return repo_id, revision


def check_repo_id(repo_id: str) -> None:
    """Refuse what is no name of a repository; the Hub's own rules, in ASCII.

    Raises:
        HubNameError: it is none.
    """
    parts = repo_id.split("/")
    odd = "--" in repo_id or ".." in repo_id or repo_id.endswith(".git")
    if len(parts) > 2 or odd or not all(map(_PART.fullmatch, parts)):
        raise HubNameError(
            f"found {repo_id!r:.120}, expected a model on the Hub as OWNER/NAME, of letters, digits, '-', '_' and '.'",
            repo_id=repo_id,
        )


def check_revision(repo_id: str, revision: str) -> None:
    """Refuse what is no name of a branch, tag or commit, by the rules of git and in ASCII.

    Raises:
        HubNameError: it is none.
    """
    parts = revision.split("/")
    odd = ".." in revision or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    if odd or not _REVISION.fullmatch(revision):
        raise HubNameError(
            f"{repo_id}: found the revision {revision!r:.120}, expected a branch, a tag or a commit",
            repo_id=repo_id,
            revision=revision,
        )


def check_branch(repo_id: str, branch: str) -> None:
    """Refuse what is no name of a branch: a commit, or a reference of another kind.

    Raises:
        HubNameError: it is none.
    """
    check_revision(repo_id, branch)
    if COMMIT.fullmatch(branch) or branch.startswith("refs/"):
        raise HubNameError(
            f"{repo_id}: found the revision {branch!r:.120}, expected a branch that can be written to",
            repo_id=repo_id,
            revision=branch,
        )


def folder_name(repo_id: str) -> str:
    """The name of the folder that a repository's card is kept in: ``OWNER__NAME``."""
    return repo_id.replace("/", "__")
