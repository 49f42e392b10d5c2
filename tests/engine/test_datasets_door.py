"""The package `datasets`: what it saved, what it has in its cache, and how it cuts splits."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import load_data
from harness.errors import DataError
from harness.records import DataRef
from harness.sources import locate_data

datasets = pytest.importorskip("datasets")
huggingface_hub = pytest.importorskip("huggingface_hub")

pytestmark = pytest.mark.torch

ROWS = [
    {
        "id": str(i),
        "title": f"T{i // 4}",
        "context": f"Ada wrote {i // 2}. \u05de\u05d9 \U0001f600",
        "question": "Who?",
        "answers": {"text": ["Ada"], "answer_start": [0]} if i % 3 else {"text": [], "answer_start": []},
    }
    for i in range(10)
]
PINNED = locate_data(DataRef("squad_v2", "validation")).revision
OTHER = "0" * 40


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """No test here reaches the Hub, nor anybody's own cache."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """The same questions in the official form."""
    articles: dict[str, dict[str, list]] = {}
    for row in ROWS:
        answers = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        qa = {key: row[key] for key in ("id", "question")} | {
            "answers": [{"text": text, "answer_start": start} for text, start in answers],
            "is_impossible": not row["answers"]["text"],
        }
        articles.setdefault(row["title"], {}).setdefault(row["context"], []).append(qa)
    data = [
        {"title": title, "paragraphs": [{"context": context, "qas": qas} for context, qas in paragraphs.items()]}
        for title, paragraphs in articles.items()
    ]
    file = tmp_path_factory.mktemp("official") / "dev.json"
    file.write_text(json.dumps({"version": "v2.0", "data": data}), "utf-8")
    return file


def save(form, folder, rows=ROWS):
    table = datasets.Dataset.from_list(rows)
    path = folder / form
    if form == "data.parquet":
        table.to_parquet(path)
    elif form == "data.jsonl":
        table.to_json(path)
    elif form == "table":
        table.save_to_disk(path)
    else:
        parts = {"train": table.select([0]), "validation": table}
        datasets.DatasetDict(parts).save_to_disk(path)
    return path


@pytest.mark.parametrize("form", ["data.parquet", "data.jsonl", "table", "splits"])
def test_every_form_holds_the_same_questions(tmp_path, official, form):
    for split in ("validation", "validation[:75%]", "dev[10%:20%]"):
        ref = DataRef("squad_v2", split)
        expected, used = load_data(ref, {"squad_v2": official})
        found, saved = load_data(ref, {"squad_v2": save(form, tmp_path)})
        assert found == expected
        assert (saved.sha256, saved.n, saved.has_ans) == (used.sha256, used.n, used.has_ans)
        assert saved.source == form


def test_rows_that_are_selected_and_shuffled_keep_their_order(tmp_path):
    path = tmp_path / "chosen"
    datasets.Dataset.from_list(ROWS).select([7, 2, 5]).save_to_disk(path)
    assert [q.id for q in load_data(DataRef("x", "test"), {"x": path})[0]] == ["7", "2", "5"]


def test_a_folder_without_the_split(tmp_path):
    with pytest.raises(DataError, match="has no split 'test'; it has train, validation"):
        load_data(DataRef("squad_v2", "test"), {"squad_v2": save("splits", tmp_path)})


@pytest.mark.parametrize("form", ["data.parquet", "table"])
def test_columns_that_are_missing(tmp_path, form):
    path = save(form, tmp_path, [{"id": "1", "text": "c"}])
    with pytest.raises(DataError, match="has the columns id, text, expected id, context, question, answers"):
        load_data(DataRef("x", "test"), {"x": path})


def test_damaged_files(tmp_path):
    path = save("data.parquet", tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="cannot be read as Parquet") as caught:
        load_data(DataRef("x", "test"), {"x": path})
    assert "\n" not in str(caught.value)
    folder = save("table", tmp_path)
    for file in folder.glob("*.arrow"):
        file.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read by datasets") as caught:
        load_data(DataRef("x", "test"), {"x": folder})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "ArrowInvalid: Parquet file size is 0 bytes"), (b"PAR1", "ArrowInvalid"), (b"{}", "ArrowInvalid")],
)
def test_what_is_no_parquet_file(tmp_path, content, said):
    path = tmp_path / "data.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as Parquet") as caught:
        load_data(DataRef("x", "test"), {"x": path})
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_parquet_file_whose_content_is_damaged(tmp_path):
    path = save("data.parquet", tmp_path, [row | {"id": f"{row['id']}-{n}"} for n in range(50) for row in ROWS])
    content = bytearray(path.read_bytes())
    content[40:1000] = bytes(960)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.parquet: cannot be read as Parquet") as caught:
        load_data(DataRef("x", "test"), {"x": path})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("form", ["data.parquet", "table"])
