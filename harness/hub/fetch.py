"""A card from the Hub, with the commit it had, and the model's files where they are asked for."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from harness.card_files import MAX_BYTES
from harness.errors import CardError, HubError, RecordError
from harness.hub.client import Client, RemoteFile, ask, open_client, read_file, refusal, resolve
from harness.hub.lists import list_files
from harness.hub.names import COMMIT, folder_name, split_name
from harness.models import FETCHED_PATTERNS, RESULTS_FILE, check_model_folder
from harness.records import Fetched, from_json
from harness.regular_files import read_regular
from harness.store import read_json, remove_folder, write_bytes, write_json, write_whole

CARD = "README.md"
FETCHED = "fetched.json"
MODEL = "model"


@dataclass(frozen=True, slots=True)
class FetchedCard:
    """What a fetch came to."""

    folder: Path
    fetched: Fetched
    changed: bool
    """Whether anything was written."""
    edited: bool = False
    """The card in the folder is another than was fetched, and was left so."""


def fetch_card(
    name: str,
    folder: Path | None = None,
    *,
    weights: bool = False,
    force: bool = False,
    endpoint: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = 30.0,
) -> FetchedCard:
    """Bring a model's card into a folder, byte for byte, with ``fetched.json`` beside it.

    Args:
        name: ``OWNER/NAME`` or ``OWNER/NAME@REVISION``.
        folder: Where to; None is ``cards/OWNER__NAME``.
        weights: Also bring configuration, tokenizer and safetensors, into ``model`` in the folder.
        force: Write over a card that was edited since it was fetched, and over what is of another repository.
        endpoint: Address of the Hub; None is huggingface_hub's own.
        sleep: Waits so many seconds before a request is repeated.
        timeout: Seconds that the Hub may be silent.

    Raises:
        HubError: it cannot be had; nothing was written.
        CardError: what is in the folder would be lost.
        RecordError: the folder cannot be written.
    """
    repo_id, revision = split_name(name)
    folder = folder or Path("cards", folder_name(repo_id))
    before = None if force else read_fetched(folder)
    if before is not None and before.repo_id.casefold() != repo_id.casefold():
        raise CardError(f"{folder}: found the card of {before.repo_id}, expected none; give another folder, or --force")
    client = open_client(repo_id, endpoint=endpoint, sleep=sleep, timeout=timeout)
    commit = resolve(client, revision)
    present, model = _present(folder / CARD), folder / MODEL
    has_model = before is not None and before.weights and model.is_dir()
    same = before is not None and before.commit == commit and present is not None
    edited = same and before is not None and present != before.card_sha256
    if same and before is not None and (has_model or not weights):
        return FetchedCard(folder, before, changed=False, edited=edited)
    files = list_files(client, commit)
    if CARD not in files:
        raise refusal(client, f"has no {CARD} at {commit}, expected a model card", revision)
    raw = read_file(client, CARD, commit, files[CARD], MAX_BYTES)
    weights = weights or has_model  # what stands in one folder is of one commit
    fetched = Fetched(1, repo_id, revision, commit, hashlib.sha256(raw).hexdigest(), weights)
    if not force and not edited:
        _check_card(folder / CARD, present, before, fetched)
    if weights:
        if model.exists() and not force and not has_model:
            raise CardError(
                f"{model}: was not fetched, expected nothing there; remove it, or write over it with --force"
            )
        _fetch_model(client, commit, files, model)
    if not edited:
        write_whole(folder / CARD, lambda path: write_bytes(path, raw))
    write_json(folder / FETCHED, fetched)
    return FetchedCard(folder, fetched, changed=True, edited=edited)


def _check_card(path: Path, present: str | None, before: Fetched | None, fetched: Fetched) -> None:
    """Refuse to write over a card that is neither what was fetched before nor what was fetched now."""
    if present is None or present == fetched.card_sha256 or (before is not None and present == before.card_sha256):
        return
    told = "was not fetched" if before is None else "was edited since it was fetched"
    raise CardError(
        f"{path}: {told}, and {fetched.repo_id} has another at {fetched.commit}; keep it elsewhere and fetch again, or "
        "write over it with --force",
        path=str(path),
    )


def read_fetched(folder: Path) -> Fetched | None:
    """Where the card in a folder is from; None where nothing says so.

    Raises:
        RecordError: ``fetched.json`` is malformed.
    """
    path = folder / FETCHED
    if not path.exists():
        return None
    fetched = from_json(Fetched, read_json(path, 1 << 16), str(path))
    if fetched.schema != 1 or not COMMIT.fullmatch(fetched.commit):
        raise RecordError(f"{path}: found no commit of schema 1, expected one; fetch the card again with --force")
    return fetched


def note_sent(path: Path, repo_id: str, raw: bytes, *, from_run: bool) -> None:
    """Write down which text was sent last, all of whose changes were made here.

    Nothing is written where the card was not fetched from there.

    Raises:
        RecordError: ``fetched.json`` is malformed, or cannot be written.
    """
    before = read_fetched(path.parent)
    if before is None or before.repo_id.casefold() != repo_id.casefold():
        return
    now = replace(before, published=hashlib.sha256(raw).hexdigest(), from_run=from_run)
    if now != before:
        write_json(path.parent / FETCHED, now)


def note_commit(path: Path, repo_id: str, branch: str, raw: bytes, commit: str, parent: str) -> None:
    """Write down that the card here is the Hub's at a commit, from which it is merged when it is edited again.

    Nothing is written where it was not fetched from that branch, is another by now, or stands beside weights that may
    not be of that commit.

    Args:
        path: The card's file.
        repo_id: ``OWNER/NAME``.
        branch: Where it was published to.
        raw: What was published.
        commit: The commit that has it.
        parent: The commit before, which has the same weights.

    Raises:
        RecordError: ``fetched.json`` is malformed, or cannot be written.
    """
    before, digest = read_fetched(path.parent), hashlib.sha256(raw).hexdigest()
    if before is None or before.repo_id.casefold() != repo_id.casefold() or (before.revision or "main") != branch:
        return
    if _present(path) == digest and before.commit != commit and not (before.weights and before.commit != parent):
        now = replace(before, commit=commit, card_sha256=digest, published=None, from_run=False)
        write_json(path.parent / FETCHED, now)


def _present(path: Path) -> str | None:
    """SHA-256 of a card that is there; None for none."""
    if not os.path.lexists(path):
        return None
    try:
        return hashlib.sha256(read_regular(path, MAX_BYTES)).hexdigest()
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror}), expected a card or nothing") from None


def _fetch_model(client: Client, commit: str, files: Mapping[str, RemoteFile], model: Path) -> None:
    """Put the model's files into a folder that appears when all are there."""
    names = sorted(name for name in files if is_model_file(name))
    partial = model.with_name(f".{model.name}.{os.getpid()}.partial")
    alone = not model.parent.exists()
    try:
        remove_folder(partial)
        partial.mkdir(parents=True)
        for name in names:
            shutil.copyfile(_download(client, name, commit, files[name]), partial / name)
        _check_model(client, partial, commit)
        old = model.with_name(f".{model.name}.{os.getpid()}.old")
        if model.exists():
            model.rename(old)
        partial.rename(model)
        remove_folder(old)
    except OSError as error:
        raise RecordError(f"{model}: cannot be written ({error.strerror or error}); nothing was changed") from error
    finally:
        with contextlib.suppress(OSError):
            remove_folder(partial)
            if alone and not model.exists():
                model.parent.rmdir()


