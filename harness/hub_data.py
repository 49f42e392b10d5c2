"""Questions of a data set on the Hub, at a known revision, from the cache where that has it."""

from __future__ import annotations

import re
from glob import escape
from itertools import chain
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.records import DataRef, Question
from harness.sources import CONVERTED, Location, locate_data
from harness.squad_rows import questions_from_rows
from harness.tables import first_line, import_datasets, parquet_rows, table_rows

_COMMIT = re.compile("[0-9a-f]{40}")
_STATUS = "HfHubHTTPError"
"""What `huggingface_hub` raises for a status that says nothing about the data: 500, 429, an invalid token."""


def load_from_hub(ref: DataRef) -> tuple[tuple[Question, ...], str]:
    """The questions of the whole split that a reference names, and where they are from: ``id@commit``.

    Nothing is run: a data set that is a loading script is refused. A commit that the cache has is read from there, with
    no request; of a branch the cached copy is taken where the Hub cannot be reached.

    Raises:
        DataError: it is neither in the cache nor to be had (the message has the command that fetches it), the cache has
            another revision, or it is not SQuAD-shaped.
        MissingDependencyError: the package datasets is not installed.
    """
    location = locate_data(ref)
    if location.files is not None:
        folder, files = _files(ref, location, location.files)
        rows = chain.from_iterable(map(parquet_rows, files))
        return questions_from_rows(rows, str(ref)), f"{location.hub}@{folder.name}"
    datasets = import_datasets(f"{ref}: {_advice(ref, location)}")
    if Path(location.hub).exists():
        raise DataError(
            f"{ref}: a file or folder {location.hub} is here, which datasets would take for the data set of that name. "
            f"Give it with --use {_use(ref)}=PATH if it is meant, or work in another folder",
            data=str(ref),
        )
    table, commit = _table(datasets, ref, location)
    # a configuration that nobody named is the first or only one, which another commit may have otherwise
    config = table.info.config_name if location.config is None and table.info.config_name != "default" else None
    source = ":".join(filter(None, (location.hub, config))) + (f"@{commit}" if commit else "")
    return questions_from_rows(table_rows(table, str(ref)), str(ref)), source


def _table(datasets: Any, ref: DataRef, location: Location) -> tuple[Any, str | None]:
    """The split as a table of `datasets`, and its commit; `DataError` if it is not to be had."""
    try:
        return _find(datasets, location)
    except Exception as error:  # the network, the Hub, its answers and damaged files fail in many ways
        missing = _missing(ref, location, error)
        others = [f.name for f in _folders(datasets, location, None) if f.name != location.revision]
        if others and (_is_unreachable(error) or _is_named(error, "RevisionNotFoundError")):
            missing = DataError(
                f"{missing}. The cache has it at revision {others[0]}, expected {location.revision or 'main'}; "
                f"to take that, name it as {ref.name}@{others[0]}",
                data=str(ref),
            )
        raise missing from error


def _find(datasets: Any, location: Location) -> tuple[Any, str | None]:
    """What `_table` returns; errors as they come."""
    known = location.revision if _COMMIT.fullmatch(location.revision or "") else None
    # where no configuration is named, the default one is meant, which the cache does not tell
    if known and location.config and (cached := _cached(datasets, location, known)):
        return cached
    try:
        commit = _commit_on_hub(location)
        # for the newest, `datasets` would ask yet another server about it
        revision = commit if location.revision in (None, "main") else location.revision
        table = datasets.load_dataset(location.hub, location.config, split=location.split, revision=revision)
    except Exception as error:
        known = known or _known_commit(location)
        if not _is_unreachable(error) or not (known or location.revision in (None, "main")):
            raise
        cached = _cached(datasets, location, known)
        if cached is None:
            raise
        return cached
    found = _commit(table)
    # where requests fail in between, `datasets` takes the newest commit that its cache has
    if found not in (None, commit):
        raise ConnectionError(f"the requests for {commit} failed, and the cache has only {found}")
    return table, found


def _folders(datasets: Any, location: Location, commit: str | None) -> list[Path]:
    """What `datasets` keeps of a data set, at a commit or at any, the newest first."""
    owner, _, name = location.hub.rpartition("/")
    root = Path(datasets.config.HF_DATASETS_CACHE).expanduser()
    root /= "___".join(filter(None, (owner, datasets.naming.camelcase_to_snakecase(name))))
    found = root.glob(f"{escape(location.config) if location.config else '*'}/*/{commit or '*'}")
    kept = [folder for folder in found if _COMMIT.fullmatch(folder.name) and (folder / "dataset_info.json").is_file()]
    return sorted(kept, key=lambda folder: folder.stat().st_mtime, reverse=True)


def _cached(datasets: Any, location: Location, commit: str | None) -> tuple[Any, str] | None:
    """A split from the cache of `datasets`, the newest where no commit is given.

    None where it has none, or several configurations of which none is named; an error where it is damaged.
    """
    folders = _folders(datasets, location, commit)
    if not folders or sum(folder.name == folders[0].name for folder in folders) > 1:
        return None
    folder = folders[0]
    try:
        info = datasets.DatasetInfo.from_directory(str(folder))
        splits = info.splits or {}
        shards = (folder.glob(f"*-{location.split}{shard}.arrow") for shard in ("", "-?????-of-?????"))
        tables = [datasets.Dataset.from_file(str(file), info=info) for file in sorted(chain(*shards))]
    except Exception as error:
        raise ValueError(f"delete {folder}, which is damaged; {first_line(error)}") from error
    if location.split not in splits:
        raise ValueError(f"it has no split {location.split!r}, it has {', '.join(splits)}")
    if sum(map(len, tables)) != splits[location.split].num_examples:
        raise ValueError(f"delete {folder}, which is not complete")
    return datasets.concatenate_datasets(tables), folder.name