def test_text_that_is_not_utf8(tmp_path, form):
    path = save(form, tmp_path)
    for file in [path] if path.is_file() else path.glob("*.arrow"):
        file.write_bytes(file.read_bytes().replace("\u05de\u05d9".encode(), b"\xff\xfe\xfd\xfc"))
    with pytest.raises(DataError, match=r"cannot be read as Parquet|the table is damaged") as caught:
        load_data(DataRef("x", "test"), {"x": path})
    assert "UnicodeDecodeError" in str(caught.value)


@pytest.mark.parametrize("form", ["data.parquet", "table"])
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"answers": {"text": ["Ada"], "answer_start": [0.5]}}, "answer_start[0]: found 0.5, expected a whole number"),
        ({"answers": {"text": ["Ada"], "answer_start": [None]}}, "answer_start[0]: found None, expected a whole"),
        ({"answers": None}, "answers have no text and answer_start"),
        ({"context": None}, "context: found NoneType, expected text"),
        ({"context": ""}, "the context of id 'x' is empty"),
        ({"question": ""}, "the question of id 'x' is empty"),
        ({"id": None}, "id: found NoneType, expected text"),
    ],
)
def test_rows_that_are_wrong_say_which(tmp_path, form, row, said):
    path = save(form, tmp_path, [ROWS[1] | {"id": "x"} | row])
    with pytest.raises(DataError) as caught:
        load_data(DataRef("x", "test"), {"x": path})
    assert f"{path}: row 0: " in str(caught.value)
    assert said in str(caught.value)


def fill_cache(tmp_path, revision, hub="rajpurkar___squad_v2", config="squad_v2"):
    """What `datasets` leaves in its cache for squad_v2, made from a local folder of the same shape."""
    repository = tmp_path / "made" / "squad_v2"
    (repository / "squad_v2").mkdir(parents=True)
    datasets.Dataset.from_list(ROWS).to_parquet(repository / "squad_v2" / "validation-00000-of-00001.parquet")
    files = "{split: validation, path: squad_v2/validation-*}"
    (repository / "README.md").write_text(
        f"---\nconfigs:\n- config_name: squad_v2\n  data_files: [{files}]\n---\n", "utf-8"
    )
    datasets.load_dataset(str(repository), "squad_v2", cache_dir=str(tmp_path / "made" / "cache"))
    (built,) = (tmp_path / "made" / "cache" / "squad_v2" / "squad_v2").glob("*/*/")
    target = tmp_path / "datasets" / hub / config / built.parent.name / revision
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(built, target)
    shutil.rmtree(tmp_path / "made")


def test_what_is_cached_works_offline(tmp_path, official):
    fill_cache(tmp_path, PINNED)
    found, used = load_data(DataRef("squad_v2", "validation[:50%]"), {})
    assert found == load_data(DataRef("squad_v2", "validation[:50%]"), {"squad_v2": official})[0]
    assert used.source == f"rajpurkar/squad_v2@{PINNED}"


def test_another_revision_in_the_cache_is_not_the_one(tmp_path):
    fill_cache(tmp_path, OTHER)
    with pytest.raises(DataError) as caught:
        load_data(DataRef("squad_v2", "validation"), {})
    message = str(caught.value)
    assert (
        f"The cache has it at revision {OTHER}, expected {PINNED}; to take that, name it as squad_v2@{OTHER}" in message
    )
    assert load_data(DataRef("squad_v2", "validation", revision=OTHER), {})[1].n == len(ROWS)


def test_the_right_revision_is_found_beside_a_newer_one(tmp_path):
    fill_cache(tmp_path, PINNED)
    fill_cache(tmp_path, OTHER)
    newer = tmp_path.glob(f"datasets/*/*/*/{OTHER}")
    os.utime(next(newer), (2**32, 2**32))
    questions, used = load_data(DataRef("squad_v2", "validation"), {})
    assert [q.id for q in questions] == [row["id"] for row in ROWS]
    assert used.source == f"rajpurkar/squad_v2@{PINNED}"


def test_a_split_that_the_cache_shows_not_to_be_there(tmp_path):
    fill_cache(tmp_path, PINNED)
    with pytest.raises(DataError, match=r"it has no split 'dev2', it has validation"):
        load_data(DataRef("squad_v2", "dev2", revision=PINNED), {})


