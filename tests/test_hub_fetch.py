"""Fetching over real HTTP: the bytes that the Hub has, at a commit that is written down, or nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
from driven import drive
from hub_git import GIT, Account, Fault, serve_git_hub
from hypothesis import given
from hypothesis import strategies as st

from harness.card_files import MAX_BYTES
from harness.errors import CardError, HarnessError, HubError, HubNameError, RecordError
from harness.hub import fetch_card
from harness.hub.fetch import is_model_file, read_fetched
from harness.hub.names import check_branch, folder_name, split_name

pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed, which keeps the repositories")

TOKEN = "hf_RecognisableSecret0123456789"
CARD = "\ufeff---\r\nlicense: mit\r\n---\r\n\r\n# tiny \u05de\u05d9 \U0001f600\r\n\tno line end".encode() + b"\xff\x00"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serve_git_hub(tmp_path / "hub") as found:
        found.accounts = {TOKEN: Account("me")}
        found.create("some-one/tiny.v1", {"README.md": CARD, "config.json": b"{}"})
        yield found


@pytest.fixture(scope="module", autouse=True)
def _session():
    yield
    huggingface_hub.close_session()


def fetch(hub, name="some-one/tiny.v1", folder=None, **options):
    waited = hub.__dict__.setdefault("waited", [])
    timeout = options.pop("timeout", 5.0)
    return fetch_card(name, folder, endpoint=hub.url, sleep=waited.append, timeout=timeout, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_card_comes_byte_for_byte_with_its_commit(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = fetch(hub)
    assert found.folder == Path("cards/some-one__tiny.v1")
    assert contents(found.folder).keys() == {"README.md", "fetched.json"}
    assert (found.folder / "README.md").read_bytes() == CARD
    commit = hub.repositories["some-one/tiny.v1"].head()
    kept = read_fetched(found.folder)
    assert kept == found.fetched
    assert (kept.repo_id, kept.revision, kept.commit, kept.weights) == ("some-one/tiny.v1", None, commit, False)
    (read,) = hub.asked("GET .*/resolve/")
    assert f"/resolve/{commit}/README.md" in read.path
    assert TOKEN.encode() not in b"".join(contents(found.folder).values())


def test_the_same_commit_again_does_nothing_and_a_newer_one_is_brought(hub, tmp_path):
    folder = tmp_path / "card"
    first = fetch(hub, folder=folder)
    before, asked = contents(folder), len(hub.requests)
    assert not fetch(hub, folder=folder).changed
    assert contents(folder) == before
    assert len(hub.requests) == asked + 1
    hub.repositories["some-one/tiny.v1"].commit({"README.md": b"newer"})
    second = fetch(hub, folder=folder)
    assert second.changed
    assert (folder / "README.md").read_bytes() == b"newer"
    assert second.fetched.commit != first.fetched.commit


def test_any_revision_is_found(hub, tmp_path):
    repository = hub.repositories["some-one/tiny.v1"]
    first = repository.head()
    repository.git("tag", "v1.0", first)
    repository.commit({"README.md": b"branch"}, ref="feature/x", parent=first)
    repository.commit({"README.md": b"pull"}, ref="refs/pr/3", parent=first)
    newest = repository.commit({"README.md": b"newest"})
    wanted = {"@v1.0": CARD, "@feature/x": b"branch", "@refs/pr/3": b"pull", f"@{first}": CARD, "": b"newest"}
    for revision, content in wanted.items():
        found = fetch(hub, f"some-one/tiny.v1{revision}", tmp_path / folder_name(revision or "none"))
        assert (found.folder / "README.md").read_bytes() == content
        assert found.fetched.revision == (revision[1:] or None)
        assert found.fetched.commit == (newest if not revision else repository.head(revision[1:]))


def test_what_was_edited_is_not_written_over(hub, tmp_path):
    folder = tmp_path / "card"
    fetch(hub, folder=folder)
    (folder / "README.md").write_text("edited")
    found = fetch(hub, folder=folder)
    assert (found.changed, found.edited) == (False, True)  # at the same commit there is nothing to bring
    hub.repositories["some-one/tiny.v1"].commit({"README.md": b"newer"})
    before = contents(folder)
    with pytest.raises(CardError, match=r"README\.md: was edited since it was fetched, .* write over it with --force"):
        fetch(hub, folder=folder)
    assert contents(folder) == before
    assert fetch(hub, folder=folder, force=True).changed
    assert (folder / "README.md").read_bytes() == b"newer"


def test_what_is_not_from_there_is_not_written_over(hub, tmp_path):
    hub.create("other/model", {"README.md": b"other"})
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "README.md").write_text("my own")
    with pytest.raises(CardError, match="was not fetched"):
        fetch(hub, folder=folder)
    (folder / "README.md").write_bytes(CARD)  # the same is no loss
    fetch(hub, folder=folder)
    with pytest.raises(CardError, match=r"found the card of some-one/tiny\.v1, expected none"):
        fetch(hub, "other/model", folder)
    assert (folder / "README.md").read_bytes() == CARD
    fetch(hub, "other/model", folder, force=True)
    assert (folder / "README.md").read_bytes() == b"other"
    for text in (
        "{}",
        "no json",
        '{"schema":2,"repo_id":"other/model","revision":null,"commit":"x","card_sha256":"y"}',
    ):
        (folder / "fetched.json").write_text(text)
        with pytest.raises(RecordError, match=r"fetched\.json"):
            fetch(hub, "other/model", folder)
    assert fetch(hub, "other/model", folder, force=True).changed


def test_a_fetch_that_was_killed_between_two_files_goes_on(hub, tmp_path):
    folder = tmp_path / "card"
    fetch(hub, folder=folder)
    hub.repositories["some-one/tiny.v1"].commit({"README.md": b"newer"})
    (folder / "README.md").write_bytes(b"newer")  # and fetched.json is still of the commit before
    assert fetch(hub, folder=folder).changed
    assert read_fetched(folder).commit == hub.repositories["some-one/tiny.v1"].head()


FAILURES = {
    "gated": (Fault("never"), r"it is gated: accept its terms on its page and log in with: hf auth login"),
    "nothing": (Fault("never"), r"the Hub has no such model, or not to this login$"),
    "revision": (Fault("never"), r"tiny\.v1@v9: it has no such revision"),
    "no card": (Fault("never"), r"has no README\.md at [0-9a-f]{40}, expected a model card"),
    "large": (Fault("never"), r"README\.md has more than 6,000,000 bytes"),
    "token": (Fault("/revision/|models/[^/]+/[^/]+\\?", count=99, status=401), r"does not accept the token"),
    "busy": (Fault("/tree/", count=99, status=503), r"http://127\.0\.0\.1:\d+ answers 503"),
    "wait": (Fault("/tree/", count=99, status=429), r"asks for fewer requests"),
    "long wait": (Fault("/tree/", status=429, headers={"Retry-After": "99999"}), r"to wait 99999 seconds"),
    "slow": (Fault("/resolve/", count=99, delay=0.4), r"does not answer in time"),
    "cut": (Fault("/resolve/", count=99, cut="before"), r"the connection to \S+ broke \(RemoteProtocolError\)"),
    "half": (Fault("/resolve/", count=99, cut="within"), r"the connection to \S+ broke \(RemoteProtocolError\)"),
    "other bytes": (
        Fault("/resolve/", count=99, status=200, body=b"evil"),
        r"arrived with other bytes than the Hub has",
    ),
    "no list": (Fault("/tree/", count=9, status=200, body=b'{"a": 1}'), r"something else than a list of tree"),
    "no JSON": (Fault("/tree/", count=9, status=200, body=b"<html>"), r"something else than expected"),
    "no commit": (
        Fault("/models/", count=9, status=200, body=b'{"id": "a/b", "sha": "../../x"}'),
        r"names the commit '../../x', expected 40",
    ),
    "elsewhere": (
        Fault("/tree/", status=200, body=b"[]", headers={"Link": '<http://127.0.0.1:9/x>; rel="next"'}),
        r"leads elsewhere",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_not_to_be_had_is_said_and_nothing_is_left(hub, tmp_path, name):
    fault, told = FAILURES[name]
    hub.faults = [fault]
    repository = hub.repositories["some-one/tiny.v1"]
    repository.gated = name == "gated"
    wanted = {"nothing": "some-one/nothing", "revision": "some-one/tiny.v1@v9"}.get(name, "some-one/tiny.v1")
    if name == "no card":
        repository.commit({"README.md": None})
    if name == "large":
        repository.commit({"README.md": b"x" * (MAX_BYTES + 1)})
    folder = tmp_path / "card"
    with pytest.raises(HubError, match=told) as caught:
        fetch(hub, wanted, folder, timeout=0.1 if name == "slow" else 5.0)
    assert caught.value.exit_code == 3
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not folder.exists()
    assert len(hub.requests) < 15


def test_faults_that_pass_are_overcome(hub, tmp_path):
    hub.faults = [
        Fault("/tree/", status=429, headers={"Retry-After": "7"}),
        Fault("/tree/", status=502),
        Fault("/resolve/", cut="within"),
        Fault("/resolve/", status=200, body=b"evil"),
    ]
    assert (fetch(hub, folder=tmp_path / "card").folder / "README.md").read_bytes() == CARD
    assert hub.waited[:2] == [7.0, 2.0]


def test_a_folder_that_cannot_be_written_is_said(hub, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecordError, match="cannot be written"):
        fetch(hub, folder=tmp_path / "file" / "card")
    folder = tmp_path / "card"
    (folder / "README.md").mkdir(parents=True)
    with pytest.raises(CardError, match="cannot be read"):
        fetch(hub, folder=folder)


NAMES = ["a/b", "gpt2", "some-one/tiny.v1", "A_b/c-d.e_f", "a/b@main", "a/b@refs/pr/1", "a/b@v1.0+x", "a/b@feature/x"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_repositories(name):
    repo_id, revision = split_name(name)
    assert name == (repo_id if revision is None else f"{repo_id}@{revision}")


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "a/", "/a", "a/b/c", "../b", "a/..", "./a", "a/.b", "a/b.", "-a/b", "a/b-", "a--b/c", "a..b/c"),
        *(
            "a/b.git",
            "a\\b/c",
            "a b/c",
            "a/b\n",
            "a/b\x00",
            "\u0430/b",
            "a/" + "x" * 97,
            "http://a/b",
            "~/b",
            "a/b?x=1",
        ),
        *(
            "a/b@",
            "a/b@..",
            "a/b@../x",
            "a/b@x/../y",
            "a/b@-x",
            "a/b@.x",
            "a/b@x/.y",
            "a/b@x.lock",
            "a/b@x//y",
            "a/b@/x",
        ),
        *("a/b@x/", "a/b@x y", "a/b@x\n", "a/b@x?y", "a/b@x%2e", "a/b@x@y", "a/b@x\\y", "a/b@" + "x" * 300),
    ],
)
def test_other_names_are_refused_before_anything_is_asked(name, tmp_path):
    with pytest.raises(HubNameError) as caught:
        fetch_card(name, tmp_path / "card", endpoint="http://127.0.0.1:9")
    assert caught.value.exit_code == 2
    assert not (tmp_path / "card").exists()


@given(st.text(max_size=30))
def test_a_name_that_is_taken_stays_in_its_folder(text):
    try:
        repo_id, _ = split_name(text)
    except HubNameError:
        return
    assert Path("cards", folder_name(repo_id)).parts[0] == "cards"
    assert len(Path("cards", folder_name(repo_id)).parts) == 2


def test_branches_that_can_be_published_to():
    check_branch("a/b", "feature/x")
    for name in ("refs/pr/1", "0" * 40, "refs/heads/main"):
        with pytest.raises(HubNameError, match="expected a branch that can be written to"):
            check_branch("a/b", name)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("config.json", True),
        ("model-00001-of-00002.safetensors", True),
        ("vocab.txt", True),
        ("spiece.model", True),
        ("pytorch_model.bin", False),
        ("model.pkl", False),
        ("modeling_x.py", False),
        ("harness-results.json", False),
        ("onnx/config.json", False),
        ("..\\config.json", False),
        (".hidden.json", False),
        ("a\nb.json", False),
    ],
)
def test_files_of_a_model(name, wanted):
    assert is_model_file(name) is wanted


_FETCHES = """
import json, sys, time
time.sleep = lambda seconds: None
from pathlib import Path
from harness.errors import HarnessError
from harness.hub import fetch_card
for line in sys.stdin:
    name, folder, weights = json.loads(line)
    try:
        found = fetch_card(name, Path(folder), weights=weights)
        print("FOUND " + json.dumps([found.changed, found.edited]))
    except HarnessError as error:
        print("FOUND " + json.dumps(str(error)))
