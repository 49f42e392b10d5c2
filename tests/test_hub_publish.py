"""Publishing over real HTTP to repositories of git: one commit or none, whatever goes wrong, and no secret anywhere."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import replace

import huggingface_hub
import pytest
from driven import Driver, drive
from hub_git import GIT, Account, Fault, serve_git_hub
from hub_world import ON_HUB, PARAGRAPH, READER, REPO, TOKEN, World, make_world, write_template
from plugin_cards import SCORES, assume, deviation, run_of
from speed_records import kept

from harness.editing import expected_card
from harness.errors import CardError, HarnessError, HubAddressError, HubError
from harness.hub import check_account, open_client
from harness.hub.prepare import MARK
from harness.models import RESULTS_FILE
from harness.records import evidence_sha256, seal
from harness.store import write_json

pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed, which keeps the repositories")

MODES = pytest.mark.parametrize("direct", [False, True], ids=["pull request", "direct"])
EDITED = ON_HUB.replace("Sentence 3 of the text.", "A sentence that was edited here.")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    write_template(folder)
    yield folder
    huggingface_hub.close_session()


@pytest.fixture
def world(template, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with make_world(template, tmp_path) as found:
        yield found


@pytest.fixture
def hasty(monkeypatch):
    """huggingface_hub repeats some requests by itself, and waits in between."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


def posts(world: World) -> list[str]:
    return [asked.path for asked in world.hub.asked("^POST")]


@MODES
def test_card_and_results_are_published_in_one_commit_and_again_nothing_is(world, direct):
    done = world.publish(direct=direct)
    assert world.state(direct=direct) == "published"
    assert done.done
    ref = "main" if direct else "refs/pr/1"
    sha, title, description = world.repository.log(ref)[0]
    assert done.commit == sha
    assert done.url == (f"{world.hub.url}/{REPO}/" + (f"commit/{sha}" if direct else "discussions/1"))
    run = run_of(world.card, **SCORES)
    (kept,) = json.loads(world.repository.read(RESULTS_FILE, ref))["runs"]
    assert title == f"{MARK}card with results of run tiny-1"
    for told in ("tiny-1", run.signature, "matches 4", kept["evidence_sha256"]):
        assert told in description
    assert str(world.card) not in description + world.repository.read(RESULTS_FILE, ref).decode()
    before = len(posts(world))
    again = world.publish(direct=direct)
    assert (again.done, again.plan.action) == (False, "nothing")
    assert not [path for path in posts(world)[before:] if "validate-yaml" not in path]
    assert world.state(direct=direct) == "published"


def link_records(world: World) -> dict[str, str]:
    """Write a section that links to a run in each of the two forms, and to a speed; what each is sent as."""
    run = run_of(world.card, **SCORES)
    write_json(world.card / "runs" / run.id / "record.json", replace(run, sha256=seal(run)))
    (world.card / "runs" / f"{run.id}.json").unlink()
    speed = kept(world.card / "speeds", model_name="tiny").id
    card = world.card / "README.md"
    card.write_text(expected_card(card, world.card.parents[1] / "runs").text, "utf-8")
    return {"run": f"runs/{run.id}/record.json", "speed": f"speeds/{speed}.json"}


@MODES
def test_records_that_a_card_links_to_are_sent_once_and_again_when_they_changed(world, direct):
    names = link_records(world)
    world.repository.commit({"runs/events/a.bin": b"x", "speeds/other.json": b"{}", "deep/er/b.bin": b"x"})
    done, ref = world.publish(direct=direct), "main" if direct else "refs/pr/1"
    assert done.done
    assert done.plan.changed == ("README.md", *names.values(), RESULTS_FILE)
    before = world.repository.head(ref)
    again = world.publish(direct=direct)
    assert (again.done, again.plan.action, again.plan.changed) == (False, "nothing", ())
    assert world.repository.head(ref) == before
    assert len(world.hub.asked(COMMIT)) == 1
    # somebody else changes a record, or takes it away
    for content in (b"{}", None):
        world.repository.commit({names["run"]: content}, ref=ref, message="somebody else")
        mended = world.publish(direct=direct)
        assert (mended.done, mended.plan.changed) == (True, (names["run"],))
        assert world.publish(direct=direct).plan.action == "nothing"
    assert json.loads(world.repository.read(names["run"], ref))["id"] == "tiny-1"
    if not direct:
        world.repository.git("update-ref", "refs/heads/main", ref)
        world.repository.pulls[0].status = "merged"
        assert world.publish().plan.action == "nothing"


def test_a_plan_sends_nothing_and_shows_what_would_change(world):
    plan = world.plan()
    assert (plan.action, plan.changed) == ("open", ("README.md", RESULTS_FILE))
    changes = [line for line in plan.diff.splitlines() if line.startswith(("+", "-"))][2:]
    assert changes == ["-Sentence 3 of the text.", "+A sentence that was edited here."]
    assert posts(world) == ["/api/validate-yaml"]
    assert world.state(direct=False) == "untouched"


def test_an_own_pull_request_is_updated_in_place(world):
    world.publish()
    world.edit("Sentence 7 of", "Sentence seven of")
    done = world.publish()
    assert (done.plan.action, done.done) == ("update", True)
    assert done.url == f"{world.hub.url}/{REPO}/discussions/1"
    assert len(world.repository.pulls) == 1
    assert len(world.repository.log("refs/pr/1")) == 3
    assert world.repository.read("README.md", "refs/pr/1") == (world.card / "README.md").read_bytes()
    assert world.publish().plan.action == "nothing"


