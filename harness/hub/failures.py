"""What goes wrong between here and the Hub, in words that hold no secret, and whether to ask again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.visible import visible

Kind = Literal["final", "again", "moved", "unknown"]
"""``again``: nothing was done, and may be later; ``moved``: the branch is no longer where it was; ``unknown``: a commit
was asked for, and nobody said whether it was made."""

LONGEST_WAIT = 300.0
"""Seconds. Whoever is told to come back later than this is told to do so."""

_TOKEN = re.compile(r"\bhf_[A-Za-z0-9_]{4,}|\bBearer\s+\S+")
_CREDENTIALS = re.compile(r"//[^/\s@]*@")


class DamagedError(Exception):
    """What arrived is not what the Hub has."""


class TooLargeError(Exception):
    """A file or an answer has more bytes than are read."""


class TooSlowError(Exception):
    """An answer goes on and on."""


class UnsafeError(Exception):
    """An answer names a file that would be written elsewhere than in the cache."""


class IgnoredError(Exception):
    """The repository's ``.gitignore`` leaves out a file, which would not be committed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One request that failed."""

    kind: Kind
    reason: str
    """Why, as the part of a sentence."""
    wait: float | None = None
    """Seconds that the Hub asks to wait."""
    at_work: bool = False
    """The Hub, or what stands before it, may still be making the commit."""
    missing: bool = False
    """There is no such repository, as far as the Hub says."""


def explain(error: Exception, endpoint: str, secret: str | None, *, committing: bool = False) -> Failure:
    """What an error of `huggingface_hub` means.

    Args:
        error: What was raised; nothing of it is kept, as it holds headers.
        endpoint: Address of the Hub, without credentials.
        secret: The token, which is taken out of what the Hub said.
        committing: The request was to make a commit.
    """
    while is_named(error, "LocalEntryNotFoundError") and isinstance(error.__cause__ or error.__context__, Exception):
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    status = getattr(getattr(error, "response", None), "status_code", None)
    committing = committing and _may_have_reached_commit(error)
    if is_named(error, "OfflineModeIsEnabled"):
        return Failure("final", "HF_HUB_OFFLINE forbids to ask the Hub; unset it")
    if is_named(error, "LocalTokenNotFoundError"):
        return Failure("final", "nobody is logged in; log in with: hf auth login")
    if isinstance(error, TooLargeError | UnsafeError):
        return Failure("unknown" if committing else "final", str(error))
    if isinstance(error, IgnoredError):
        return Failure("final", f"its .gitignore leaves out {error}, which would be missing; correct it first")
    if isinstance(error, DamagedError):
        return Failure("again", str(error))
    if status is not None:
        said = scrub(str(getattr(error, "server_message", None) or ""), secret)
        if is_named(error, "RepositoryNotFoundError") and not is_named(error, "GatedRepoError"):
            shown = "shows it only after: hf auth login" if secret is None else "not to this login"
            return Failure("final", f"the Hub has no such model, or {shown}", missing=True)
        return _answered(error, status, f" ({said})" if said else "", endpoint, committing)
    if isinstance(error, TooSlowError):
        return Failure("unknown" if committing else "final", f"{endpoint} answers too slowly")
    if is_named(error, "TimeoutException"):
        reason = f"{endpoint} does not answer in time"
        return Failure("unknown" if committing else "again", reason, at_work=committing)
    if is_named(error, "ConnectError"):
        return Failure("again" if committing else "final", f"{endpoint} cannot be reached; check the connection")
    if is_named(error, "TransportError"):
        kind: Kind = "unknown" if committing else "again"
        return Failure(kind, f"the connection to {endpoint} broke ({type(error).__name__})")
    told = f"{endpoint} answered something else than expected ({type(error).__name__})"
    return Failure("unknown" if committing else "final", told)


def is_named(error: BaseException, *names: str) -> bool:
    """Whether an error is of a class of one of these names: the HTTP client's are another package's by version."""
    return any(kind.__name__ in names for kind in type(error).__mro__)


def scrub(text: str, secret: str | None) -> str:
    """One printable line of at most 300 characters without tokens or credentials."""
    if secret:
        text = text.replace(secret, "***")
    text = _CREDENTIALS.sub("//***@", _TOKEN.sub("***", text))
    return visible(" ".join(text.split()))[:300]


def _answered(error: Any, status: int, said: str, endpoint: str, committing: bool) -> Failure:
    """What an answer with an error's status means."""
    if is_named(error, "GatedRepoError"):
        return Failure("final", "it is gated: accept its terms on its page and log in with: hf auth login")
    if is_named(error, "RevisionNotFoundError"):
        return Failure("final", "it has no such revision")
    if is_named(error, "DisabledRepoError"):
        return Failure("final", "the Hub has disabled it")
    if status == 401:
        return Failure("final", f"the Hub does not accept the token, which may be expired; hf auth login --force{said}")
    if status == 403:
        return Failure("final", f"the Hub forbids it to this token; take one that may write there{said}")
    if status == 412:
        return Failure("moved", "the branch moved meanwhile")
    if status == 429:
        return Failure("again", f"{endpoint} asks for fewer requests", wait=_asked_wait(error.response.headers))
    if status in (408, 409):
        return Failure("again", f"{endpoint} answers {status}{said}", wait=_asked_wait(error.response.headers))
    if status >= 500:
        kind: Kind = "unknown" if committing else "again"
        at_work = committing and status == 504
        return Failure(
            kind, f"{endpoint} answers {status}{said}", wait=_asked_wait(error.response.headers), at_work=at_work
        )
    return Failure("final", f"{endpoint} answers {status}{said}")


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds of a ``Retry-After`` header, or until the limit on requests is lifted."""
    after = str(headers.get("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", after):
        return float(after)
    reset = re.search(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*([0-9]{1,9})", str(headers.get("RateLimit") or ""))
    return float(reset[1]) + 1.0 if reset else None


def _may_have_reached_commit(error: Any) -> bool:
    """Whether the request that failed may be the one that commits; those before it change nothing."""
    try:
        path = str(getattr(error, "response", error).request.url.path)  # an answer's error may have lost its request
    except (AttributeError, RuntimeError):  # no error of a request: an answer that could not be read, maybe
        return True
    return "/commit/" in path