def _commit_on_hub(location: Location) -> str:
    """The commit that a revision is; asked first, since the requests that follow wait without end for an answer."""
    import huggingface_hub
    from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT

    api = huggingface_hub.HfApi()
    return str(api.dataset_info(location.hub, revision=location.revision, timeout=HF_HUB_ETAG_TIMEOUT).sha)


def _known_commit(location: Location) -> str | None:
    """The commit that a branch was when a file of it was fetched."""
    import huggingface_hub

    if location.revision is None:
        return None
    file = huggingface_hub.try_to_load_from_cache(
        location.hub, "README.md", repo_type="dataset", revision=location.revision
    )
    return Path(file).parent.name if isinstance(file, str) else None


def _files(ref: DataRef, location: Location, pattern: str) -> tuple[Path, list[Path]]:
    """The folder of a commit, and the files in it that are read as they are, fetched where the cache has them not."""
    import huggingface_hub

    def find(*, offline: bool) -> tuple[Path, list[Path]]:
        folder = Path(
            huggingface_hub.snapshot_download(
                location.hub,
                repo_type="dataset",
                revision=location.revision,
                allow_patterns=[pattern],
                local_files_only=offline,
            )
        )
        return folder, sorted(folder.glob(pattern))

    def find_cached() -> tuple[Path, list[Path]] | None:
        try:
            folder, files = find(offline=True)
        except (OSError, ValueError):
            return None
        return (folder, files) if files else None

    error: Exception
    try:
        if _COMMIT.fullmatch(location.revision or "") and (cached := find_cached()):
            return cached
        _commit_on_hub(location)
        folder, files = find(offline=False)
        if files:
            return folder, files
        error = FileNotFoundError(f"that revision has no files {pattern}")
    except Exception as caught:  # as above
        error = caught
        if _is_unreachable(error) and (cached := find_cached()):
            return cached
    raise _missing(ref, location, error) from error


def _missing(ref: DataRef, location: Location, error: Exception | None) -> DataError:
    advice = _advice(ref, location)
    if "scripts are no longer supported" in str(error):
        pattern = f"{location.config or 'default'}/{location.split}/*.parquet"
        converted = Location(location.hub, location.config, location.split, CONVERTED, pattern)
        advice = (
            "It is a loading script, which is never run. Fetch the Hub's conversion of it with: "
            f"{converted.command}, and give its file with --use {_use(ref)}=PATH"
        )
    said = "" if error is None else f" ({_said(error).rstrip('.')})"
    return DataError(f"{ref}: {location} is not to be had{said}. {advice}", data=str(ref))


def _root(error: BaseException) -> BaseException:
    """What went wrong, where the error only says that a file is not in the cache, or a table not built."""
    vague = _is_named(error, "FileNotFoundError", "ConnectionError", "DatasetGenerationError")
    cause: BaseException | None = error
    while vague and cause is not None:
        refused = _is_named(cause, "HfHubHTTPError") and not _is_named(cause, "EntryNotFoundError")
        if refused or _is_named(cause, "TransportError", "OfflineModeIsEnabled"):
            return cause
        cause = cause.__cause__ or cause.__context__
    return (error.__cause__ if _is_named(error, "DatasetGenerationError") else None) or error


def _is_named(error: BaseException, *names: str) -> bool:
    # the transport errors are httpx's or its successor's, by the version of huggingface_hub, and no OSErrors
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _is_unreachable(error: Exception) -> bool:
    """Whether the Hub said nothing, or nothing about the data set."""
    root = _root(error)
    return isinstance(root, ConnectionError) or _is_named(root, "TransportError") or type(root).__name__ == _STATUS


def _said(error: Exception) -> str:
    """What went wrong, in words."""
    from huggingface_hub.constants import ENDPOINT

    root = _root(error)
    if _is_named(root, "GatedRepoError") or "is a gated dataset" in str(root):
        return "it is gated: accept its terms on its page and log in with: hf auth login"
    if _is_named(root, "RevisionNotFoundError"):
        return "it has no such revision"
    if _is_named(root, "RepositoryNotFoundError"):
        return "the Hub has no such data set, or shows it only after: hf auth login"
    if _is_named(root, "OfflineModeIsEnabled"):
        return "the cache has it not, and HF_HUB_OFFLINE forbids to ask the Hub"
    if _is_named(root, "TimeoutException"):
        return f"{ENDPOINT} does not answer in time"
    if _is_named(root, "TransportError"):
        return f"the connection to {ENDPOINT} fails; {first_line(root)}"
    if type(root).__name__ == _STATUS:
        return f"{ENDPOINT} answers {first_line(root).partition(': ')[2]}"
    return f"{type(root).__name__}: {' '.join(str(root).split())[:300]}"


def _advice(ref: DataRef, location: Location) -> str:
    return f"Fetch it online with: {location.command}, or give a local file with --use {_use(ref)}=PATH"


def _use(ref: DataRef) -> str:
    return ":".join(filter(None, (ref.name, ref.config, ref.split.partition("[")[0])))


def _commit(table: Any) -> str | None:
    """The commit whose data `datasets` loaded: the folder in its cache is named so."""
    folders = {Path(file["filename"]).parent.name for file in table.cache_files}
    return folders.pop() if len(folders) == 1 else None
