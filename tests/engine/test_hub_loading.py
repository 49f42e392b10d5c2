"""Data sets from the Hub, over real HTTP, as `datasets` and `huggingface_hub` load them in a process of their own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import Fault, Hub, serve_hub

from harness.records import DataRef
from harness.sources import CONVERTED, locate_data

pytest.importorskip("datasets")
pytest.importorskip("huggingface_hub")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = pytest.mark.torch

_LOAD = """
import json, sys
if sys.argv[1] == "impatient":
    import time
    time.sleep = lambda seconds: None
from harness.data import load_data
from harness.errors import HarnessError
from harness.records import DataRef
for name in sys.argv[2:]:
    try:
        questions, used = load_data(DataRef.parse(name), {})
        found = {"ids": [q.id for q in questions], "source": used.source}
    except HarnessError as error:
        found = {"error": str(error), "kind": type(error).__name__}
    print("FOUND " + json.dumps(found), flush=True)
"""


def load(url: str, home: Path, *names: str, impatient: bool = False, **environment: str) -> list[dict]:
    """What `load_data` finds under each name, in one process whose Hub is at a URL and whose caches are in a folder."""
    home.mkdir(exist_ok=True)
    base = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    base |= {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_ETAG_TIMEOUT": "2",
        "HF_HUB_DOWNLOAD_TIMEOUT": "2",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # a request to another server
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", _LOAD, "impatient" if impatient else "patient", *names]
    done = subprocess.run(command, capture_output=True, text=True, env=base | environment, cwd=home, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line.removeprefix("FOUND ") for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    return [json.loads(line) for line in lines]


def rows(prefix: str, count: int = 4) -> list[dict]:
    return [
        {
            "id": f"{prefix}-{i}",
            "title": "T",
            "context": f"Ada wrote {i}. \u05de\u05d9 \U0001f600",
            "question": "Who?",
            "answers": {"text": ["Ada"], "answer_start": [0]},
        }
        for i in range(count)
    ]


def table(prefix: str, count: int = 4) -> bytes:
    import pyarrow

    content = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows(prefix, count)), content)
    return content.getvalue()


def published(prefix: str, *parts: str) -> dict[str, bytes]:
    """Files of a data set with the named configurations and splits, ``config/split``, as the Hub has them."""
    files = {f"{part}-00000-of-00001.parquet": table(f"{prefix}-{part.replace('/', '-')}") for part in parts}
    configs: dict[str, list[str]] = {}
    for part in parts:
        configs.setdefault(part.split("/")[0], []).append(part.split("/")[1])
    features = [{"name": name, "dtype": "string"} for name in ("id", "title", "context", "question")]
    answer = [{"name": "text", "dtype": "string"}, {"name": "answer_start", "dtype": "int32"}]
    card = {
        "dataset_info": [
            {
                "config_name": config,
                "features": [*features, {"name": "answers", "sequence": answer}],
                "splits": [{"name": split, "num_bytes": 1, "num_examples": 4} for split in splits],
            }
            for config, splits in configs.items()
        ],
        "configs": [
            {
                "config_name": config,
                "data_files": [{"split": split, "path": f"{config}/{split}-*"} for split in splits],
            }
            for config, splits in configs.items()
        ],
    }
    return files | {"README.md": f"---\n{json.dumps(card)}\n---\n".encode()}


def script(name: str) -> dict[str, bytes]:
    return {"README.md": b"---\n{}\n---\n", f"{name}.py": b"open('script_was_run', 'w')"}


KNOWN = {
    "rajpurkar/squad": ("plain_text/train", "plain_text/validation"),
    "rajpurkar/squad_v2": ("squad_v2/train", "squad_v2/validation"),
    "UCLNLP/adversarial_qa": ("dbert/validation", "adversarialQA/validation"),
    "google/xquad": ("xquad.de/validation", "xquad.en/validation"),
}
CONVERSIONS = {
    "ludwigschmidt/squadshifts": ("amazon/test", "new_wiki/test", "nyt/test", "reddit/test"),
    "stanfordnlp/squad_adversarial": ("AddOneSent/validation", "AddSent/validation"),
    "facebook/mlqa": ("mlqa.de.de/test", "mlqa.en.de/test"),
}
WRITTEN = {
    "squad:dev": ("rajpurkar/squad", "plain_text-validation", 4),
    "SQuAD2.0:squad_v2:train[:50%]": ("rajpurkar/squad_v2", "squad_v2-train", 2),
    "squad_v2:validation[1:3]": ("rajpurkar/squad_v2", "squad_v2-validation", 2),
    "adversarial_qa:dBERT:validation": ("UCLNLP/adversarial_qa", "dbert-validation", 4),
    "xquad:de:validation[-25%:]": ("google/xquad", "xquad.de-validation", 1),
    "squadshifts:amazon:test": ("ludwigschmidt/squadshifts", "amazon-test", 4),
    "squadshifts:new-wiki:test[:1]": ("ludwigschmidt/squadshifts", "new_wiki-test", 1),
    "squadshifts:nyt:test": ("ludwigschmidt/squadshifts", "nyt-test", 4),
    "squadshifts:reddit:test": ("ludwigschmidt/squadshifts", "reddit-test", 4),
    "squad_adversarial:AddOneSent:validation": ("stanfordnlp/squad_adversarial", "AddOneSent-validation", 4),
    "squad_adversarial:AddOneSent": ("stanfordnlp/squad_adversarial", "AddOneSent-validation", 4),
    "mlqa:de:test": ("facebook/mlqa", "mlqa.de.de-test", 4),
    "mlqa:mlqa.en.de:test[:2]": ("facebook/mlqa", "mlqa.en.de-test", 2),
    "someone/german-QA:test": ("someone/german-QA", "default-test", 4),
}
"""What cards write -> repository, what the ids there begin with, and how many there are."""


def fill(hub: Hub) -> dict[str, str]:
    """Repositories as they are on the Hub today; returns the commit that is to be used of each."""
    commits = {}
    for repo, parts in KNOWN.items():
        pinned = locate_data(DataRef(repo, "validation", parts[-1].split("/")[0])).revision
        commits[repo] = hub.commit(repo, published("pinned", *parts), sha=pinned or "")
        hub.commit(repo, published("newer", *parts))
    for repo, parts in CONVERSIONS.items():
        hub.commit(repo, script(repo.split("/")[1]))
        files = {f"{part}/0000.parquet": table(f"pinned-{part.replace('/', '-')}") for part in parts}
        commits[repo] = hub.commit(repo, files, ref=CONVERTED)
    repo = "someone/german-QA"
    commits[repo] = hub.commit(repo, {"data/test-00000-of-00001.parquet": table("pinned-default-test")})
    return commits


def test_the_sets_that_cards_name_load_at_their_revision_and_again_without_the_hub(tmp_path):
    with serve_hub() as hub:
        commits = fill(hub)
        expected = [
            {"source": f"{repo}@{commits[repo]}", "n": n, "of": f"pinned-{start}"}
            for repo, start, n in WRITTEN.values()
        ]

        def found(outcomes: list[dict]) -> list[dict]:
            assert not [outcome["error"] for outcome in outcomes if "error" in outcome]
            return [{"source": o["source"], "n": len(o["ids"]), "of": o["ids"][0].rpartition("-")[0]} for o in outcomes]

        assert found(load(hub.url, tmp_path, *WRITTEN)) == expected
        for repo in KNOWN:
            asked = hub.asked(f"{repo}/(resolve|tree|revision)/")
            assert asked
            assert all(commits[repo] in request for request in asked)
        for repo in CONVERSIONS:
            assert hub.asked(f"{repo}/revision/{CONVERTED}")
            assert not hub.asked(rf"{repo}/.*\.py")
        assert not list(tmp_path.rglob("script_was_run"))

        hub.requests.clear()
        assert found(load(hub.url, tmp_path, *WRITTEN)) == expected
        assert not hub.asked("|".join(KNOWN))  # what is pinned and here needs no question
        assert not hub.asked(r"resolve/.*\.parquet")

    assert found(load(hub.url, tmp_path, *WRITTEN, HF_HUB_OFFLINE="1")) == expected
    assert found(load(hub.url, tmp_path, *WRITTEN)) == expected  # where nobody listens


def spoil(hub: Hub) -> None:
    """Repositories of each of which one thing is wrong."""
    good = published("x", "one/test", "two/test")
    for repo in ("gated", "status", "cut", "slow", "readme", "half", "branches"):
        hub.commit(f"someone/{repo}", good)
    hub.repositories["dataset", "someone/gated"].gated = True
    hub.commit("someone/qa", script("qa"))
    hub.commit("someone/damaged", good | {"one/test-00000-of-00001.parquet": b"PAR1 nothing PAR1"})
    rotten = bytearray(table("x", 200))
    rotten[40:2000] = bytes(1960)
    hub.commit("someone/rotten", good | {"one/test-00000-of-00001.parquet": bytes(rotten)})
    hub.commit("someone/columns", {"test.jsonl": b'{"text": "c"}\n'})
    hub.commit("someone/empty", {"README.md": b"nothing here"})
    hub.commit("someone/card", good | {"README.md": b"---\nconfigs: [1, {2}\n---\n"})
    hub.commit("ludwigschmidt/squadshifts", {"amazon/test/0000.parquet": table("x")}, ref=CONVERTED)
    hub.commit("facebook/mlqa", {"mlqa.de.de/test/0000.parquet": table("x")}, ref=CONVERTED)
    hub.commit("stanfordnlp/squad_adversarial", {"AddSent/validation/0000.parquet": table("x")}, ref=CONVERTED)
    hub.commit("rajpurkar/squad_v2", published("newer", "squad_v2/validation"))
    hub.faults += [
        Fault("/someone/status", status=500),
        Fault("/someone/readme/resolve/", status=500),
        Fault("/someone/cut", cut="before"),
        Fault("/someone/slow", delay=30),
        Fault(r"/someone/half/resolve/.*\.parquet", cut="within"),
        Fault(r"/facebook/mlqa/resolve/", cut="within"),
        Fault(r"/stanfordnlp/", cut="before"),
    ]


SPOILT = {
    "someone/gated:one:test": "it is gated: accept its terms on its page and log in with: hf auth login",
    "someone/nothing:test": "the Hub has no such data set, or shows it only after: hf auth login",
    "someone/branches@v3:one:test": "it has no such revision",
    "someone/branches:one:dev": "Unknown split \"dev\". Should be one of ['test']",
    "someone/branches:three:test": "BuilderConfig 'three' not found. Available: ['one', 'two']",
    "someone/branches:test": "Config name is missing. Please pick one among the available configs: ['one', 'two']",
    "someone/empty:test": "EmptyDatasetError: The directory at hf://datasets/someone/empty",
    "someone/card:one:test": "ParserError: while parsing a flow sequence",
    "someone/damaged:one:test": "ArrowInvalid: ",
    "someone/rotten:one:test": "OSError",
    "someone/status:one:test": "answers Server error '500 Internal Server Error'",
    "someone/cut:one:test": "fails; RemoteProtocolError",
    "someone/slow:one:test": "does not answer in time",
    "someone/readme:one:test": "answers Server error '500 Internal Server Error'",
    "someone/half:one:test": "fails; RemoteProtocolError",
    "squadshifts:new_wiki:test": "that revision has no files new_wiki/test/*.parquet",
    "squadshifts@v3:amazon:test": "it has no such revision",
    "mlqa:de:test": "fails; RemoteProtocolError",
    "squad_adversarial:AddSent": "fails; RemoteProtocolError",
    "squad_v2:validation": "it has no such revision",
    "xquad:en:validation": "the Hub has no such data set",
}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What is said of each; the caches of one are those of all."""
    home = tmp_path_factory.mktemp("spoilt")
    with serve_hub() as hub:
        spoil(hub)
        names = [*SPOILT, "someone/qa:de:test[:5]", "someone/columns:test"]
        found = dict(zip(names, load(hub.url, home, *names, impatient=True), strict=True))
        assert not list(home.rglob("script_was_run"))
        assert len(hub.requests) < 400
    return found


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_not_to_be_had_is_named_with_the_command_that_fetches_it(spoilt, name):
    ref = DataRef.parse(name)
    location, message = locate_data(ref), spoilt[name]["error"]
    assert spoilt[name]["kind"] == "DataError"
    assert f"{location.hub}" in message
    assert f"at revision {location.revision or 'main'} is not to be had (" in message
    assert SPOILT[name] in message
    assert f"Fetch it online with: {location.command}, or give a local file with --use" in message
    assert "The cache has it" not in message
    assert message.isprintable()
    assert len(message) < 1000