def test_what_others_commit_to_the_pull_request_is_kept_or_refused(world):
    world.publish()
    world.edit_remote("Sentence 20 of", "Sentence twenty of", "refs/pr/1")
    done = world.publish()
    assert (done.plan.action, done.plan.changed) == ("update", (RESULTS_FILE,))  # which name the card by its checksum
    assert world.publish().plan.action == "nothing"
    world.edit("Sentence 7 of", "Sentence seven of")
    assert world.publish().plan.action == "update"
    text = world.repository.read("README.md", "refs/pr/1").decode()
    assert "Sentence twenty of" in text
    assert "Sentence seven of" in text
    world.edit_remote("Sentence 9 of", "Sentence nine, they say, of", "refs/pr/1")
    world.edit("Sentence 9 of", "Sentence IX of")
    with pytest.raises(HubError, match=r"they say, of the text\.\\n' on the Hub, and 'Sentence IX"):
        world.publish()
    assert len(world.repository.log("refs/pr/1")) == 6


@pytest.mark.parametrize("filters", [True, False])
def test_pull_requests_of_others_closed_ones_and_namesakes_are_left_alone(world, filters):
    world.hub.filters = filters
    world.hub.accounts["other"] = Account("other")
    api = huggingface_hub.HfApi(endpoint=world.hub.url)
    for token, title in (("other", f"{MARK}card"), (TOKEN, "My own change"), (TOKEN, f"{MARK}card")):
        operation = huggingface_hub.CommitOperationAdd("notes.md", b"x")
        api.create_commit(REPO, [operation], commit_message=title, create_pr=True, token=token)
    world.repository.pulls[2].status = "closed"
    pull = replace(world.repository.pulls[1], number=4, title=f"{MARK}card")
    world.repository.pulls.append(pull)  # renamed so, but no commit in it is ours
    world.repository.commit({"notes.md": b"y"}, ref="refs/pr/4", parent=world.repository.head())
    assert world.publish().plan.action == "open"
    assert len(world.repository.pulls) == 5
    for number in (1, 2, 3, 4):
        assert "edited here" not in world.repository.read("README.md", f"refs/pr/{number}").decode()
    assert world.publish().plan.action == "nothing"
    assert len(world.hub.asked(r"GET .*/discussions\?.*p=1")) > 0  # the list has pages


def test_the_history_of_the_branch_is_no_part_of_a_pull_request(world):
    world.publish(direct=True)  # an own commit, and others after it whose changes were changed again
    for old, new in (("Sentence 9 of", "Sentence nine of"), ("Sentence nine of", "Sentence IX of")):
        world.edit_remote(old, new)
    world.fetch(force=True)
    for old, new in (("Sentence 20 of", "Sentence twenty of"), ("Sentence 25 of", "Sentence 5 times 5 of")):
        world.edit(old, new)
        assert world.publish().done
    assert len(world.repository.pulls) == 1
    assert world.repository.read("README.md", "refs/pr/1") == (world.card / "README.md").read_bytes()
    assert b"Sentence IX of" in world.repository.read("README.md", "refs/pr/1")
    assert world.publish().plan.action == "nothing"


def test_what_was_published_is_not_taken_for_somebody_elses_change(world):
    world.publish(direct=True)
    world.edit("A sentence that was edited here.", "A sentence that was edited again.")
    assert world.publish().done  # a pull request; the branch stays as it was
    world.edit("edited again.", "edited for good.")
    assert world.publish(direct=True).done
    assert world.repository.read("README.md") == (world.card / "README.md").read_bytes()
    world.edit("for good.", "once more.")
    assert world.publish(direct=True).done
    fetched = json.loads((world.card / "fetched.json").read_text())
    assert fetched["commit"] == world.repository.head()
    assert fetched["card_sha256"] == hashlib.sha256((world.card / "README.md").read_bytes()).hexdigest()


def test_the_commit_that_was_fetched_stays_where_the_card_is_not_of_the_new_one(world):

    def kept() -> tuple[str, str]:
        fetched = json.loads((world.card / "fetched.json").read_text())
        return fetched["commit"], fetched["card_sha256"]

    first = kept()
    world.publish()  # a pull request may be closed
    world.repository.commit({"dev.txt": b"x"}, ref="refs/heads/dev", parent=world.repository.head())
    world.publish(branch="dev", direct=True)  # another branch than was fetched
    world.edit_remote("Sentence 20 of", "Sentence twenty of")
    world.publish(direct=True)  # with others' changes, which are not here
    assert kept() == first
    world.edit("Sentence 20 of", "Sentence twenty of")
    world.publish(direct=True)
    assert kept() != first


@pytest.mark.parametrize("how", ["forward", "squash", "squash and more"])
def test_a_line_that_was_merged_is_edited_again(world, how):
    world.publish()
    if how == "forward":
        world.repository.git("update-ref", "refs/heads/main", "refs/pr/1")
    else:
        files = world.repository.files("refs/pr/1")
        world.repository.commit(files, message=f"{world.repository.pulls[0].title} (#1)", author="owner")
    world.repository.pulls[0].status = "merged"
    if how == "squash and more":
        world.edit_remote("Sentence 20 of", "Sentence twenty of")
    world.edit("A sentence that was edited here.", "A sentence that was edited again.")
    done = world.publish()
    assert (done.plan.action, done.done) == ("open", True)
    text = world.repository.read("README.md", "refs/pr/2").decode()
    assert text == world.repository.read("README.md").decode().replace("edited here.", "edited again.")
    assert ("twenty" in text) == (how == "squash and more")


@pytest.mark.parametrize("status", ["open", "closed"])
def test_what_was_sent_and_not_merged_is_sent_again(world, status):
    world.publish()
    world.repository.pulls[0].status = status
    world.edit("Sentence 7 of", "Sentence seven of")
    world.publish(direct=True)
    assert world.repository.read("README.md") == (world.card / "README.md").read_bytes()


