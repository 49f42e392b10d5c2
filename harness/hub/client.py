"""Asking the Hub: `huggingface_hub` with a time limit, bounded repeats, and errors that hold no secret."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from harness.errors import HubAddressError, HubError
from harness.hub.failures import (
    LONGEST_WAIT,
    DamagedError,
    Failure,
    TooLargeError,
    TooSlowError,
    UnsafeError,
    explain,
    scrub,
)
from harness.hub.names import COMMIT, check_repo_id

TRIES = 4
"""How often a question is asked, with 1, 2 and 4 seconds in between."""

LARGEST_ANSWER = 10_000_000
"""Bytes of an answer, unpacked; files of a model may have more."""
_SILENCES = 10
"""An answer may take so many times as long as the Hub may be silent."""
_FILE_NAMES = ("ETag", "X-Linked-Etag", "X-Repo-Commit")
"""Headers that huggingface_hub calls files of its cache by, whatever they say."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Client:
    """One repository on a Hub."""

    repo_id: str
    api: Any = field(repr=False)
    """`huggingface_hub.HfApi`."""
    endpoint: str
    sleep: Callable[[float], None] = field(repr=False)
    timeout: float
    """Seconds that the Hub may be silent."""
    secret: str | None = field(repr=False)
    """The token of huggingface_hub's login: only to be taken out of texts, huggingface_hub sends its own."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a commit."""

    size: int
    blob: str | None
    """Its name in git, a SHA-1."""
    sha256: str | None
    """Of a file that git knows only by this."""


def open_client(
    repo_id: str, *, endpoint: str | None = None, sleep: Callable[[float], None] = time.sleep, timeout: float = 30.0
) -> Client:
    """A repository on the Hub; nothing is asked yet.

    Args:
        repo_id: ``OWNER/NAME``.
        endpoint: Address of the Hub; None is huggingface_hub's own, ``HF_ENDPOINT``.
        sleep: Waits so many seconds.
        timeout: Seconds that the Hub may be silent.

    Raises:
        HubNameError: the Hub cannot have a repository of that name.
        HubAddressError: the address of the Hub is none, or holds a password.
        HubError: the login cannot be used.
    """
    check_repo_id(repo_id)
    if endpoint is None:
        _check_address(repo_id, os.environ.get("HF_ENDPOINT", "https://huggingface.co"))  # read by the import
    import huggingface_hub

    api = huggingface_hub.HfApi(endpoint=endpoint)
    address = _check_address(repo_id, api.endpoint)
    reason, secret = "", None
    try:
        secret = huggingface_hub.get_token()
    except Exception as error:  # a keyless login or its renewal asks other servers
        reason = explain(error, address, None).reason
    if reason:
        raise HubError(f"{repo_id}: the login cannot be used: {reason}", repo_id=repo_id)
    return Client(repo_id, api, address, sleep, timeout, secret)


def _check_address(repo_id: str, address: str) -> str:
    """The address of a Hub without its path."""
    if "@" in address:  # it would be sent in place of the token, and printed in messages and logs
        raise HubAddressError(
            f"{repo_id}: found a user name or password in the address of the Hub, expected none; take it out of "
            "HF_ENDPOINT and log in with: hf auth login",
            repo_id=repo_id,
        )
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an open bracket
        usable = False
    if not usable:
        raise HubAddressError(
            f"{repo_id}: found {scrub(address, None)!r:.120} as address of the Hub, expected one that begins with "
            "http:// or https://; correct HF_ENDPOINT, or unset it",
            repo_id=repo_id,
        )
    return f"{parts.scheme}://{parts.netloc}"


def ask(
    client: Client,
    question: Callable[[], T],
    *,
    revision: str | None = None,
    if_missing: str = "",
    bounded: bool = True,
) -> T:
    """What `question` returns, asked again a few times where the Hub is busy or the connection breaks.

    Args:
        client: The repository.
        question: Asks by huggingface_hub's session.
        revision: For messages.
        if_missing: What to do where there is no such repository.
        bounded: Answers have at most `LARGEST_ANSWER` bytes.

    Raises:
        HubError: it cannot be had.
    """
    for tried in range(TRIES):
        found = attempt(client, question, bounded=bounded)
        if not isinstance(found, Failure):
            return found
        if found.kind == "final" or tried + 1 == TRIES:
            raise refusal(client, f"{found.reason}{if_missing if found.missing else ''}", revision)
        pause(client, found, 2.0**tried, revision)
    raise AssertionError


def attempt(
    client: Client, question: Callable[[], T], *, committing: bool = False, bounded: bool = True
) -> T | Failure:
    """What `question` returns, or how it failed; the error itself, which holds headers, ends here."""
    try:
        with _patient(client.timeout, bounded=bounded):
            return question()
    except Exception as error:  # the network, the Hub and its answers fail in many ways
        return explain(error, client.endpoint, client.secret, committing=committing)


