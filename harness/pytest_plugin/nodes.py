"""What pytest collects of a card: its file, what an audit finds, its claims by data set, its examples."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.accepted import Reviewed
    from harness.evidence import CardIndex, Opened
    from harness.records import Claim, Example

_WORST = ("error", "warning")
_LONGEST = 60
"""Characters of a question in a name."""


class CardFile(pytest.File):
    """One card."""

    def collect(self) -> Iterator[Group]:
        """The audit, one group for each data set that the card makes claims about, in its order, and the examples."""
        from harness.errors import HarnessError
        from harness.visible import visible

        self.add_marker("card")
        self.extra_keyword_matches.add(self.path.parent.name)
        try:
            yield from self._groups()
        except HarnessError as error:
            raise self.CollectError(visible(" ".join(str(error).split()))) from error
        except OSError as error:
            told = visible(f"{self.path}: cannot be used ({error.strerror or error}); check it and its permissions")
            raise self.CollectError(told) from error

    def _groups(self) -> list[Group]:
        """All of them, or an error before the first."""
        from harness.audited import audit_files
        from harness.card_files import CardFile as File
        from harness.claim_names import name_claims
        from harness.errors import CardError
        from harness.evidence import index_card, open_card

        cards, unread = audit_files([File(self.path)], datetime.date.today())
        if unread:
            raise CardError(unread[0].message, path=unread[0].path)
        audit = Group.build(self, "audit", [])
        audit.items = _audit_items(audit, cards[0].findings)
        if self.config.getoption("--card-run") == "audit":
            return [audit]
        opened = open_card(self.path)
        self.extra_keyword_matches.add(opened.card.name)
        index = index_card(opened)
        groups: dict[str, Group] = {}
        for name, claim in name_claims(opened.card.claims).items():
            data = name.partition("::")[0]
            group = groups.setdefault(data, Group.build(self, data, []))
            group.items.append(ClaimItem.of(group, name, opened, claim, index))
        examples = Group.build(self, "examples", [])
        examples.items = [
            ExampleItem.of(examples, name, opened, example)
            for name, example in _name_examples(opened.card.examples).items()
        ]
        return [audit, *groups.values(), *([examples] if examples.items else [])]


class Group(pytest.Collector):
    """Items of one card that share the first part of their name."""

    items: list[CardItem]

    @classmethod
    def build(cls, parent: CardFile, name: str, items: list[CardItem]) -> Group:
        """A collector that holds its items."""
        node: Group = cls.from_parent(parent, name=name)
        node.items = items
        return node

    def collect(self) -> list[CardItem]:
        """The items."""
        return self.items


class CardItem(pytest.Item):
    """Something that a card says."""

    line: int = 1
    """Of the card."""
    skipped_at: int | None = None
    """Line that a skip is reported at, where it is not its own: one reason for all of a card is printed once."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Its own words, without frames of the plugin."""
        from harness.errors import HarnessError
        from harness.testing import NotShownError
        from harness.visible import visible

        error = excinfo.value
        if isinstance(error, NotShownError):
            return str(error)
        if isinstance(error, HarnessError):
            return visible(" ".join(str(error).split()))
        if isinstance(error, OSError):
            return visible(f"{error.filename}: cannot be used ({error.strerror or error})")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Its place in the card."""
        return self.path, self.line - 1, self.name


class AuditItem(CardItem):
    """The findings of one code; without one, the audit as a whole."""

    findings: Sequence[Reviewed]

    @classmethod
    def of(cls, parent: Group, name: str, findings: Sequence[Reviewed]) -> AuditItem:
        """An item that holds its findings."""
        from harness.pytest_plugin.checks import AcceptedFindingError
        from harness.pytest_plugin.words import accepted_reason
        from harness.visible import visible

        node: AuditItem = cls.from_parent(parent, name=name)
        node.findings = findings
        node.line = next((item.finding.line for item in findings if item.finding.line is not None), 1)
        node.add_marker("card_audit")
        if findings and all(item.accepted is not None for item in findings):
            reasons = dict.fromkeys(visible(accepted_reason(item)) for item in findings)
            node.add_marker(pytest.mark.xfail(reason="; ".join(reasons), raises=AcceptedFindingError))
        return node

    def runtest(self) -> None:
        """Pass, skip for warnings, or raise `NotShownError`."""
        from harness.pytest_plugin.checks import AcceptedFindingError
        from harness.pytest_plugin.words import finding_failure, finding_properties
        from harness.testing import NotShownError
        from harness.visible import visible

        self.user_properties += finding_properties(self.findings)
        if not self.findings:
            return
        strict = self.config.getoption("--card-strict")
        text = finding_failure(self.path, self.findings, self.config.invocation_params.dir, strict=strict)
        counted = [item.finding for item in self.findings if item.accepted is None]
        if not counted:
            raise AcceptedFindingError(text)
        if strict or any(finding.severity == "error" for finding in counted):
            raise NotShownError(text)
        pytest.skip(visible("; ".join(f"warning: {finding.message}" for finding in counted)))


class ClaimItem(CardItem):
    """One claim."""

    claim_name: str
    """Unique in the card."""
    opened: Opened
    claim: Claim
    index: CardIndex
    """Of the card, shared by its claims."""

    @classmethod
    def of(cls, parent: Group, name: str, opened: Opened, claim: Claim, index: CardIndex) -> ClaimItem:
        """An item that holds its claim; one that is known to differ is expected to."""
        from harness.evidence import known_deviation
        from harness.pytest_plugin.checks import KnownDeviationError
        from harness.visible import visible

        node: ClaimItem = cls.from_parent(parent, name=name.partition("::")[2])
        node.claim_name, node.opened, node.claim, node.line = name, opened, claim, claim.place.line
        node.index = index
        node.add_marker("card_claim")
        entry = known_deviation(opened, claim, index)
        if entry is not None and entry.expires >= datetime.date.today():
            reason = visible(f"known deviation until {entry.expires}: {entry.reason}")
            node.add_marker(pytest.mark.xfail(reason=reason, raises=KnownDeviationError))
        return node

    def runtest(self) -> None:
        """Pass, skip with a reason, or raise `NotShownError`."""
        from harness.pytest_plugin.checks import check_claim, read_terms

        check_claim(self, read_terms(self.config), self.opened, self.claim_name, self.claim, self.index)


class ExampleItem(CardItem):
    """One example."""

    opened: Opened
    example: Example

    @classmethod
    def of(cls, parent: Group, name: str, opened: Opened, example: Example) -> ExampleItem:
        """An item that holds its example."""
        node: ExampleItem = cls.from_parent(parent, name=name)
        node.opened, node.example, node.line = opened, example, example.place.line
        node.add_marker("card_example")
        return node

    def runtest(self) -> None:
        """Pass, skip with a reason, or raise `NotShownError`."""
        from harness.pytest_plugin.checks import check_example, read_terms

        check_example(self, read_terms(self.config), self.opened, self.example)


def _audit_items(parent: Group, findings: Sequence[Reviewed]) -> list[CardItem]:
    by_code: dict[str, list[Reviewed]] = {}
    for item in findings:
        if item.finding.severity in _WORST:
            by_code.setdefault(item.finding.code, []).append(item)
    if not by_code:
        return [AuditItem.of(parent, "clean", ())]
    return [AuditItem.of(parent, code, found) for code, found in by_code.items()]


def _name_examples(examples: Sequence[Example]) -> dict[str, Example]:
    """Name -> example: the words of its question, with its place where another asks the same."""
    words = ["-".join("".join(c if c.isalnum() else " " for c in e.question).split()) for e in examples]
    names = [text[:_LONGEST].strip("-") or "example" for text in words]
    counts = Counter(names)
    return {
        f"{name}:{example.place.line}:{example.place.start}" if counts[name] > 1 else name: example
        for name, example in zip(names, examples, strict=True)
    }
