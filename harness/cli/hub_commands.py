"""Commands that ask the Hub: fetch, publish."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.output import note, print_json, print_line
from harness.errors import HubError

if TYPE_CHECKING:
    from harness.hub import Client, Plan, Published

RepoOption = Annotated[str, typer.Option("--repo-id", metavar="ID", help="The model on the Hub, OWNER/NAME.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command(epilog="Example: harness fetch deepset/tinyroberta-squad2@main")(fetch)
    app.command(epilog="Example: harness publish cards/OWNER__NAME --repo-id OWNER/NAME --run RUN --yes")(publish)


def fetch(
    name: Annotated[str, typer.Argument(metavar="REPO_ID[@REVISION]", help="A model on the Hub.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to (default: cards/OWNER__NAME).")
    ] = None,
    weights: Annotated[
        bool, typer.Option("--weights", help="Also bring configuration, tokenizer and safetensors, into DIR/model.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a card that was edited, and over one of another model.")
    ] = False,
    as_json: o.JsonOption = False,
) -> None:
    """Bring a card from the Hub, with the commit it had.

    Exits 2 where a card that was edited here would be lost, 3 where the Hub does not give it.
    """
    from harness.hub import fetch_card

    found = fetch_card(name, output, weights=weights, force=force)
    if as_json:
        print_json({"folder": str(found.folder), "changed": found.changed, "edited": found.edited, **_fields(found)})
        return
    where = f"{found.folder}: {found.fetched.repo_id} at {found.fetched.commit}"
    print_line(f"fetched {where}" if found.changed else f"nothing to fetch: {where} is here already")
    if found.edited:
        note(f"{found.folder / 'README.md'} was edited since it was fetched, and was left so")


def publish(
    card: o.CardArgument,
    repo_id: RepoOption,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Write the card from it: a run folder, record file, or id."),
    ] = None,
    revision: Annotated[str, typer.Option("--revision", metavar="BRANCH", help="The branch to publish to.")] = "main",
    direct: Annotated[
        bool, typer.Option("--direct", help="Commit to the branch, instead of opening a pull request.")
    ] = False,
    allow_differs: Annotated[
        str | None,
        typer.Option(
            "--allow-differs",
            metavar="REASON",
            help="Publish although a claim differs, or nobody checked it; the commit message carries the reason.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only show what would be done.")] = False,
    runs: o.RunsOption = None,
    as_json: o.JsonOption = False,
) -> None:
    """Show what publishing a card would change on the Hub, and with --yes do it in one commit or pull request.

    The token is that of `hf auth login` or of HF_TOKEN. Exits 1 where a claim differs, or its evidence is stale or
    missing; 2 where the card cannot be published as it is; 3 where the Hub cannot be asked or refuses, or the same
    lines were changed there since the card was fetched.
    """
    from harness.evidence import Options
    from harness.hub import (
        Known,
        Request,
        Target,
        check_branch,
        check_repo_id,
        look,
        note_published,
        open_client,
        prepare,
        send,
    )

    check_repo_id(repo_id)
    check_branch(repo_id, revision)
    options = Options(tolerances=o.project_tolerances())
    try:
        record = None if run is None else o.run_path(run, runs)
        request = Request(card, o.runs_folder(runs), options, record, allow_differs)
    except ValueError as error:
        raise typer.BadParameter(f"--allow-differs: {error}") from None
    prepared = prepare(request)
    if prepared.checked.refused and allow_differs is None:
        _refuse(repo_id, prepared.checked.refused, as_json=as_json)
    client = open_client(repo_id)
    author, hindrance = _author(client, direct=direct, yes=yes)
    target, known = Target(revision, direct, author), Known()
    plan = look(client, prepared, target, known)
    if plan.package.refused:
        _refuse(repo_id, plan.package.refused, as_json=as_json)
    if not as_json:
        _show(plan, repo_id, yes=yes)
    published = None
    if yes and plan.action != "nothing":
        published = send(client, prepared, target, known)
        if published.plan.package.refused:
            _refuse(repo_id, published.plan.package.refused, as_json=as_json)
    elif yes:
        note_published(client, prepared, target, plan)
    if as_json:
        print_json(_as_json(repo_id, revision, plan, published))
    else:
        _tell(plan, published, hindrance, yes=yes)


def _author(client: Client, *, direct: bool, yes: bool) -> tuple[str | None, str]:
    """Who is logged in, or why nobody is that may send; where nothing is sent, nobody has to be."""
    from harness.hub import check_account

    try:
        return check_account(client, direct=direct), ""
    except HubError as error:
        if yes:
            raise
        note(f"--yes would be refused: {error}")
        return None, str(error)


def _refuse(repo_id: str, reasons: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"repo_id": repo_id, "action": "refused", "done": False, "refused": list(reasons)})
    for reason in reasons:
        note(reason)
    note("not published; if it is to be all the same, say why with --allow-differs REASON")
    raise typer.Exit(1)


_WOULD = {
    "nothing": "nothing to publish: {where} has this card",
    "open": "would open a pull request on {where}",
    "update": "would update the pull request {url}",
    "commit": "would commit to {where}",
}
_DOES = {
    **_WOULD,
    "open": "opening a pull request on {where}",
    "update": "updating the pull request {url}",
    "commit": "committing to {where}",
}
_NOTHING_SENT = "nothing was sent; --yes does it"
_DID = {
    "open": "opened the pull request {url}",
    "update": "updated the pull request {url}",
    "commit": "committed {url}",
}


def _show(plan: Plan, repo_id: str, *, yes: bool) -> None:
    """The diff and the other files on stdout, warnings on stderr."""
    for line in plan.diff.split("\n")[:-1]:
        print_line(line)
    for name in plan.changed:
        print_line(f"{name}: {len(plan.package.files[name]):,} bytes")
    for warning in plan.warnings:
        note(f"warning: {warning}")
    where = plan.url or f"{repo_id} at {plan.head}"
    print_line((_DOES if yes else _WOULD)[plan.action].format(where=where, url=plan.url))


def _tell(plan: Plan, published: Published | None, hindrance: str, *, yes: bool) -> None:
    if published is None:
        if not yes and plan.action != "nothing":
            note(f"nothing was sent; --yes would be refused: {hindrance}" if hindrance else _NOTHING_SENT)
    elif published.done:
        print_line(_DID.get(published.plan.action, "published {url}").format(url=published.url))
    else:
        print_line("nothing to publish: somebody did it meanwhile")


def _as_json(repo_id: str, branch: str, plan: Plan, published: Published | None) -> dict[str, Any]:
    carried = plan if published is None else published.plan
    files = {
        name: {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "changed": name in plan.changed}
        for name, raw in plan.package.files.items()
    }
    return {
        "repo_id": repo_id,
        "branch": branch,
        "action": plan.action,
        "done": published is not None and published.done,
        "url": carried.url if published is None else published.url,
        "commit": None if published is None else published.commit,
        "head": plan.head,
        "diff": plan.diff,
        "files": files,
        "title": plan.package.title,
        "description": plan.package.description,
        "warnings": list(plan.warnings),
        "refused": [],
    }


def _fields(found: Any) -> dict[str, Any]:
    from harness.records import to_json

    fields: dict[str, Any] = to_json(found.fetched)
    return fields