def test_what_others_changed_in_what_was_sent_is_no_change_of_ones_own(world):
    world.edit_remote("Sentence 20 of", "Sentence twenty of")
    world.publish()
    world.repository.git("update-ref", "refs/heads/main", "refs/pr/1")
    world.repository.pulls[0].status = "merged"
    world.edit("Sentence 7 of", "Sentence seven of")
    world.publish(direct=True)
    text = world.repository.read("README.md").decode()
    assert "Sentence twenty of" in text
    assert "Sentence seven of" in text


def test_a_card_is_written_from_a_run_again_and_again(world):
    folder = world.card.parents[1]
    (world.card / "runs" / "tiny-1.json").unlink()
    runs = [run_of(world.card, **SCORES), replace(run_of(world.card, **SCORES), id="tiny-2")]
    for run in runs:
        write_json(folder / f"{run.id}.json", replace(run, sha256=seal(run)))
        assert world.publish(run=folder / f"{run.id}.json", direct=True).done
    assert b"tiny-2" in world.repository.read("README.md")
    assert b"tiny-1" not in world.repository.read("README.md")
    assert len(world.repository.log()) == 3
    world.keep(runs[1])
    world.edit("Sentence 7 of", "Sentence seven of")
    world.publish(direct=True)  # as it is here, where no run was written into it
    text = world.repository.read("README.md").decode()
    assert "tiny-2" in text
    assert "Sentence seven of" in text


def test_a_commit_to_the_branch_names_the_pull_requests_that_stay_open(world):
    world.publish()
    world.hub.faults = [Fault(r"GET .*/discussions", count=1, cut="before")]
    done = world.publish(direct=True)
    url = f"{world.hub.url}/{REPO}/discussions/1"
    assert done.done
    assert f"your pull request 1 is open, and is left as it is: {url}" in done.plan.warnings
    world.hub.faults = [Fault(r"GET .*/discussions", count=99, status=403)]
    assert not world.plan(direct=True).warnings


def test_a_marked_title_of_somebody_else_is_their_change(world):
    world.publish()
    text = world.repository.read("README.md", "refs/pr/1").decode()
    theirs = {"README.md": text.replace("Sentence 20 of", "Sentence twenty of").encode()}
    world.repository.commit(theirs, ref="refs/pr/1", message=f"{MARK}card", author="other")
    world.edit("Sentence 7 of", "Sentence seven of")
    assert world.publish().plan.action == "update"
    text = world.repository.read("README.md", "refs/pr/1").decode()
    assert "Sentence twenty of" in text
    assert "Sentence seven of" in text


def test_a_pull_request_in_which_only_others_committed_is_not_ours(world):
    world.publish()
    world.repository.authors[world.repository.head("refs/pr/1")] = "other"
    assert world.plan().action == "open"


def test_of_two_own_pull_requests_the_older_is_used_and_the_other_named(world):
    world.publish()
    world.repository.pulls.append(replace(world.repository.pulls[0], number=2))  # as two calls at one moment would
    world.repository.commit({}, ref="refs/pr/2", parent=world.repository.head("refs/pr/1"))
    world.edit("Sentence 7 of", "Sentence seven of")
    done = world.publish()
    assert done.url == f"{world.hub.url}/{REPO}/discussions/1"
    assert "of several pull requests the oldest is used; close the others: 2" in done.plan.warnings
    assert len(world.repository.pulls) == 2


def test_a_merged_pull_request_leaves_nothing_to_publish(world):
    world.publish()
    world.repository.git("update-ref", "refs/heads/main", "refs/pr/1")
    world.repository.pulls[0].status = "merged"
    assert world.publish().plan.action == "nothing"


@MODES
def test_a_change_of_other_lines_on_the_hub_is_kept(world, direct):
    world.edit_remote("Sentence 20 of", "Sentence twenty of")
    world.publish(direct=direct)
    text = world.repository.read("README.md", "main" if direct else "refs/pr/1").decode()
    assert text == EDITED.replace("Sentence 20 of", "Sentence twenty of")
    assert world.publish(direct=direct).plan.action == "nothing"


@MODES
def test_a_change_of_the_same_line_on_the_hub_is_refused(world, direct):
    world.edit_remote("Sentence 3 of", "Sentence three of")
    with pytest.raises(HubError, match="the same lines were changed there") as caught:
        world.publish(direct=direct)
    assert "'Sentence three of the text.\\n' on the Hub, and 'A sentence that was edited here.\\n' here" in str(
        caught.value
    )
    assert not world.repository.pulls
    assert len(world.repository.log()) == 2
    assert not [path for path in posts(world) if "validate" not in path]


