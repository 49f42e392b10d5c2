"""Lists that the Hub gives in pages: files, commits, pull requests. What has another form than expected is refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeGuard
from urllib.parse import quote

from harness.hub.client import Client, RemoteFile, ask, refusal, utils

_MOST_PAGES = 100


def list_files(client: Client, commit: str, folders: Collection[str] = ()) -> dict[str, RemoteFile]:
    """The files of a commit that are in no folder, and all in the folders that are named, by their path."""
    entries = _read_list(client, f"tree/{commit}", commit)
    present = [entry.get("path") for entry in entries if entry.get("type") == "directory"]
    for folder in [folder for folder in folders if folder in present]:
        inside = _read_list(client, f"tree/{commit}/{quote(folder)}?recursive=true", commit)
        entries += [entry for entry in inside if str(entry.get("path")).startswith(f"{folder}/")]
    files = {}
    for entry in entries:
        path, size, blob = (entry.get(key) for key in ("path", "size", "oid"))
        if entry.get("type") != "file" or not isinstance(path, str) or not isinstance(size, int):
            continue
        if "/" in path and path.partition("/")[0] not in folders:
            continue
        lfs = entry.get("lfs")
        sha256 = lfs.get("oid") if isinstance(lfs, dict) else None
        files[path] = RemoteFile(size, str(blob), None if sha256 is None else str(sha256))
    return files


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the Hub lists it."""

    id: str
    title: str
    authors: tuple[str, ...]
    """Names on the Hub; empty where it gives none."""


def list_commits(client: Client, ref: str) -> tuple[Commit, ...]:
    """Commits of a reference, the newest first."""
    entries = _read_list(client, f"commits/{quote(ref, safe='')}", ref)
    return tuple(Commit(str(entry.get("id")), str(entry.get("title")), _authors(entry)) for entry in entries)


def _authors(entry: dict[str, Any]) -> tuple[str, ...]:
    authors = entry.get("authors")
    names = [author.get("user") for author in authors] if _are_fields(authors) else []
    return tuple(name for name in names if isinstance(name, str) and name)


def list_pulls(client: Client, author: str) -> list[dict[str, Any]]:
    """Pull requests as the Hub describes them; those of an author, where it looks for them."""
    found: list[dict[str, Any]] = []
    words = f"discussions?type=pull_request&author={quote(author, safe='')}"
    for page in range(_MOST_PAGES):
        answer = _read_fields(client, f"{words}&p={page}", "pull requests")
        entries, count = answer.get("discussions"), answer.get("count")
        if not _are_fields(entries) or not isinstance(count, int):
            raise refusal(client, f"{client.endpoint} answers something else than a list of pull requests")
        found += entries
        if not entries or len(found) >= count:
            return found
    raise refusal(client, f"{client.endpoint} has more than {_MOST_PAGES} pages of pull requests")


def read_pull(client: Client, number: int) -> str:
    """The branch that a pull request is for, as ``refs/heads/NAME``."""
    changes = _read_fields(client, f"discussions/{number}", "a pull request").get("changes")
    return str(changes.get("base")) if isinstance(changes, dict) else ""


def _read_fields(client: Client, path: str, what: str) -> dict[str, Any]:
    answer, _ = ask(client, partial(_read_page, f"{client.api.endpoint}/api/models/{client.repo_id}/{path}"))
    if not isinstance(answer, dict):
        raise refusal(client, f"{client.endpoint} answers something else than {what}")
    return answer


def _are_fields(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _read_list(client: Client, path: str, revision: str) -> list[dict[str, Any]]:
    """All pages of a list; huggingface_hub would wait between them for as long as anybody asks."""
    start = f"{client.api.endpoint}/api/models/{client.repo_id}/"
    found: list[dict[str, Any]] = []
    url: str | None = f"{start}{path}"
    for _ in range(_MOST_PAGES):
        if url is None:
            return found
        if not url.startswith(start):  # the token goes along
            raise refusal(client, f"{client.endpoint} leads elsewhere, expected the next page of a list", revision)
        entries, url = ask(client, partial(_read_page, url), revision=revision)
        if not _are_fields(entries):
            raise refusal(
                client, f"{client.endpoint} answers something else than a list of {path.split('/')[0]}", revision
            )
        found += entries
    raise refusal(client, f"{client.endpoint} has more than {_MOST_PAGES} pages of {path.split('/')[0]}", revision)


def _read_page(url: str) -> tuple[Any, str | None]:
    """One page, and the address of the next."""
    hub = utils()
    answer = hub.get_session().get(url, headers=hub.build_hf_headers())
    hub.hf_raise_for_status(answer)
    return answer.json(), answer.links.get("next", {}).get("url")
