"""Which files are cards, and how what is skipped in them is reported; loaded only where there are card folders."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from harness.pytest_plugin.nodes import CardFile, CardItem
from harness.visible import visible


def add_folders(config: pytest.Config, asked: Sequence[str], stated: Sequence[Path]) -> tuple[Path, ...]:
    """Add card folders to what is collected; all of them, resolved.

    Args:
        config: The configuration; those of the ini option are added where the command line names nothing else.
        asked: ``--cards``.
        stated: ``harness_cards``.

    Raises:
        pytest.UsageError: a folder is not there.
    """
    start = config.invocation_params.dir
    wanted = [_folder(start / folder, "--cards", "give one that holds model cards") for folder in asked]
    folders = [*wanted, *stated]
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        wanted += [_folder(folder, "harness_cards", "name one that holds model cards") for folder in stated]
    listed = [(start / arg.partition("::")[0]).resolve() for arg in config.args]
    for folder in wanted:
        place = folder.resolve()
        if not any(place == other or other in place.parents for other in listed):
            config.args.append(str(folder))
            listed.append(place)
    return tuple({folder.resolve(): None for folder in folders})


class CardCollection:
    """The hooks that only card folders need."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> CardFile | None:
        """Take the cards among Markdown files."""
        if file_path.suffix.casefold() != ".md":
            return None
        from harness.card_files import is_model_card

        real = file_path.parent.resolve() / file_path.name
        for folder in self.folders:
            if folder in real.parents and is_model_card(real, folder):
                return CardFile.from_parent(parent, path=file_path)
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Add a ``README.md`` that is no file, which pytest passes over, so that reading it says what it is."""
        report = yield
        if isinstance(collector, pytest.Directory) and report.passed:
            from harness.card_files import unusable_readmes

            real = collector.path.resolve()
            if any(folder == real or folder in real.parents for folder in self.folders):
                report.result += [
                    CardFile.from_parent(collector, path=path) for path in unusable_readmes(collector.path)
                ]
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Place a skip in the card instead of in this package."""
        report = yield
        if isinstance(item, CardItem) and report.outcome == "skipped" and isinstance(report.longrepr, tuple):
            report.longrepr = (str(item.path), item.skipped_at or item.line, report.longrepr[2])
        return report


def _folder(folder: Path, option: str, advice: str) -> Path:
    if not folder.is_dir():
        raise pytest.UsageError(visible(f"{option}: {folder} is not a folder; {advice}"))
    return folder