def test_a_cached_copy_that_is_damaged_is_named(tmp_path):
    fill_cache(tmp_path, PINNED)
    (file,) = tmp_path.glob("datasets/*/*/*/*/*.arrow")
    content = file.read_bytes()
    for spoilt, said in ((b"nothing", "which is damaged; ArrowInvalid"), (None, "which is not complete")):
        file.unlink() if spoilt is None else file.write_bytes(spoilt)
        with pytest.raises(DataError) as caught:
            load_data(DataRef("squad_v2", "validation"), {})
        assert f"delete {file.parent}, {said}" in str(caught.value)
        assert "Fetch it online with: python -c" in str(caught.value)
    datasets.Dataset.from_list(ROWS[:3]).save_to_disk(tmp_path / "part")
    shutil.copy(tmp_path / "part" / "data-00000-of-00001.arrow", file)
    with pytest.raises(DataError, match="which is not complete"):
        load_data(DataRef("squad_v2", "validation"), {})
    file.write_bytes(content)
    assert load_data(DataRef("squad_v2", "validation"), {})[1].n == len(ROWS)


def test_a_configuration_that_is_not_named_is_not_guessed(tmp_path):
    fill_cache(tmp_path, OTHER, hub="someone___qa")
    questions, used = load_data(DataRef("someone/qa", "validation"), {})
    assert (len(questions), used.source) == (len(ROWS), f"someone/qa:squad_v2@{OTHER}")
    fill_cache(tmp_path, OTHER, hub="someone___qa", config="other")
    with pytest.raises(DataError, match="HF_HUB_OFFLINE forbids to ask"):
        load_data(DataRef("someone/qa", "validation"), {})


@pytest.mark.parametrize("name", ["squad_v2:validation", "squadshifts:amazon:test", "nobody/nothing:test"])
def test_what_is_missing_offline_names_the_command(name):
    ref = DataRef.parse(name)
    with pytest.raises(DataError) as caught:
        load_data(ref, {})
    message, location = str(caught.value), locate_data(ref)
    assert f"{location.hub}" in message
    assert f"at revision {location.revision or 'main'}" in message
    assert f"Fetch it online with: {location.command}," in message
    assert f"--use {name}=PATH" in message
    assert "\n" not in message


def fill_hub_cache(tmp_path, files):
    root = tmp_path / "hub" / "datasets--ludwigschmidt--squadshifts"
    for file, rows in files.items():
        path = root / "snapshots" / OTHER / file
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(rows).to_parquet(path)
    branch = root / "refs" / "refs" / "convert" / "parquet"
    branch.parent.mkdir(parents=True)
    branch.write_text(OTHER, "utf-8")


def test_converted_files_in_the_cache_work_offline(tmp_path):
    fill_hub_cache(tmp_path, {"new_wiki/test/0000.parquet": ROWS[:6], "new_wiki/test/0001.parquet": ROWS[6:]})
    questions, used = load_data(DataRef("squadshifts", "test", "new_wiki"), {})
    assert [q.id for q in questions] == [row["id"] for row in ROWS]
    assert used.source == f"ludwigschmidt/squadshifts@{OTHER}"
    with pytest.raises(DataError, match="the cache has it not, and HF_HUB_OFFLINE forbids to ask"):
        load_data(DataRef("squadshifts", "test", "amazon"), {})


def test_a_folder_of_the_name_is_not_taken_for_the_data_set(tmp_path):
    (tmp_path / "rajpurkar" / "squad_v2").mkdir(parents=True)
    with pytest.raises(DataError, match="a file or folder rajpurkar/squad_v2 is here"):
        load_data(DataRef("squad_v2", "validation"), {})


@given(
    st.integers(1, 400),
    st.none() | st.integers(-110, 110),
    st.none() | st.integers(-110, 110),
    st.sampled_from(["", "%"]),
)
def test_slices_are_cut_as_datasets_cuts_them(n, start, stop, unit):
    from harness.data import parse_split, slice_rows

    bounds = ["" if bound is None else f"{bound}{unit}" for bound in (start, stop)]
    split = f"test[{bounds[0]}:{bounds[1]}]"
    (theirs,) = datasets.ReadInstruction.from_spec(split).to_absolute({"test": n}) if _fits(split) else (None,)
    try:
        ours = slice_rows(parse_split(DataRef("x", split)), n)
    except DataError:
        ours = None
    if ours is not None:
        assert theirs is not None
        assert list(ours) == list(range(theirs.from_, theirs.to))


def _fits(split):
    try:
        datasets.ReadInstruction.from_spec(split)
    except ValueError:
        return False
    return True