def is_model_file(name: str) -> bool:
    """Whether a file of a repository says what the model is, and can stand in a folder under its name."""
    plain = "/" not in name and "\\" not in name and not name.startswith(".") and name.isprintable()
    return plain and name != RESULTS_FILE and any(fnmatchcase(name, pattern) for pattern in FETCHED_PATTERNS)


def _download(client: Client, name: str, commit: str, file: RemoteFile) -> Path:
    """A file in the cache of huggingface_hub, which goes on where it was cut; checked against the Hub's checksum."""
    path = Path(
        ask(
            client,
            lambda: client.api.hf_hub_download(client.repo_id, name, revision=commit, etag_timeout=client.timeout),
            revision=commit,
            bounded=False,
        )
    )
    if _is_damaged(path, file):
        raise refusal(client, f"the cache has {name} with other bytes than the Hub; delete {path.resolve()}", commit)
    return path


def _is_damaged(path: Path, file: RemoteFile) -> bool:
    digest = (
        hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    )
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() != (file.sha256 or file.blob)


def _check_model(client: Client, folder: Path, commit: str) -> None:
    from harness.errors import ModelError

    reason = ""
    try:
        check_model_folder(folder)
    except ModelError as error:
        reason = str(error).removeprefix(f"{folder}: ")
    if reason:
        raise HubError(f"{client.repo_id}@{commit}: its model {reason}", repo_id=client.repo_id, revision=commit)
