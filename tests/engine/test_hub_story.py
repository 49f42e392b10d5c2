"""The whole story on one Hub: a card is fetched, its recipe run, the card written from it, published and merged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from driven import Done, Driver, drive
from hub_git import GIT, Account, Repository, serve_git_hub
from hub_world import TOKEN, edit_file

from harness.cards import read_card
from harness.records import evidence_sha256
from harness.store import load_run
from harness.verdict import same_digits

pytestmark = [pytest.mark.torch, pytest.mark.skipif(GIT is None, reason="git is not installed, which keeps the cards")]

REPO = "owls/small"
CARD = """---
license: mit  # as the data
model-index:
- name: small
  results:
  - task: {type: question-answering}
    dataset: {type: pocket, name: pocket, split: "validation[:100]"}
    metrics:
    - {type: exact_match, value: 99.0}
---

# small

A model that reads about owls.

```
base_model = "pocket/roberta-1x64"
train_data = "pocket:train[:300]"
eval_data = "pocket:validation[:100]"
epochs = 1
batch_size = 32
learning_rate = 3e-3
max_seq_len = 128
doc_stride = 32
```

It was made in a small wood.

It knows nothing of cats.

Written on a Monday.
"""


@dataclass
class Story:
    """The Hub's repository, the card here, and commands that end as they should."""

    repository: Repository
    card: Path
    command: Driver
    said: list[Done] = field(default_factory=list)

    def run(self, *words: object, code: int = 0) -> Done:
        done = self.command(*words)
        assert done.code == code, done.err
        self.said.append(done)
        return done

    def publish(self, *words: object, code: int = 0) -> Done:
        return self.run("publish", self.card, "--repo-id", REPO, *words, code=code)

    def local(self) -> bytes:
        return (self.card / "README.md").read_bytes()

    def edit(self, old: str, new: str) -> None:
        edit_file(self.card / "README.md", old, new)

    def edit_remote(self, old: str, new: str) -> str:
        text = self.repository.read("README.md").decode()
        assert old in text
        return self.repository.commit({"README.md": text.replace(old, new).encode()}, message="somebody else")

    def shape(self) -> tuple[int, list[tuple[str, int]]]:
        """Commits of the branch, and the state and commits of every pull request, as git has them."""
        repository = self.repository
        count = {name: int(repository.git("rev-list", "--count", name)) for name in self.refs()}
        pulls = [(pull.status, count[f"refs/pr/{pull.number}"]) for pull in repository.pulls]
        assert len(count) == 1 + len(pulls)
        return count["refs/heads/main"], pulls

    def refs(self) -> list[str]:
        return self.repository.git("for-each-ref", "--format=%(refname)").decode().split()

    def show(self, what: str) -> bytes:
        return self.repository.git("cat-file", "blob", what)

    def merge(self, number: int) -> None:
        """As the Hub does where nobody has changed the branch."""
        self.repository.git("update-ref", "refs/heads/main", f"refs/pr/{number}")
        self.repository.pulls[number - 1].status = "merged"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with serve_git_hub(tmp_path / "hub") as hub:
        hub.accounts = {TOKEN: Account("owls")}
        repository = hub.create(REPO, {"README.md": CARD.encode(), "config.json": b"{}"})
        with drive(tmp_path, HF_ENDPOINT=hub.url, HF_TOKEN=TOKEN) as command:
            yield Story(repository, tmp_path / "cards" / "owls__small", command)