def move(world: World, edits: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Let somebody commit to the branch whenever a commit is about to be made; returns what is still to come."""
    real = world.repository.commit
    pending = list(edits)

    def head(ref="main", real_head=world.repository.head):
        asked = world.hub.requests[-1] if world.hub.requests else None
        if pending and asked is not None and asked.method == "POST" and "/commit/" in asked.path and ref == "main":
            old, new = pending.pop(0)
            text = world.repository.git("cat-file", "blob", "refs/heads/main:README.md").decode()
            assert old in text
            real({"README.md": text.replace(old, new).encode()}, parent=real_head("main"))
        return real_head(ref)

    world.repository.head = head  # type: ignore[method-assign]
    return pending


def test_a_branch_that_moves_is_read_anew_and_tried_again(world):
    move(world, [("Sentence 20 of", "Sentence twenty of"), ("Sentence 25 of", "Sentence 5 times 5 of")])
    world.publish(direct=True)
    assert len(world.repository.log()) == 4
    text = world.repository.read("README.md").decode()
    assert text == EDITED.replace("20 of", "twenty of").replace("25 of", "5 times 5 of")


def test_a_branch_that_moves_in_the_same_lines_stops_it(world):
    move(world, [("Sentence 3 of", "Sentence three of")])
    with pytest.raises(HubError, match="same lines"):
        world.publish(direct=True)
    assert len(world.repository.log()) == 2
    assert RESULTS_FILE not in world.repository.files()


def test_a_branch_that_never_rests_is_given_up(world):
    pending = move(world, [(f"Sentence {n} of", f"Sentence no. {n} of") for n in range(15, 25)])
    with pytest.raises(HubError, match="the branch moved meanwhile; nothing was changed"):
        world.publish(direct=True)
    assert len(pending) == 5
    pending.clear()
    assert RESULTS_FILE not in world.repository.files()
    assert len(world.repository.log()) == 6


def test_text_that_others_merged_in_is_checked_again(world):
    world.edit_remote("value: 80.0", "value: 91.0")
    done = world.publish()
    assert done.plan.package.refused
    assert "f1[all@front_matter]: reported 91.0, reproduced 80.0000: differs" in done.plan.package.refused[0]
    assert not done.done
    assert not world.repository.pulls


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("figure", "differs"),
        ("no run", "no evidence"),
        ("no seal", "no checksum in its record"),
        ("recipe", "stale evidence"),
    ],
)
def test_a_card_that_is_not_shown_is_refused_unless_a_reason_is_given(world, change, told):
    record = world.card / "runs" / "tiny-1.json"
    if change == "figure":
        record.unlink()
        world.keep(run_of(world.card, **{**SCORES, "f1": 71.0}))
    if change == "no run":
        record.unlink()
    if change == "no seal":
        write_json(record, run_of(world.card, **SCORES))
    if change == "recipe":
        world.edit("train[:10]", "train[:20]")
    done = world.publish()
    assert told in "\n".join(done.plan.package.refused)
    assert not done.done
    assert not [path for path in posts(world) if "validate" not in path]
    assert world.state(direct=False) == "untouched"
    reason = "measured again `next` week"
    assert world.publish(reason=reason).done
    description = world.repository.log("refs/pr/1")[0][2]
    assert f"Published although not every claim is shown: {reason}" in description
    assert told in description
    assert str(world.card) not in description
    assert (RESULTS_FILE in world.repository.files("refs/pr/1")) == (change == "figure")


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "\x1b[31m", "x" * 501])
def test_a_reason_is_one_line(world, reason):
    with pytest.raises(ValueError, match="one printable line"):
        world.request(reason=reason)


def test_a_reason_that_nothing_needs_is_not_written_down(world):
    plan = world.plan(reason="just in case")
    assert "just in case" not in plan.package.description
    assert any("was not needed" in warning for warning in plan.warnings)


def test_known_deviations_are_respected(world):
    (world.card / "runs" / "tiny-1.json").unlink()
    world.keep(run_of(world.card, **{**SCORES, "f1": 71.0}))
    assume(world.card, deviation("pocket/validation::f1[all@front_matter]", "2999-01-01"))
    assert not world.plan().package.refused


def test_a_card_without_claims_needs_no_evidence(world):
    world.repository.commit({"README.md": b"---\nlicense: mit\n---\n\n# tiny\n"})
    (world.card / "README.md").write_text("---\nlicense: mit\n---\n\n# tiny\n\nMore.\n")
    (world.card / "fetched.json").unlink()
    assert world.publish().done
    assert world.repository.files("refs/pr/1").keys() == {"README.md", "config.json"}


def test_the_card_is_written_from_a_run(world):
    (world.card / "runs" / "tiny-1.json").unlink()
    run = run_of(world.card, **SCORES)
    write_json(world.card.parents[1] / "kept.json", replace(run, sha256=seal(run)))
    before = (world.card / "README.md").read_bytes()
    done = world.publish(run=world.card.parents[1] / "kept.json")
    assert done.done
    text = world.repository.read("README.md", "refs/pr/1").decode()
    assert "harness:evidence" in text
    assert evidence_sha256(run) in text
    assert "A sentence that was edited here." in text
    assert (world.card / "README.md").read_bytes() == before
    assert world.publish(run=world.card.parents[1] / "kept.json").plan.action == "nothing"


def test_a_card_that_was_not_fetched_replaces_the_one_on_the_hub(world):
    (world.card / "fetched.json").unlink()
    world.edit_remote("Sentence 20 of", "Sentence twenty of")
    plan = world.plan()
    assert "-Sentence twenty of the text." in plan.diff
    world.publish()
    assert world.repository.read("README.md", "refs/pr/1") == EDITED.encode()


def test_a_repository_without_a_card_gets_one(world):
    world.repository.commit({"README.md": None})
    (world.card / "fetched.json").unlink()
    world.publish()
    assert world.repository.read("README.md", "refs/pr/1") == EDITED.encode()


def test_line_ends_and_every_other_byte_are_kept(world):
    text = "\ufeff" + ON_HUB.replace("\n", "\r\n").removesuffix("\r\n")
    world.repository.commit({"README.md": text.encode()})
    (world.card / "fetched.json").unlink()
    edited = text.replace("Sentence 3 of", "Sentence three of")
    (world.card / "README.md").write_bytes(edited.encode())
    world.keep(run_of(world.card, **SCORES))
    world.publish()
    assert world.repository.read("README.md", "refs/pr/1") == edited.encode()


def test_another_branch_gets_its_own(world):
    world.repository.commit({"dev.txt": b"x"}, ref="refs/heads/dev", parent=world.repository.head())
    world.publish()
    done = world.publish(branch="dev")
    assert (done.plan.action, [pull.base for pull in world.repository.pulls]) == ("open", ["main", "dev"])
    assert world.publish(branch="dev").plan.action == world.publish().plan.action == "nothing"
    world.publish(branch="dev", direct=True)
    assert world.repository.read("README.md", "dev") == EDITED.encode()
    with pytest.raises(HubError, match="no such revision"):
        world.publish(branch="nowhere")


# what the Hub and the network do


COMMIT = r"POST .*/commit/"
FAULTS = {
    "401": Fault(COMMIT, status=401),
    "403": Fault(COMMIT, status=403, body=b"you must use a write token"),
    "404": Fault(COMMIT, status=404, headers={"X-Error-Code": "RepoNotFound"}),
    "409": Fault(COMMIT, status=409),
    "412": Fault(COMMIT, status=412),
    "429": Fault(COMMIT, status=429, headers={"Retry-After": "7"}),
    "500": Fault(COMMIT, status=500),
    "503": Fault(COMMIT, status=503, headers={"Retry-After": "3"}),
    "500 after": Fault(COMMIT, status=500, after=True),
    "504 after": Fault(COMMIT, status=504, after=True),
    "cut before": Fault(COMMIT, cut="before"),
    "cut after": Fault(COMMIT, cut="after"),
    "cut within": Fault(COMMIT, cut="within"),
}
FINAL = ("401", "403", "404")
CARRIED_OUT = ("500 after", "504 after", "cut after", "cut within")


@MODES
@pytest.mark.parametrize(
    ("name", "count"), [*((name, 1) for name in FAULTS), *((name, 99) for name in ("412", "429", "500", "cut before"))]
)
def test_a_fault_leaves_nothing_or_all_of_it(world, name, direct, count):
    world.hub.faults = [replace(FAULTS[name], count=count)]
    failed = None
    try:
        done = world.publish(direct=direct)
        assert done.done
    except HubError as error:
        failed = error
    state = world.state(direct=direct)
    lasting = count > 1 and name not in CARRIED_OUT
    assert (failed is not None) == (name in FINAL or lasting)
    assert state == ("untouched" if failed else "published")
    if failed is not None:
        assert TOKEN not in str(failed)
        assert failed.__cause__ is failed.__context__ is None
        assert ("nothing was changed" in str(failed)) or ("Nobody knows" in str(failed))
    assert len(world.hub.asked(COMMIT)) <= 5
    world.hub.faults.clear()
    again = world.publish(direct=direct)
    assert (again.plan.action == "nothing") == (state == "published")
    assert world.state(direct=direct) == "published"


def test_the_hub_is_waited_for_as_long_as_it_asks(world):
    world.hub.faults = [replace(FAULTS["429"], count=2), replace(FAULTS["503"])]
    world.publish()
    assert [seconds for seconds in world.waited if seconds in (7.0, 3.0)] == [7.0, 7.0, 3.0]
    world.hub.faults = [Fault(r"GET .*/tree/", status=429, headers={"Retry-After": "86400"})]
    with pytest.raises(HubError, match="to wait 86400 seconds; try again then"):
        world.publish()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("step", ["whoami", "revision", "preupload", "/commit/"])
def test_nobody_waits_for_an_hour(world, monkeypatch, step, status):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)  # in which huggingface_hub waits by itself
    world.hub.faults = [Fault(step, count=99, status=status, headers={"Retry-After": "3600"})]
    with pytest.raises(HubError, match=r"to wait 3600 seconds; try again then"):
        world.publish()
    assert sum(slept) + sum(world.waited) <= 30
    assert world.state(direct=False) == "untouched"


@MODES
def test_an_answer_that_comes_too_late_is_no_second_commit(world, direct):
    world.hub.faults = [Fault(COMMIT, delay=0.5)]
    failed = None
    try:
        world.publish(direct=direct, timeout=0.2)
    except HubError as error:
        failed = str(error)
    for _ in range(200):
        if world.hub.late:
            break
        world.hub.closing.wait(0.01)
    assert world.state(direct=direct) == "published"
    if not direct:  # nothing would stop a second one
        assert failed is not None
        assert "does not answer in time" in failed
        assert "run the same command again later" in failed
        assert len(world.hub.asked(COMMIT)) == 1
    assert world.publish(direct=direct).plan.action == "nothing"
    assert world.state(direct=direct) == "published"


def test_a_gateway_that_gave_up_may_be_ahead_of_the_hub(world):
    world.hub.faults = [Fault(COMMIT, status=504)]
    with pytest.raises(HubError, match=r"answers 504, and the pull request is not there yet\. Nobody knows"):
        world.publish()
    assert len(world.hub.asked(COMMIT)) == 1
    world.hub.faults = [Fault(COMMIT, status=504)]
    assert world.publish(direct=True).done  # of two commits on one parent only one is made


STEPS = {
    "who": "GET .*/whoami",
    "head": "GET .*/revision/",
    "tree": "GET .*/tree/",
    "card": "GET .*/resolve/",
    "pulls": r"GET .*/discussions\?",
    "validation": "POST .*/validate-yaml",
    "sizes": "POST .*/preupload/",
}


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *((step, {"status": 500}) for step in STEPS),
        *((step, {"cut": "before"}) for step in STEPS),
        ("card", {"cut": "within"}),
        ("tree", {"cut": "within"}),
        ("head", {"status": 429}),
    ],
)
def test_a_fault_before_the_commit_is_overcome(world, step, fault, hasty):
    world.hub.faults = [Fault(STEPS[step], **fault)]
    assert world.publish().done
    assert world.state(direct=False) == "published"


@pytest.mark.parametrize(("step", "status"), [*((step, 500) for step in STEPS), ("tree", 403), ("sizes", 403)])
def test_a_fault_before_the_commit_that_lasts_changes_nothing(world, step, status, hasty):
    world.hub.faults = [Fault(STEPS[step], count=999, status=status)]
    with pytest.raises(HubError, match=REPO) as caught:
        world.publish()
    assert "Nobody knows" not in str(caught.value)
    assert sum(world.waited) <= 15  # nobody looks for a commit that was not asked for
    assert world.state(direct=False) == "untouched"
    assert not world.hub.asked(COMMIT)


def test_nobody_answers(world):
    world.hub.url = "http://127.0.0.1:9"
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        world.publish()


def test_files_that_the_repository_ignores_are_not_left_out(world):
    world.hub.ignored = {RESULTS_FILE}
    with pytest.raises(HubError, match=f"its .gitignore leaves out {RESULTS_FILE}"):
        world.publish()
    assert world.state(direct=False) == "untouched"


# tokens


@MODES
def test_a_read_only_token_is_refused_before_anything_is_sent(world, direct, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", READER)
    with pytest.raises(HubError, match="the token of me may only read"):
        world.publish(direct=direct)
    assert posts(world) == []


@pytest.mark.parametrize(
    ("permissions", "scope", "pull", "commit"),
    [
        (("repo.write",), REPO, True, True),
        (("repo.write",), "someone", True, True),
        (("repo.write",), "someone/other", False, False),
        (("discussion.write",), "", True, False),
        (("discussion.write",), REPO, True, False),
        (("repo.content.read",), REPO, False, False),
        ((), "", False, False),
    ],
)
def test_fine_grained_tokens_may_what_they_say(world, permissions, scope, pull, commit):
    world.hub.accounts[TOKEN] = Account("me", "fineGrained", permissions, scope)
    for direct, may in ((False, pull), (True, commit)):
        if may:
            assert check_account(world.client(), direct=direct) == "me"
        else:
            with pytest.raises(HubError, match="fine-grained token of me may not"):
                check_account(world.client(), direct=direct)


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"name": 3}', b"no JSON"])
def test_an_answer_of_another_form_is_an_error(world, answer):
    world.hub.faults = [Fault("whoami", count=9, status=200, body=answer)]
    with pytest.raises(HubError, match=r"does not say who|something else than expected"):
        world.publish()


@pytest.mark.parametrize(
    "answer",
    [
        *(b"[]", b"{}", b'{"discussions": [3], "count": 1}', b'{"discussions": [], "count": "x"}'),
        b'{"discussions": [{}], "count": 1000000000}',  # and so on for ever
    ],
)
def test_a_list_of_pull_requests_of_another_form_is_an_error(world, answer):
    world.hub.faults = [Fault(STEPS["pulls"], count=999, status=200, body=answer)]
    with pytest.raises(HubError, match=r"something else than|more than 100 pages of pull requests"):
        world.publish()
    assert not world.hub.asked(COMMIT)


@pytest.mark.parametrize(
    "change",
    [
        *({"num": None}, {"num": "x"}, {"num": -1}, {"num": 0}, {"num": [1]}, {"title": 3}, {"title": None}),
        *({"author": None}, {"author": "me"}, {"author": {"name": ["me"]}}, {"status": {}}, {"isPullRequest": "yes"}),
    ],
)
def test_a_pull_request_of_another_form_is_none_of_ours(world, change):
    facts = {"num": 1, "title": MARK, "status": "open", "author": {"name": "me"}, "isPullRequest": True, **change}
    body = json.dumps({"discussions": [facts], "count": 1}).encode()
    world.hub.faults = [Fault(STEPS["pulls"], count=99, status=200, body=body)]
    assert world.plan().action == "open"


def test_a_token_that_expired_is_refused_before_anything_is_sent(world):
    world.hub.accounts[TOKEN] = Account("me", expired=True)
    with pytest.raises(
        HubError, match="the Hub does not accept the token, which may be expired; hf auth login"
    ) as caught:
        world.publish()
    assert TOKEN not in str(caught.value)
    assert posts(world) == []


def test_a_token_in_the_card_is_not_published(world):
    world.edit("Sentence 5 of", f"{TOKEN} of")
    with pytest.raises(CardError, match="found the token of your login") as caught:
        world.publish()
    assert TOKEN not in str(caught.value)
    assert world.state(direct=False) == "untouched"


@pytest.mark.parametrize("secret", [READER, "hf_" + "a1" * 10])
def test_what_looks_like_a_token_is_not_published(world, secret):
    world.edit("Sentence 5 of", f"token={secret} of")
    with pytest.raises(CardError, match=r"form of a token of the Hub in line \d+ of README\.md") as caught:
        world.publish()
    assert secret not in str(caught.value)
    number = next(n for n, line in enumerate((world.card / "README.md").read_text().split("\n"), 1) if secret in line)
    assert f"line {number} of" in str(caught.value)
    assert world.state(direct=False) == "untouched"
    world.edit(f"token={secret} of", "hf_short, xhf_aaaaaaaaaaaaaaaaaaaaaaaaa and hf_is_no_token_at_all_of_any_kind")
    with pytest.raises(CardError, match="the commit message"):
        (world.card / "runs" / "tiny-1.json").unlink()
        world.publish(reason=f"as {secret} says")
    assert world.publish(reason="r").done


def test_a_token_in_lines_that_are_shown_is_taken_out(world):
    world.edit_remote("Sentence 20 of", f"{TOKEN} of")
    world.edit("Sentence 20 of", "Sentence twenty of")
    with pytest.raises(HubError, match=r"found '\*\*\* of the text") as caught:
        world.publish()
    assert TOKEN not in str(caught.value)
    (world.card / "fetched.json").unlink()
    assert "-*** of the text." in world.plan().diff


@pytest.mark.parametrize("status", [302, 307])
def test_the_token_does_not_follow_to_another_host(world, tmp_path, status):
    with serve_git_hub(tmp_path / "elsewhere") as other:
        for step in (*STEPS.values(), COMMIT):
            world.hub.faults = [Fault(step, count=9, status=status, headers={"Location": f"{other.url}/x"})]
            with suppress(HubError):
                world.publish(direct=step != STEPS["pulls"])
        assert len(other.requests) >= len(STEPS)
        assert not [asked for asked in other.requests if asked.authorized]


@pytest.mark.parametrize("address", ["https://me:PassWord@hub.example", "me:PassWord@hub.example"])
def test_an_address_with_a_password_is_refused(address):
    with pytest.raises(HubAddressError, match="user name or password in the address") as caught:
        open_client(REPO, endpoint=address)
    assert "PassWord" not in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "", "ftp://hub.example", "http://", "http://[x", "https://hub:port"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(HubAddressError, match=r"as address of the Hub, expected .* http:// or https://; correct HF_E"):
        open_client(REPO, endpoint=address)


def test_there_is_no_such_model(world, monkeypatch):
    del world.hub.repositories[REPO]
    with pytest.raises(HubError, match=f"no such model, or not to this login; create it first: hf repos create {REPO}"):
        world.publish()
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN_PATH", "nowhere")
    with pytest.raises(HubError, match=r"shows it only after: hf auth login$"):
        world.plan()


@pytest.mark.parametrize("step", [*STEPS, "commit"])
def test_an_answer_without_end_is_not_read(world, step, monkeypatch):
    monkeypatch.setattr("harness.hub.client.LARGEST_ANSWER", 100_000)
    body = b'["' + b"x" * 200_000 + b'"]'
    world.hub.faults = [Fault({**STEPS, "commit": COMMIT}[step], count=1, status=200, body=body)]
    if step in ("validation", "sizes", "commit"):  # is asked otherwise, looked for, or tried again
        assert world.publish().done
    else:
        with pytest.raises(HubError, match=r"the Hub answered with more than 100,000 bytes"):
            world.publish()
        assert world.state(direct=False) == "untouched"


@pytest.mark.parametrize("step", ["who", "tree", "card"])
def test_an_answer_that_drips_is_not_waited_for(world, step):
    world.hub.faults = [Fault(STEPS[step], count=99, status=200, body=b"x" * 99, drip=0.02)]
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:\d+ answers too slowly"):
        world.publish(timeout=0.05)


def test_what_the_hub_says_is_shown_without_secrets_and_escapes(world):
    said = f"denied to {TOKEN} at https://me:PassWord@x \x1b[31m hf_AnotherSecret Bearer abc".encode()
    world.hub.faults = [Fault(COMMIT, status=403, body=said)]
    with pytest.raises(HubError, match=r"denied to \*\*\* at https://\*\*\*@x \\x1b\[31m \*\*\* \*\*\*") as caught:
        world.publish()
    assert "Secret" not in str(caught.value)


def test_a_token_of_any_form_is_not_shown(world, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "PlainSecret")
    world.hub.accounts["PlainSecret"] = Account("me")
    world.hub.faults = [Fault(COMMIT, status=403, body=b"denied to PlainSecret")]
    with pytest.raises(HubError, match=r"denied to \*\*\*\)"):
        world.publish()


# validation and marks


def test_the_hubs_word_on_the_front_matter_counts(world):
    world.hub.warnings = ["empty or missing yaml metadata"]
    assert any("empty or missing yaml" in warning for warning in world.plan().warnings)
    assert world.publish().done
    world.hub.errors = ['"license" must be one of [mit]']
    world.edit("Sentence 9 of", "Sentence nine of")
    with pytest.raises(CardError, match='the Hub refuses its front matter: "license" must be one of'):
        world.publish()
    assert len(world.repository.log("refs/pr/1")) == 2


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 503}, {"cut": "before"}, {"status": 200, "body": b"x"}])
def test_without_the_hubs_word_ours_counts(world, fault):
    world.hub.faults = [Fault("validate-yaml", count=99, **fault)]
    assert any("the Hub did not check" in warning for warning in world.plan().warnings)
    world.edit("license: mit", "license: {a: b}")
    with pytest.raises(CardError, match=r"README\.md:2: license: found a mapping, expected a list of texts"):
        world.plan()


TOKENED = ON_HUB.replace("{type: f1, value: 80.0}", "{type: f1, value: 80.0, verified: true, verifyToken: abc.def}")


@pytest.mark.parametrize(
    ("remote", "old", "new", "refused"),
    [
        (TOKENED, "Sentence 9 of", "Sentence nine of", False),
        (TOKENED, "value: 80.0", "value: 80.00", False),  # the same number
        (TOKENED, "value: 80.0", "value: 80.01", True),
        (TOKENED, "name: pocket,", "name: other,", True),
        (TOKENED, "abc.def", "abc.dez", True),
        (TOKENED, ", verified: true, verifyToken: abc.def", "", False),
        (TOKENED, "exact_match, value: 75.0}", "exact_match, value: 75.0, verified: true}", True),
        (ON_HUB, "f1, value: 80.0}", "f1, value: 80.0, verifyToken: abc}", True),
        (ON_HUB, "f1, value: 80.0}", "f1, value: 80.0, VERIFIED: yes}", True),
        (ON_HUB, "f1, value: 80.0}", "f1, value: 80.0, verified: false}", False),
    ],
)
def test_marks_are_kept_on_their_own_values_only(world, remote, old, new, refused):
    world.repository.commit({"README.md": remote.encode()})
    (world.card / "fetched.json").unlink()
    assert old in remote
    (world.card / "README.md").write_text(remote.replace(old, new))
    world.keep(run_of(world.card, **SCORES))
    if refused:
        with pytest.raises(CardError, match=r"README\.md:\d+: found a verification mark or token"):
            world.publish(reason="r")
        assert not world.repository.pulls
    else:
        assert world.publish(reason="r").done


# the command


def start(world: World, **environment: str) -> AbstractContextManager[Driver]:
    return drive(world.card.parents[1], HF_ENDPOINT=world.hub.url, HF_TOKEN=TOKEN, **environment)


def test_the_command_shows_then_does_and_then_has_nothing_to_do(world):
    words = ("publish", world.card, "--repo-id", REPO)
    with start(world) as command, start(world, HF_DEBUG="1", HF_HUB_VERBOSITY="debug") as talking:
        shown = command(*words)
        assert (shown.code, shown.err) == (0, "nothing was sent; --yes does it\n")
        assert "+A sentence that was edited here.\n" in shown.out
        assert f"{RESULTS_FILE}: " in shown.out
        assert "would open a pull request on someone/tiny at " in shown.out
        assert world.state(direct=False) == "untouched"
        done = talking(*words, "--yes")
        assert done.code == 0, done.err
        assert "\nopening a pull request on someone/tiny at " in done.out
        assert done.out.endswith(f"\nopened the pull request {world.hub.url}/{REPO}/discussions/1\n")
        assert "would" not in done.out + done.err
        assert "authorization" in done.err.lower()  # all requests are told, without tokens
        assert world.state(direct=False) == "published"
        again = command(*words, "--yes", "--json")
        world.edit("Sentence 7 of", "Sentence seven of")
        updated = command(*words, "--yes")
        assert f"\nupdating the pull request {world.hub.url}/{REPO}/discussions/1\n" in updated.out
        assert updated.out.endswith(f"\nupdated the pull request {world.hub.url}/{REPO}/discussions/1\n")
        direct = command(*words, "--yes", "--direct")
        assert "\ncommitting to someone/tiny at " in direct.out
        assert direct.out.endswith(f"\ncommitted {world.hub.url}/{REPO}/commit/{world.repository.head()}\n")
        assert "warning: your pull request 1 is open" in direct.err
    told = json.loads(again.out)
    assert (again.code, told["action"], told["done"]) == (0, "nothing", False)
    for result in (shown, done, again):
        assert TOKEN not in result.out + result.err
    for path in world.card.parents[1].rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes()


def test_the_command_says_what_is_wrong(world):
    words = ("publish", world.card, "--repo-id", REPO)
    with start(world) as command:
        anonymous = command(*words, "--yes", HF_TOKEN=None)
        assert (anonymous.code, posts(world)) == (3, [])
        assert "nobody is logged in; log in with: hf auth login" in anonymous.err
        reader = command(*words, HF_TOKEN=READER)
        assert reader.code == 0
        told = "--yes would be refused: someone/tiny: the token of me may only read"
        assert reader.err.startswith(told)
        assert reader.err.splitlines()[-1].startswith(f"nothing was sent; {told}")
        assert "does it" not in reader.err
        world.edit("value: 80.0", "value: 90.0")
        refused = command(*words, "--yes", "--json", HF_TOKEN=TOKEN)
    assert refused.code == 1
    assert json.loads(refused.out)["action"] == "refused"
    assert "f1[all@front_matter]: reported 90.0, reproduced 80.0000: differs" in refused.err
    assert world.state(direct=False) == "untouched"
    for result in (anonymous, reader, refused):
        assert "Traceback" not in result.err
        assert TOKEN not in result.out + result.err


def test_the_command_is_offline(world):
    with start(world, HF_HUB_OFFLINE="1") as command:
        result = command("publish", world.card, "--repo-id", REPO)
        fetched = command("fetch", REPO)
    for done in (result, fetched):
        assert done.code == 3
        assert "HF_HUB_OFFLINE forbids to ask the Hub" in done.err
    assert fetched.err.count("\n") == 1


def test_the_command_needs_an_address(world):
    with drive(world.card.parents[1], HF_TOKEN=TOKEN) as command:
        for address in ("http://[x", "nonsense"):  # with the first not even huggingface_hub can be imported
            for words in (("fetch", REPO), ("publish", world.card, "--repo-id", REPO)):
                done = command(*words, HF_ENDPOINT=address)
                assert done.code == 2
                assert f"found {address!r} as address of the Hub, expected one that begins with http://" in done.err
                assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--repo-id", "../x"),
        ("--repo-id", "a/b/c"),
        ("--revision", "refs/pr/1"),
        ("--revision", "0" * 40),
        ("--revision", "../main"),
        ("--allow-differs", " "),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(world, words, capsys, monkeypatch):
    from harness.cli import main

    monkeypatch.chdir(world.card.parents[1])
    assert main(["publish", str(world.card), "--repo-id", REPO, *words]) == 2
    assert world.hub.requests == []


def test_no_secret_is_in_any_log(world, caplog):
    caplog.set_level(logging.DEBUG)
    world.hub.faults = [Fault(COMMIT, cut="before"), Fault(r"GET .*/tree/", status=500)]
    world.publish()
    assert caplog.records
    assert TOKEN not in caplog.text
    assert not re.search("hf_[A-Z]", caplog.text)


def test_errors_are_of_our_own(world, hasty):
    world.hub.faults = [Fault(".*", count=999, status=418)]
    with pytest.raises(HarnessError):
        world.publish()
    assert PARAGRAPH in ON_HUB
