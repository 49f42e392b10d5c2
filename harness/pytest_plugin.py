"""pytest plugin: every claim of every card as one test, checked against the newest recorded run.

Cards are the README.md files under the folders of the ini option ``harness_cards`` or of ``--cards``, and Markdown
files with front matter directly in such a folder. At import this needs the standard library and pytest only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.evidence import Opened
    from harness.records import Claim, Comparison, Run


class ClaimNotShownError(Exception):
    """A claim that did not hold; its text is the whole report."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--cards``, ``--card-strict`` and the ini option ``harness_cards``."""
    group = parser.getgroup("harness", "model card claims")
    group.addoption("--cards", action="append", default=[], metavar="DIR", help="check the model cards in this folder")
    group.addoption(
        "--card-strict", action="store_true", help="fail claims that are inconclusive, not comparable or unchecked"
    )
    parser.addini("harness_cards", "folders of model cards whose claims are checked", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Collect the card folders beside what the command line or ``testpaths`` names."""
    asked = [config.invocation_params.dir / folder for folder in config.getoption("--cards")]
    missing = [folder for folder in asked if not folder.is_dir()]
    if missing:
        raise pytest.UsageError(f"--cards: {missing[0]} is not a folder; give one that holds model cards")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        stated = config.getini("harness_cards")
        absent = [folder for folder in stated if not folder.is_dir()]
        if absent:
            raise pytest.UsageError(f"harness_cards: {absent[0]} is not a folder; name one that holds model cards")
        asked += stated
    listed = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    for folder in asked:
        place = folder.resolve()
        if not any(place == other or other in place.parents for other in listed):
            config.args.append(str(folder))
            listed.append(place)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CardFile | None:
    """Take Markdown files in card folders."""
    if file_path.suffix != ".md":
        return None
    place = file_path.parent.resolve()
    for folder in _card_folders(parent.config):
        directly = place == folder and _has_front_matter(file_path)  # a page about the cards is no card
        if directly or (file_path.name == "README.md" and folder in place.parents):
            return CardFile.from_parent(parent, path=file_path)
    return None


class CardFile(pytest.File):
    """One card."""

    def collect(self) -> Iterator[DataCollector]:
        """One collector for each data set that the card's claims are about, in the order of the card."""
        from harness.errors import HarnessError
        from harness.evidence import open_card

        try:
            opened = open_card(self.path)
        except HarnessError as error:
            raise self.CollectError(str(error)) from error
        groups: dict[str, list[Claim]] = {}
        for claim in opened.card.claims:
            groups.setdefault(_data_name(claim), []).append(claim)
        for name, claims in groups.items():
            yield DataCollector.build(self, name, opened, claims)


class DataCollector(pytest.Collector):
    """The claims of one card about one data set."""

    opened: Opened
    claims: list[Claim]

    @classmethod
    def build(cls, parent: CardFile, name: str, opened: Opened, claims: list[Claim]) -> DataCollector:
        """A collector that holds its claims."""
        node: DataCollector = cls.from_parent(parent, name=name)
        node.opened, node.claims = opened, claims
        return node

    def collect(self) -> Iterator[ClaimItem]:
        """One item per claim; a name that occurs twice carries the line."""
        names = [f"{_readable(c.metric)}[{c.subset}]@{c.origin}" for c in self.claims]
        repeated = {name for name, count in Counter(names).items() if count > 1}
        for name, claim in zip(names, self.claims, strict=True):
            place = f":{claim.place.line}:{claim.place.start}" if name in repeated else ""
            yield ClaimItem.build(self, name + place, claim)


class ClaimItem(pytest.Item):
    """One claim."""

    parent: DataCollector
    claim: Claim

    @classmethod
    def build(cls, parent: DataCollector, name: str, claim: Claim) -> ClaimItem:
        """An item that holds its claim."""
        node: ClaimItem = cls.from_parent(parent, name=name)
        node.claim = claim
        return node

    def runtest(self) -> None:
        """Pass, skip with a reason, or raise `ClaimNotShownError`."""
        from harness.evidence import judge_one
        from harness.records import Verdict

        run, reason = _evidence(self.parent.opened, self.config)
        comparison = judge_one(self.parent.opened, run, self.claim)
        if comparison.verdict in (Verdict.MATCHES, Verdict.WITHIN_TOLERANCE):
            return
        text = _failure(self, comparison, reason or comparison.reason)
        if comparison.verdict is Verdict.DIFFERS or self.config.getoption("--card-strict"):
            raise ClaimNotShownError(text)
        pytest.skip(f"{comparison.state}: {reason or comparison.reason}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The claim's own words, without frames of the plugin."""
        from harness.errors import HarnessError

        if isinstance(excinfo.value, (ClaimNotShownError, HarnessError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The claim's place in the card."""
        return self.path, self.claim.place.line - 1, self.name


_RUNS = pytest.StashKey[dict[Path, "tuple[Run | None, str]"]]()


def _evidence(opened: Opened, config: pytest.Config) -> tuple[Run | None, str]:
    """The newest run of the card's recipe, or why there is none; looked up once per card."""
    from harness.config import read_config
    from harness.errors import RecordError
    from harness.evidence import newest_evidence

    known = config.stash.setdefault(_RUNS, {})
    if opened.path not in known:
        runs = read_config(config.rootpath).runs
        try:
            known[opened.path] = (newest_evidence(opened, runs)[1], "")
        except RecordError as error:
            known[opened.path] = (None, str(error))
    return known[opened.path]


def _failure(item: ClaimItem, comparison: Comparison, reason: str) -> str:
    claim = item.claim
    about = "data not stated" if claim.data is None else str(claim.data)
    lines = [
        f"{item.path}:{claim.place.line}: {claim.metric}[{claim.subset}] on {about}: {comparison.state}",
        f"  reported    {claim.digits}",
    ]
    if comparison.reproduced is not None:
        lines.append(f"  reproduced  {comparison.reproduced:.4f}")
    if comparison.tolerance is not None:
        lines.append(f"  tolerance   {comparison.tolerance.within:g} points ({comparison.tolerance.reason})")
    lines += [f"  reason      {reason}", f"  repeat with harness reproduce {item.path.parent}"]
    return "\n".join(lines)


def _has_front_matter(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8).removeprefix(b"\xef\xbb\xbf").startswith(b"---")


def _data_name(claim: Claim) -> str:
    data = claim.data
    if data is None:
        return "data-not-stated"
    return _readable("/".join(part for part in (data.name, data.config, data.split) if part))


def _readable(text: str) -> str:
    """Text of a card as part of a node id, where brackets and colons mean something."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown.replace("[", "(").replace("]", ")").replace("::", ":")


def _card_folders(config: pytest.Config) -> list[Path]:
    asked = [config.invocation_params.dir / folder for folder in config.getoption("--cards")]
    return [folder.resolve() for folder in [*asked, *config.getini("harness_cards")]]
