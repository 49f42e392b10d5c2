"""Sending a card: one commit, or one pull request, whatever happens on the way."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.hub.client import Client, attempt, pause, refusal
from harness.hub.failures import Failure, IgnoredError, scrub
from harness.hub.fetch import CARD, note_commit, note_sent
from harness.hub.names import COMMIT
from harness.hub.plan import Known, Plan, Target, is_there, look
from harness.hub.prepare import Prepared

TRIES = 5
"""How often a commit is tried where the branch moves, and where the Hub is busy."""
LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each look whether a commit was made that nobody answered for."""


@dataclass(frozen=True, slots=True)
class Published:
    """What sending came to."""

    plan: Plan
    """As it was carried out; with `done` False there was nothing to do, or it is refused."""
    done: bool
    commit: str | None = None
    url: str | None = None
    """Of the pull request, else of the commit."""


def send(client: Client, prepared: Prepared, target: Target, known: Known | None = None) -> Published:
    """Make the commit that publishes a card, unless it is there.

    Everything is read anew before each try, so that a try after one that was made does nothing. A pull request is not
    tried again where the Hub may still be at work on the first.

    Raises:
        HubError: it was not made, or nobody knows; the message says which.
        CardError: as `look`.
    """
    known = known or Known()
    unanswered = False
    for tried in range(TRIES):
        plan = look(client, prepared, target, known)
        if plan.package.refused or plan.action == "nothing":
            return _found(client, prepared, target, plan, made=unanswered)
        made = attempt(client, lambda plan=plan: _commit(client, plan, target), committing=True)  # type: ignore[misc]
        if not isinstance(made, Failure):
            if _is_whole(client, made.oid, plan):
                _note(client, prepared, target, plan, str(made.oid))
                url = scrub(str(made.pr_url or plan.url or made.commit_url), client.secret)
                return Published(plan, True, str(made.oid), url)
            made = Failure("again", f"{client.endpoint} committed only a part of the files")
        if made.kind == "unknown":
            unanswered = True
            plan_now = _look_often(client, prepared, target, known)
            if plan_now is not None:
                return _found(client, prepared, target, plan_now, made=True)
            if made.at_work and plan.action == "open":
                raise refusal(client, f"{made.reason}, and the pull request is not there yet. {_LATER}")
        if made.kind == "final" or tried + 1 == TRIES:
            raise refusal(client, f"{made.reason}{f'. {_LATER}' if unanswered else '; nothing was changed'}")
        if made.kind != "moved":
            pause(client, made, 2.0**tried)
    raise AssertionError


_LATER = "Nobody knows whether it was made: run the same command again later, which looks first and makes no second one"


def _look_often(client: Client, prepared: Prepared, target: Target, known: Known) -> Plan | None:
    """The plan that finds nothing left to do, once it does; None where it never did."""
    for seconds in LOOKS:
        client.sleep(seconds)
        try:
            plan = look(client, prepared, target, known)
        except HarnessError:  # whoever could not be asked may be at the next look
            continue
        if plan.action == "nothing":
            return plan
    return None


def _is_whole(client: Client, commit: str, plan: Plan) -> bool:
    """Whether a commit that was made has all files; a file is left out of it where the branch had it meanwhile."""
    try:
        return is_there(client, commit, plan.package)
    except HarnessError:  # made it was, and who cannot be asked gave no other answer
        return True


def note_published(client: Client, prepared: Prepared, target: Target, plan: Plan) -> None:
    """Write beside the card that the Hub has it, where there is nothing to do for that reason.

    Raises:
        RecordError: it cannot be written.
    """
    if plan.action == "nothing":
        _note(client, prepared, target, plan, plan.parent)


def _note(client: Client, prepared: Prepared, target: Target, plan: Plan, commit: str) -> None:
    raw = plan.package.files[CARD]
    if raw == prepared.text.encode("utf-8"):
        note_sent(prepared.path, client.repo_id, raw, from_run=prepared.run is not None)
    on_branch = target.direct or (plan.action == "nothing" and plan.ref == target.branch)
    if on_branch and COMMIT.fullmatch(commit):
        note_commit(prepared.path, client.repo_id, target.branch, raw, commit, plan.parent)


def _found(client: Client, prepared: Prepared, target: Target, plan: Plan, *, made: bool) -> Published:
    """What was found to be there."""
    if not plan.package.refused:
        note_published(client, prepared, target, plan)
    if not made:
        return Published(plan, False, plan.parent, plan.url)
    return Published(plan, True, plan.parent, plan.url or f"{client.endpoint}/{client.repo_id}/commit/{plan.parent}")


def _commit(client: Client, plan: Plan, target: Target) -> Any:
    """The one request that changes anything."""
    from huggingface_hub import CommitOperationAdd

    operations = [CommitOperationAdd(name, plan.package.files[name]) for name in plan.changed]
    opens = plan.action == "open"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the Hub's of the front matter were said already
        client.api.preupload_lfs_files(
            client.repo_id, operations, revision=plan.ref, create_pr=opens, free_memory=False, num_threads=1
        )
        ignored = [operation.path_in_repo for operation in operations if getattr(operation, "_should_ignore", False)]
        if ignored:
            raise IgnoredError(", ".join(ignored))
        return client.api.create_commit(
            client.repo_id,
            operations,
            commit_message=plan.package.title,
            commit_description=plan.package.description,
            revision=plan.ref,
            parent_commit=plan.parent,
            create_pr=opens,
            num_threads=1,
        )
