"""Who is logged in, and whether the token may write: asked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.errors import HubError
from harness.hub.client import Client, ask, refusal

_WRITE = "repo.write"
_DISCUSS = "discussion.write"


def check_account(client: Client, *, direct: bool) -> str:
    """The name of whoever is logged in, with a token that may do what is asked.

    Args:
        client: The repository.
        direct: Commit to a branch; else open a pull request, which needs less.

    Raises:
        HubError: nobody is logged in, the token is not accepted, or it may only read.
    """
    if client.secret is None:
        raise HubError(f"{client.repo_id}: nobody is logged in; log in with: hf auth login", repo_id=client.repo_id)
    answer = ask(client, client.api.whoami)
    name = answer.get("name") if isinstance(answer, dict) else None
    if not isinstance(name, str) or not name:
        raise refusal(client, f"{client.endpoint} does not say who is logged in")
    token = _fields(_fields(answer.get("auth")).get("accessToken"))
    needed = "write to repositories" if direct else "open pull requests"
    if token.get("role") == "read":
        raise refusal(client, f"the token of {name} may only read; log in with one that may {needed}: hf auth login")
    if token.get("role") == "fineGrained" and not _allows(token, client.repo_id, direct=direct):
        raise refusal(
            client, f"the fine-grained token of {name} may not {needed} there; allow it, or log in with another"
        )
    return name


def _allows(token: Mapping[str, Any], repo_id: str, *, direct: bool) -> bool:
    """Whether a fine-grained token may write to a repository, or open a pull request there."""
    fine = _fields(token.get("fineGrained"))
    wanted = {_WRITE} if direct else {_WRITE, _DISCUSS}
    owner = repo_id.partition("/")[0].casefold()
    granted = {str(right) for right in _items(fine.get("global"))}
    for scope in map(_fields, _items(fine.get("scoped"))):
        entity = _fields(scope.get("entity"))
        if str(entity.get("name")).casefold() in (repo_id.casefold(), owner):
            granted |= {str(right) for right in _items(scope.get("permissions"))}
    return bool(wanted & granted)


def _fields(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
