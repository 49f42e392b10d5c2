"""What a local data set is called where a reference is expected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.names import data_phrase
from harness.names.sizes import split_size
from harness.records import DataRef, Question


def file_ref(path: Path, questions: Sequence[Question]) -> DataRef:
    """The reference of a local data set.

    Args:
        path: Its file, or a folder as `datasets` saves it.
        questions: What it holds.

    Returns:
        The split that the name means, such as ``squad_v2:validation`` for ``dev-v2.0.json``, where the data holds as
        many questions as that whole split; else the name, of a file without its suffix, and no split.
    """
    # "." and ".." are no names; a link is called what its owner calls it, whatever it leads to
    place = path if path.name.strip(".") else path.resolve()
    meant = data_phrase(place.name)
    if meant is not None and "[" not in meant.split:
        size = split_size(meant)
        if size is not None and size.n == len(questions):
            return meant
    return DataRef((place.name if path.is_dir() else place.stem) or str(path), "")