"""


def fetch_models(hub, tmp_path, *names):
    """What fetching models with their weights says, in a process whose cache is in a folder."""
    base = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    base |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}
    lines = "".join(json.dumps([name, str(tmp_path / folder), weights]) + "\n" for name, folder, weights in names)
    done = subprocess.run(
        [sys.executable, "-c", _FETCHES], input=lines, capture_output=True, text=True, env=base, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("FOUND ")]


def test_weights_come_whole_or_not_at_all_and_are_never_pickles(hub, tmp_path):
    model = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"w" * 1000}
    beside = {"pytorch_model.bin": b"evil", "code.py": b"evil", "onnx/config.json": b"x", "harness-results.json": b"{}"}
    repository = hub.create("some-one/model", {"README.md": CARD, **model, **beside})
    hub.create(
        "some-one/pickled", {"README.md": CARD, "config.json": b"{}", "vocab.txt": b"a", "pytorch_model.bin": b"x"}
    )
    hub.create("some-one/half", {"README.md": CARD, **model})
    hub.faults = [Fault("some-one/half/resolve/.*safetensors", count=999, cut="before")]
    (tmp_path / "mine" / "model").mkdir(parents=True)
    first, pickled, half, again, mine = fetch_models(
        hub,
        tmp_path,
        ("some-one/model", "card", True),
        ("some-one/pickled", "pickled", True),
        ("some-one/half", "half", True),
        ("some-one/model", "card", True),
        ("some-one/model", "mine", True),
    )
    assert (first, again) == ([True, False], [False, False])
    kept = contents(tmp_path / "card")
    assert {name: kept[f"model/{name}"] for name in model} == model
    assert kept.keys() == {"README.md", "fetched.json", *(f"model/{name}" for name in model)}
    assert read_fetched(tmp_path / "card").weights
    assert "its model expected weights as *.safetensors, found only pytorch_model.bin" not in pickled
    assert "its model expected weights as *.safetensors, found none" in pickled
    assert "broke" in half
    assert "model: was not fetched, expected nothing" in mine
    assert not (tmp_path / "pickled").exists()
    assert not (tmp_path / "half").exists()
    # what stands in one folder is of one commit
    repository.commit({"README.md": b"newer", "model.safetensors": b"v" * 10})
    (tmp_path / "card" / "README.md").write_bytes(CARD)
    assert fetch_card("some-one/model", tmp_path / "other", endpoint=hub.url).changed
    assert fetch_models(hub, tmp_path, ("some-one/model", "card", False), ("some-one/model", "other", True)) == [
        [True, False],
        [True, False],
    ]
    for folder in ("card", "other"):
        assert (tmp_path / folder / "model" / "model.safetensors").read_bytes() == b"v" * 10
        assert (tmp_path / folder / "README.md").read_bytes() == b"newer"
    assert not list(tmp_path.rglob(".model*"))


def test_the_command(hub, tmp_path):
    with drive(tmp_path, HF_ENDPOINT=hub.url) as run:
        done = run("fetch", "some-one/tiny.v1")
        commit = hub.repositories["some-one/tiny.v1"].head()
        assert (done.code, done.out) == (0, f"fetched cards/some-one__tiny.v1: some-one/tiny.v1 at {commit}\n")
        told = json.loads(run("fetch", "some-one/tiny.v1", "--json").out)
        assert (told["changed"], told["commit"], told["folder"]) == (False, commit, "cards/some-one__tiny.v1")
        missing = run("fetch", "some-one/nothing")
        assert (missing.code, missing.out) == (3, "")
        assert missing.err.startswith("harness: error: some-one/nothing: the Hub has no such model")
        assert run("fetch", "https://me:PassWord@x/y").code == 2
        named = run("fetch", "some-one/tiny.v1", HF_ENDPOINT="https://me:PassWord@hub.example")
    assert (named.code, "PassWord" in named.err + named.out) == (2, False)
    for result in (missing, named):
        assert "Traceback" not in result.err
        assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("header", "value"), [("ETag", '"../../../../../out"'), ("X-Repo-Commit", "../../../../../out"), ("ETag", "a\\b")]
)
def test_no_answer_names_a_file_outside_of_the_cache(hub, tmp_path, header, value):
    model = {"README.md": CARD, "config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"w"}
    commit = hub.create("some-one/model", model).head()
    headers = {"ETag": '"abc"', "X-Repo-Commit": commit, header: value}
    hub.faults = [Fault("HEAD .*/resolve/", count=99, status=200, body=b"x", headers=headers)]
    with pytest.raises(HubError, match="expected no part of a path"):
        fetch(hub, "some-one/model", tmp_path / "card", weights=True)
    assert not [path for path in hub.asked("GET .*/resolve/") if "README" not in path.path]
    assert not (tmp_path / "card").exists()


def test_errors_are_of_one_tree(hub, tmp_path):
    hub.faults = [Fault(".*", count=99, status=418)]
    with pytest.raises(HarnessError):
        fetch(hub, folder=tmp_path / "card")
