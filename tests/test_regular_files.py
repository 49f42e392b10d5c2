"""Only regular files of bounded size are read; what would never end, or block, is refused at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.cards import read_card
from harness.cli import main
from harness.errors import CardError, PredictionsError, RecordError
from harness.prediction_files import read_predictions
from harness.regular_files import TooLargeError, read_regular
from harness.store import find_runs, is_record, load_run, read_json

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no named pipes")


@pytest.fixture
def pipe(tmp_path) -> Path:
    os.mkfifo(tmp_path / "pipe.json")
    return tmp_path / "pipe.json"


@pytest.fixture
def zeros(tmp_path) -> Path:
    (tmp_path / "zeros.json").symlink_to("/dev/zero")
    return tmp_path / "zeros.json"


def test_regular_files_are_read_up_to_a_size(tmp_path):
    file, link = tmp_path / "a", tmp_path / "link"
    file.write_bytes(b"12345")
    link.symlink_to(file)
    assert read_regular(link, 5) == b"12345"
    with pytest.raises(TooLargeError, match="larger than 4 bytes"):
        read_regular(file, 4)


def test_nothing_else_is_read(tmp_path, pipe, zeros):
    for path, found in ((pipe, "a named pipe, not"), (zeros, "a device, not"), (tmp_path, "Is a directory")):
        with pytest.raises(OSError, match=found):
            read_regular(path, 10)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 10)


@pytest.mark.parametrize("name", ["pipe", "zeros"])
def test_each_reader_says_what_it_found(request, name):
    path = request.getfixturevalue(name)
    for read, error in (
        (read_json, RecordError),
        (load_run, RecordError),
        (is_record, RecordError),
        (read_predictions, PredictionsError),
        (read_card, CardError),
    ):
        with pytest.raises(error, match=r"\.json: .*not a regular file"):
            read(path)


def test_folders_of_runs(tmp_path, pipe, zeros):
    assert find_runs("a", [tmp_path]) == ()  # other files may lie there
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "record.json")
    with pytest.raises(RecordError, match="a named pipe"):
        find_runs("a", [tmp_path])


def test_commands_do_not_wait(tmp_path, pipe, capsys):
    card = str(Path(__file__).parent / "data" / "cards" / "evidence.md")
    assert main(["report", str(pipe)]) == 2
    assert main(["compare", card, str(pipe), "--data", "pocket:validation"]) == 2
    assert main(["compare", card, str(pipe)]) == 2
    err = capsys.readouterr().err
    assert err.count("a named pipe, not a regular file") >= 2
    assert "Traceback" not in err