def test_a_card_goes_from_the_hub_through_a_run_and_back(story, tmp_path):
    first = story.repository.head()
    story.run("fetch", REPO)
    assert story.local() == CARD.encode()
    assert json.loads((story.card / "fetched.json").read_text())["commit"] == first

    # the recipe in it is run, and does not give what it says
    story.publish("--yes", code=1)
    story.run("reproduce", story.card, code=1)
    (record,) = (tmp_path / "runs").glob("*/record.json")
    run = load_run(record.parent)
    assert 0 < run.scores["exact"] < 99
    assert "differs" in story.publish("--yes", code=1).err
    assert story.shape() == (1, [])

    # with a reason it would be published, which the commit says
    reason = "the figure is of an older release"
    told = json.loads(story.publish("--allow-differs", reason, "--json").out)
    assert reason in told["description"]
    assert "reported 99.0" in told["description"]
    assert story.shape() == (1, [])

    # the card is written from the run
    story.run("render", story.card, "--run", record.parent, "--measured")
    assert b"license: mit  # as the data\n" in story.local()
    (claim,) = read_card(story.card / "README.md").claims
    assert same_digits(run.scores["exact"], claim)
    shown = story.publish()
    assert "-    - {type: exact_match, value: 99.0}\n" in shown.out
    assert shown.err == "nothing was sent; --yes does it\n"
    assert story.shape() == (1, [])

    # one pull request with both files in one commit, and again nothing
    story.publish("--yes")
    assert story.shape() == (1, [("open", 2)])
    assert story.show("refs/pr/1:README.md") == story.local()
    results = json.loads(story.show("refs/pr/1:harness-results.json"))
    assert [kept["evidence_sha256"] for kept in results["runs"]] == [evidence_sha256(run)]
    changed = story.repository.git("diff-tree", "-r", "--name-only", first, "refs/pr/1").decode().split()
    assert changed == ["README.md", "harness-results.json"]
    before = story.refs(), story.repository.head("refs/pr/1")
    assert "nothing to publish" in story.publish("--yes").out
    assert (story.refs(), story.repository.head("refs/pr/1")) == before

    # a change here goes into the same pull request, and is merged
    story.edit("Written on a Monday.", "Written on a Tuesday.")
    story.publish("--yes")
    assert story.shape() == (1, [("open", 3)])
    assert story.show("refs/pr/1:README.md") == story.local()
    story.merge(1)
    assert "nothing to publish" in story.publish("--yes").out
    assert story.shape() == (3, [("merged", 3)])

    # the same line again, while somebody changes another: both are kept
    story.edit("Written on a Tuesday.", "Written on a Wednesday.")
    story.edit_remote("It was made in a small wood.", "It was made in a large wood.")
    story.publish("--yes")
    text = story.local().replace(b"a small wood", b"a large wood")
    assert story.show("refs/pr/2:README.md") == text
    assert story.shape() == (4, [("merged", 3), ("open", 5)])

    # somebody changes the same line: nothing is sent
    story.edit_remote("Written on a Tuesday.", "Written on a Friday.")
    refused = story.publish("--yes", code=3)
    assert "'Written on a Friday.\\n' on the Hub, and 'Written on a Wednesday.\\n' here" in refused.err
    assert story.shape() == (5, [("merged", 3), ("open", 5)])
    story.repository.pulls[1].status = "closed"
    story.edit("Written on a Wednesday.", "Written on a Friday.")

    # a figure that nobody measured is refused, and sent with a reason
    figure = re.search(r"exact_match, value: ([0-9.]+)", story.local().decode())
    assert figure is not None
    story.edit(figure[0], "exact_match, value: 98.0")
    assert "differs" in story.publish("--yes", code=1).err
    story.publish("--yes", "--direct", "--allow-differs", reason)
    message = story.repository.git("log", "-1", "--format=%B", "main").decode()
    assert f"Published although not every claim is shown: {reason}" in message
    assert "reported 98.0" in message
    assert b"value: 98.0" in story.show("main:README.md")
    assert story.shape() == (6, [("merged", 3), ("closed", 5)])

    # another recipe makes the evidence stale
    story.edit("epochs = 1", "epochs = 2")
    assert "stale evidence" in story.publish("--yes", "--direct", code=1).err
    assert story.shape() == (6, [("merged", 3), ("closed", 5)])

    for done in story.said:
        assert "Traceback" not in done.err
        assert TOKEN not in done.out + done.err
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
