"""A model on a loopback Hub, its card fetched into a folder, and a run that shows the card's figures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hub_git import Account, Hub, Pull, Repository, serve_git_hub
from plugin_cards import CARD, SCORES, run_of

from harness.evidence import Options
from harness.hub import Request, Target, check_account, fetch_card, look, open_client, prepare, send
from harness.hub.plan import Known, Plan
from harness.hub.publish import Published
from harness.models import RESULTS_FILE
from harness.records import Run, seal
from harness.store import write_json

TOKEN = "hf_RecognisableSecret0123456789"
READER = "hf_ReadOnlySecret0123456789"
REPO = "someone/tiny"
PARAGRAPH = "\n".join(f"Sentence {n} of the text." for n in range(30))
ON_HUB = f"{CARD}\n{PARAGRAPH}\n"


@dataclass
class World:
    """What a test starts from."""

    hub: Hub
    repository: Repository
    card: Path
    """The folder of the card."""
    waited: list[float] = field(default_factory=list)

    def request(self, **options: Any) -> Request:
        """What publishing asks for."""
        return Request(self.card, self.card.parents[1] / "runs", Options(), **options)

    def client(self, timeout: float = 5.0) -> Any:
        """The Hub, by huggingface_hub; waiting takes no time and is written down."""
        return open_client(REPO, endpoint=self.hub.url, sleep=self.waited.append, timeout=timeout)

    def plan(self, *, direct: bool = False, branch: str = "main", **options: Any) -> Plan:
        """What would be done."""
        client = self.client()
        return look(client, prepare(self.request(**options)), Target(branch, direct, "me"), Known())

    def publish(self, *, direct: bool = False, branch: str = "main", timeout: float = 5.0, **options: Any) -> Published:
        """Do it."""
        prepared, client = prepare(self.request(**options)), self.client(timeout)
        author = check_account(client, direct=direct)
        return send(client, prepared, Target(branch, direct, author))

    def fetch(self, **options: Any) -> None:
        """Bring the card as it is on the Hub now."""
        fetch_card(REPO, self.card, endpoint=self.hub.url, **options)

    def edit(self, old: str, new: str) -> None:
        """Change the local card."""
        edit_file(self.card / "README.md", old, new)

    def edit_remote(self, old: str, new: str, ref: str = "main") -> str:
        """Somebody else changes the card on the Hub."""
        text = self.repository.read("README.md", ref).decode()
        assert old in text
        return self.repository.commit({"README.md": text.replace(old, new).encode()}, ref=ref, message="somebody else")

    def keep(self, run: Run) -> None:
        """Put a record beside the card."""
        write_json(self.card / "runs" / f"{run.id}.json", replace(run, sha256=seal(run)))

    def open_pulls(self) -> list[Pull]:
        """Pull requests that are open."""
        return [pull for pull in self.repository.pulls if pull.status == "open"]

    def state(self, *, direct: bool) -> str:
        """Which of the two states the repository is in; anything else fails."""
        commits, pulls = self.repository.log("main"), self.repository.pulls
        if len(commits) == 1 and not pulls:
            return "untouched"
        wanted = {"README.md": (self.card / "README.md").read_bytes(), RESULTS_FILE: None}
        if direct:
            assert (len(commits), pulls) == (2, [])
            ref = "main"
        else:
            assert (len(commits), len(pulls)) == (1, 1)
            ref = "refs/pr/1"
            assert len(self.repository.log(ref)) == 2
        files = self.repository.files(ref)
        assert files["README.md"] == wanted["README.md"]
        assert b'"harness-results/' in files[RESULTS_FILE]
        return "published"


def edit_file(path: Path, old: str, new: str) -> None:
    """Replace some text of a file, whatever its line ends."""
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def write_template(folder: Path) -> None:
    """What every test starts from: a model on the Hub, whose card is fetched, edited and shown by a run beside it."""
    card = folder / "cards" / "someone__tiny"
    with serve_git_hub(folder / "hub") as hub:
        repository = hub.create(REPO, {"README.md": ON_HUB.encode(), "config.json": b"{}"})
        fetch_card(REPO, card, endpoint=hub.url)
    world = World(hub, repository, card)
    world.edit("Sentence 3 of the text.", "A sentence that was edited here.")
    world.keep(run_of(card, **SCORES))


@contextmanager
def make_world(template: Path, folder: Path) -> Iterator[World]:
    """A copy of the template that is served."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    with serve_git_hub(folder / "hub") as hub:
        hub.accounts = {TOKEN: Account("me"), READER: Account("me", "read")}
        repository = hub.repositories.setdefault(REPO, Repository(folder / "hub" / f"{REPO}.git"))
        yield World(hub, repository, folder / "cards" / "someone__tiny")