def pause(client: Client, failure: Failure, seconds: float, revision: str | None = None) -> None:
    """Wait as long as the Hub asks, else so many seconds.

    Raises:
        HubError: the Hub asks for more time than anybody waits.
    """
    wait = seconds if failure.wait is None else failure.wait
    if wait > LONGEST_WAIT:
        raise refusal(client, f"{failure.reason}, and to wait {wait:.0f} seconds; try again then", revision)
    client.sleep(wait)


def refusal(client: Client, reason: str, revision: str | None = None) -> HubError:
    """The error that says why."""
    where = client.repo_id if revision is None else f"{client.repo_id}@{revision}"
    return HubError(f"{where}: {reason}", repo_id=client.repo_id, revision=revision)


def resolve(client: Client, revision: str | None, if_missing: str = "") -> str:
    """The commit that a branch, tag or commit is now; None is ``main``. `if_missing` is as in `ask`."""
    info = ask(
        client,
        lambda: client.api.model_info(client.repo_id, revision=revision, expand=["sha"], timeout=client.timeout),
        revision=revision,
        if_missing=if_missing,
    )
    commit = str(info.sha)
    if not COMMIT.fullmatch(commit):
        raise refusal(client, f"{client.endpoint} names the commit {commit!r:.80}, expected 40 hexadecimal digits")
    return commit


def read_file(client: Client, path: str, commit: str, file: RemoteFile, limit: int) -> bytes:
    """The bytes of a file at a commit, which are checked against its name in git.

    Raises:
        HubError: it cannot be had, or is larger than `limit` bytes.
    """
    from huggingface_hub import hf_hub_url

    hub = utils()
    too_large = f"{path} has more than {limit:,} bytes, expected at most so many"
    if file.size > limit:
        raise refusal(client, too_large, commit)
    url = hf_hub_url(client.repo_id, path, revision=commit, endpoint=client.api.endpoint)

    def download() -> bytes:
        raw = bytearray()
        with hub.get_session().stream("GET", url, headers=hub.build_hf_headers()) as response:
            hub.hf_raise_for_status(response)
            for block in response.iter_bytes():
                raw += block
                if len(raw) > limit:
                    raise TooLargeError(too_large)
        if not is_content(bytes(raw), file):
            raise DamagedError(f"{path} arrived with other bytes than the Hub has")
        return bytes(raw)

    return ask(client, download, revision=commit)


def is_content(raw: bytes, file: RemoteFile | None) -> bool:
    """Whether a file on the Hub has these bytes."""
    if file is None:
        return False
    if file.sha256 is not None:
        return hashlib.sha256(raw).hexdigest() == file.sha256
    return file.blob == hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


@contextmanager
def _patient(timeout: float, *, bounded: bool) -> Iterator[None]:
    """Let huggingface_hub's session wait so long: by itself it waits for ever, or for as long as anybody asks."""

    def check(response: Any) -> None:
        if bounded or response.status_code >= 300:
            _bound(response, _SILENCES * timeout)
        _check_answer(response)

    session = utils().get_session()
    timeout_before, hooks_before = session.timeout, session.event_hooks
    session.timeout = timeout
    session.event_hooks = {**hooks_before, "response": [*hooks_before["response"], check]}
    try:
        yield
    finally:
        session.timeout, session.event_hooks = timeout_before, hooks_before


def _bound(response: Any, seconds: float) -> None:
    """Let the content of an answer, whoever reads it, be no larger than is expected, and end in time."""
    blocks, deadline = response.iter_bytes, time.monotonic() + seconds

    def bounded(chunk_size: int | None = None) -> Iterator[bytes]:
        size = 0
        for block in blocks(chunk_size):
            size += len(block)
            if size > LARGEST_ANSWER:
                raise TooLargeError(f"the Hub answered with more than {LARGEST_ANSWER:,} bytes, expected fewer")
            if time.monotonic() > deadline:
                raise TooSlowError
            yield block

    response.iter_bytes = bounded


def _check_answer(response: Any) -> None:
    """Raise where the Hub is busy, as what repeats has limits here and none there, and where it names a way out."""
    if response.status_code == 429 or response.status_code >= 500:
        response.read()
        utils().hf_raise_for_status(response)
    if response.request.method == "HEAD":
        for name in _FILE_NAMES:
            value = str(response.headers.get(name) or "").removeprefix("W/")
            if re.search(r"[/\\]|\.\.", value):
                raise UnsafeError(f"the Hub answered with the {name} {value!r:.80}, expected no part of a path")


def utils() -> Any:
    """`huggingface_hub.utils`, of whose types nothing is known."""
    import huggingface_hub.utils

    return huggingface_hub.utils