def test_a_script_is_refused_and_its_conversion_is_named(spoilt):
    message = spoilt["someone/qa:de:test[:5]"]["error"]
    assert "It is a loading script, which is never run" in message
    assert (
        "hf download someone/qa --repo-type dataset --revision refs/convert/parquet --include 'de/test/*.parquet'"
        in message
    )
    assert "--use someone/qa:de:test=PATH" in message


def test_a_set_of_another_shape_is_refused(spoilt):
    assert "has the columns text, expected id, context, question, answers" in spoilt["someone/columns:test"]["error"]


def test_nobody_listens(tmp_path):
    names = ["squad_v2:validation", "squadshifts:amazon:test", "someone/qa:test"]
    for found, name in zip(load("http://127.0.0.1:9", tmp_path, *names), names, strict=True):
        location = locate_data(DataRef.parse(name))
        assert (
            f"{location} is not to be had (the connection to http://127.0.0.1:9 fails; ConnectError" in found["error"]
        )
        assert f"Fetch it online with: {location.command}," in found["error"]


def test_another_revision_in_the_cache_is_not_taken_for_the_one(tmp_path):
    with serve_hub() as hub:
        older = hub.commit("someone/moved", published("older", "one/test"), ref="v1")
        assert [o["ids"][0] for o in load(hub.url, tmp_path, "someone/moved@v1:one:test")] == ["older-one-test-0"]
        newer = hub.commit("someone/moved", published("newer", "one/test"))
        hub.faults += [Fault(f"/someone/moved/resolve/{newer}/README.md", status=403)]
        (found,) = load(hub.url, tmp_path, "someone/moved:one:test")
        assert f"the requests for {newer} failed, and the cache has only {older}" in found["error"]
        assert f"to take that, name it as someone/moved@{older}" in found["error"]
        hub.faults.clear()
    names = ["someone/moved@v1:one:test", f"someone/moved@{older}:one:test", "someone/moved:one:test"]
    names += [f"someone/moved@{newer}:one:test", "someone/moved@v2:one:test", f"someone/moved@{older}:test"]
    *taken, pinned, branch, only = load(hub.url, tmp_path, *names)
    assert [found["source"] for found in taken] == [f"someone/moved@{older}"] * 3
    for found in (pinned, branch):
        assert f"The cache has it at revision {older}" in found["error"]
    assert only["source"] == f"someone/moved:one@{older}"
