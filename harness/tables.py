"""Rows of Parquet files and of the tables of `datasets`, a batch in memory at a time."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import DataError, MissingDependencyError
from harness.squad_rows import COLUMNS, OPTIONAL

_BATCH = 1_000


def parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Rows of a Parquet file.

    Raises:
        DataError: it cannot be read, is no Parquet file, is damaged, or lacks a column.
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    except ImportError as error:
        raise MissingDependencyError(
            f"{path}: reading Parquet needs the package pyarrow; install it, or give the data as SQuAD JSON",
            command="pip install pyarrow",
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            columns = _columns(file.schema_arrow.names, str(path))
            for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                yield from batch.to_pylist()
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({first_line(error)})", data=str(path)) from error


def saved_rows(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Rows of a table that `datasets` saved with ``save_to_disk``.

    Raises:
        DataError: the folder is damaged, or lacks a column.
        MissingDependencyError: datasets is not installed.
    """
    datasets = import_datasets(str(folder))
    try:
        table = datasets.load_from_disk(str(folder))
    except Exception as error:  # damaged folders fail in many ways: KeyError, ArrowInvalid, JSON errors
        raise DataError(f"{folder}: cannot be read by datasets ({first_line(error)})", data=str(folder)) from error
    yield from table_rows(table, str(folder))


def table_rows(table: Any, where: str) -> Iterator[Mapping[str, Any]]:
    """Rows of a `datasets.Dataset`; `where` names it in errors, which are `DataError`."""
    columns = _columns(table.column_names, where)
    arrow = importlib.import_module("pyarrow")
    try:
        for batch in table.select_columns(columns).with_format("arrow").iter(_BATCH):
            yield from batch.to_pylist()
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{where}: the table is damaged ({first_line(error)})", data=where) from error


def import_datasets(where: str) -> Any:
    """The package `datasets`; `MissingDependencyError` where it is not installed."""
    try:
        import datasets
    except ImportError as error:
        raise MissingDependencyError(
            f"{where}: loading it needs the package datasets; install it, or give the data as SQuAD JSON",
            command="pip install datasets",
        ) from error
    return datasets


def first_line(error: BaseException) -> str:
    """What kind of error, and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def _columns(names: Iterable[str], where: str) -> list[str]:
    found = list(names)
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise DataError(
            f"{where}: has the columns {', '.join(found[:12])[:200]}, expected {', '.join(COLUMNS)}", data=where
        )
    return [name for name in (*COLUMNS, *OPTIONAL) if name in found]
