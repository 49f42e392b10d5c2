"""``harness ask`` with a model: one question, and the examples of a card."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
from pipeline_cases import LONG_QUESTION, SHORT, TOWNS, WHO
from pipeline_models import build

from harness.cli import main
from harness.engine import Computing, TorchEngine
from harness.records import Example, Place, ProbableAnswer

pytestmark = pytest.mark.torch
RECORD = json.loads((Path(__file__).parents[1] / "data" / "pipeline.json").read_text("utf-8"))["answers"]
CPU = ["--device", "cpu"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ask") / "roberta"
    build("roberta", folder)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["ask", *map(str, arguments), *CPU])
    return code, *capsys.readouterr()


def as_recorded(found: list[dict[str, Any]], name: str) -> bool:
    listed = [[item["answer"], pytest.approx(item["score"], abs=1e-5), item["start"], item["end"]] for item in found]
    return bool(listed == RECORD[name])


def write_card(folder: Path, *printed: dict[str, Any], context: str = SHORT) -> Path:
    """A card whose usage code asks `WHO` of a context and prints these answers."""
    asked = f"qa(question={WHO!r}, context={context!r})"
    blocks = "".join(f"\n```python\n{asked}\n# {answer!r}\n```\n" for answer in printed)
    card = folder / "card.md"
    card.write_text(f"---\nlicense: mit\n---\n\n# reader\n{blocks}", "utf-8")
    return card


def plain(**changes: Any) -> dict[str, Any]:
    (answer, score, start, end) = RECORD["roberta-plain"][0]
    return {"answer": answer, "score": score, "start": start, "end": end, **changes}


def test_an_answer_is_printed_with_score_and_place(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, model, "-q", WHO, "-c", SHORT, "--top-k", 3)
    ((text, score, start, end), *_) = RECORD["roberta-top-3"]
    assert code == 0
    assert err == ""
    assert out.splitlines()[0] == f"{text}  score {score:.4f}  characters {start}-{end}"
    assert len(out.splitlines()) == 3


def test_options_reach_the_answer(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "towns.txt"
    file.write_bytes(b"\xef\xbb\xbf" + TOWNS.encode())
    asked = [model, "-q", WHO, "--context-file", file, "--json"]
    windows = ["--max-answer-length", 15, "--max-seq-len"]
    for options, name in (
        ([*windows, 48, "--doc-stride", 16, "--top-k", 10, "--split-words"], "roberta-windows-tokens"),
        ([*windows, 40, "--doc-stride", 8, "--top-k", 10, "--impossible"], "roberta-windows-impossible"),
        (["--top-k", 3], "roberta-own-length"),
    ):
        code, out, _ = run(capsys, *asked, *options)
        assert code == 0
        assert as_recorded(json.loads(out), name), name


def test_standard_input_and_precision(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {}
    for dtype in ("float32", "bfloat16"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SHORT.encode()), "utf-8"))
        code, out, _ = run(capsys, model, "-q", WHO, "--context-file", "-", "--json", "--dtype", dtype)
        assert code == 0
        found[dtype] = json.loads(out)
    assert as_recorded(found["float32"], "roberta-plain")
    assert found["bfloat16"][0]["score"] != found["float32"][0]["score"]


def test_a_model_of_the_hub(model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **options: str(model))
    code, out, _ = run(capsys, "owner/reader", "-q", WHO, "-c", SHORT, "--json")
    assert code == 0
    assert as_recorded(json.loads(out), "roberta-plain")


def test_lengths_that_do_not_fit_are_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, model, "-q", WHO, "-c", TOWNS, "--max-seq-len", 200)
    assert (code, "the 160 that the roberta model reads" in err) == (2, True)
    code, _, err = run(capsys, model, "-q", WHO, "-c", TOWNS, "--max-seq-len", 20, "--doc-stride", 10)
    assert (code, "expected more than doc_stride 10" in err) == (2, True)


def test_what_the_pipeline_printed_is_confirmed(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, model, "--card", write_card(tmp_path, plain()))
    assert code == 0
    assert err == "as printed: matches 1\n"
    lines = out.splitlines()
    assert lines[0] == f"{tmp_path / 'card.md'}:9: {WHO}"
    assert lines[-1] == "matches: what is printed is what the model gives"
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    assert ["answer", plain()["answer"], plain()["answer"]] in cells
    assert ["start", "6", "6"] in cells
    assert ["end", "44", "44"] in cells
    assert ["score", "0.0333", "0.0333"] in cells


def test_another_answer_is_a_difference(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = write_card(tmp_path, plain(), plain(answer="Ada Merk", start=41, end=49))
    code, out, _ = run(capsys, model, "--card", card, "--json")
    found = json.loads(out)
    assert code == found["exit_code"] == 1
    assert found["outcome"] == "not as printed: matches 1, differs 1"
    assert found["model"] == str(model)
    assert [item["verdict"] for item in found["examples"]] == ["matches", "differs"]
    second = found["examples"][1]
    assert second["example"]["answer"] == "Ada Merk"
    assert second["example"]["place"]["line"] == 14
    assert second["reproduced"]["answer"] == plain()["answer"]


def test_another_score_is_no_difference_unless_strict(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = write_card(tmp_path, plain(score=0.9))
    code, out, err = run(capsys, model, "--card", card)
    assert (code, err) == (0, "nothing differs: inconclusive 1\n")
    assert "inconclusive: the score is 0.87 below" in out
    assert run(capsys, model, "--card", card, "--strict")[0] == 1


def test_a_card_that_prints_no_answer_let_it_take_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build("bert", tmp_path / "bert")
    ((answer, score, start, end),) = RECORD["bert-one-word"]
    assert answer == ""
    card = write_card(tmp_path, {"answer": "", "score": score, "start": start, "end": end}, context="Ada")
    code, out, err = run(capsys, tmp_path / "bert", "--card", card)
    assert (code, err) == (0, "as printed: matches 1\n")
    assert "(no answer)" in out
    card = write_card(tmp_path, {"answer": "Ada", "start": 0, "end": 3}, context="Ada")
    assert run(capsys, tmp_path / "bert", "--card", card)[0] == 0
    assert run(capsys, tmp_path / "bert", "--card", card, "--impossible")[0] == 1


def test_an_engine_asks_every_example_and_says_which_it_cannot(model: Path) -> None:
    def example(question: str, context: str, answer: str = "Ada") -> Example:
        return Example(question, context, answer, None, None, None, Place(0, 1, 1))

    # the model reads 160 tokens; the question alone has more
    asked = [example(WHO, SHORT), example(LONG_QUESTION, TOWNS), example(WHO, ""), example(WHO, SHORT)]
    first, refused, nothing, again = TorchEngine(Computing(device="cpu")).ask(model, asked)
    assert isinstance(first, ProbableAnswer)
    assert as_recorded([{name: getattr(first, name) for name in ("answer", "score", "start", "end")}], "roberta-plain")
    assert isinstance(refused, str)
    assert "expected more than doc_stride" in refused
    assert nothing is None
    assert again == first


def test_no_answer_takes_part_where_the_example_prints_none(tmp_path: Path) -> None:
    build("bert", tmp_path / "bert")
    examples = [Example(WHO, "Ada", printed, None, None, None, Place(0, 1, 1)) for printed in ("", "Ada")]
    found = TorchEngine(Computing(device="cpu")).ask(tmp_path / "bert", examples)
    assert [one.answer for one in found if isinstance(one, ProbableAnswer)] == ["", "Ada"]
