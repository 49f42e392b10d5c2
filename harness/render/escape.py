"""How a value becomes text in a document: one function for each place it can stand in.

Everything a card or a run record holds was written by others. Each function returns `Escaped`, and the template
environment prints nothing else, so a field that no function has made safe is an error and not a hole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

# Control characters, line separators, surrogates and marks that reorder text on the screen.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK_START = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[#=])|(?=[+-](?:[\s-]|$)))")
_COMMENT = re.compile(r"<!--|-->")
_EVIDENCE = "harness:evidence"
_MOST_PLACES = 17
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?")  # what every reader of YAML takes as it is printed
_NUMBER_LIKE = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?")  # what some readers take for a number


class Escaped(str):
    """Text that is safe where the template puts it."""

    __slots__ = ()


class Digits(str):
    """A number that YAML shall show exactly as it was printed: ``83.860`` keeps its zero."""

    __slots__ = ()


def one_line(value: object) -> str:
    """The value as printable text on one line, without blanks around it."""
    return _printable(value).strip()


def _printable(value: object) -> str:
    return _UNPRINTABLE.sub("\ufffd", _BREAKS.sub(" ", str(value)))


def as_text(value: object) -> Escaped:
    """The value as Markdown text: no markup, HTML or table border of its own; also safe in a table cell."""
    text = one_line(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Escaped(_BLOCK_START.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", text)))


def as_code(value: object, cell: bool = True) -> Escaped:
    """The value as a code span, or as text where a span cannot hold it; ``cell``: inside a table."""
    text = _printable(value)
    if not text.strip() or _EVIDENCE in text or (cell and "|" in text):
        return as_text(text)
    marks = _longer_than_any_run(text, 1)
    blank = " " if text[0] == "`" or text[-1] == "`" else ""
    return Escaped(f"{marks}{blank}{text}{blank}{marks}")


def as_verbatim(value: object) -> Escaped:
    """The value in the characters it has, outside tables: as text if none of them is markup, else as a code span."""
    text = as_text(value)
    return text if text == str(value) else as_code(value, cell=False)


def as_fence(value: object, language: str = "") -> Escaped:
    """The lines of the value as a code block, between fences longer than any row of backticks inside."""
    lines = [_UNPRINTABLE.sub("\ufffd", line) for line in re.split(r"\r\n|\r|\n", str(value).rstrip("\r\n"))]
    body = "\n".join(lines)
    if _EVIDENCE in body:  # shown as it stands, but a reader that looks for the marks line by line would obey it
        body = _COMMENT.sub(lambda match: match[0].replace("--", "- -"), body)
    fence = _longer_than_any_run(body, 3)
    return Escaped(f"{fence}{language}\n{body}\n{fence}")


def _longer_than_any_run(text: str, at_least: int) -> str:
    return "`" * max(at_least, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def as_figure(value: Any, sign: bool = False, places: int = 4) -> Escaped:
    """A figure with four decimals, or as many as asked for; ``sign`` also shows a plus."""
    if not 0 <= places <= _MOST_PLACES:
        raise ValueError(f"found {places} places, expected 0 to {_MOST_PLACES}")
    number = round(float(value), places) + 0.0  # no negative zero
    return Escaped(f"{number:{'+' if sign else ''}.{places}f}")


def as_score(value: Any, key: str) -> Escaped:
    """The figure of an official key: totals are counts, the rest points."""
    return as_number(value) if key.endswith("total") else as_figure(value)


def as_number(value: Any, commas: bool = False) -> Escaped:
    """A count or setting: whole numbers without a point, others with every digit that matters.

    ``commas`` stand between the thousands of whole numbers.
    """
    whole = isinstance(value, int) or float(value).is_integer()
    if not whole:
        return Escaped(repr(float(value)))
    return Escaped(f"{int(value):,}" if commas else str(int(value)))


def as_seconds(value: Any) -> Escaped:
    """A duration in seconds, to a tenth."""
    return Escaped(f"{float(value):.1f}")


def as_yaml(value: Mapping[str, Any]) -> Escaped:
    """A mapping as YAML in block style; text with line breaks stays on one line, in quotes."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6)
    # Text with the evidence mark or unprintable characters stands in double quotes, see below, where escapes count.
    text = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return Escaped(text.removesuffix("\n").replace(_EVIDENCE, _EVIDENCE.replace(":", "\\x3a")))


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe writer; knows `Digits` and read-only mappings, and indents lists as cards do."""

    def represent_digits(self, data: Digits) -> yaml.ScalarNode:
        number = _NUMBER.fullmatch(data)
        if number is None:
            return self.represent_text(data)
        return self.represent_scalar(f"tag:yaml.org,2002:{'float' if number[1] else 'int'}", str(data))

    def represent_text(self, data: str) -> yaml.ScalarNode:
        clean = re.sub("[\ud800-\udfff]", "\ufffd", data)
        in_quotes = (
            len(clean.splitlines()) > 1
            or clean != clean.strip()
            or _NUMBER_LIKE.fullmatch(clean) is not None
            or _EVIDENCE in clean
            or _UNPRINTABLE.search(clean) is not None
        )
        style = '"' if in_quotes else None
        return self.represent_scalar("tag:yaml.org,2002:str", clean, style=style)

    def represent_read_only(self, data: Mapping[Any, Any]) -> yaml.MappingNode:
        return self.represent_dict(dict(data))


_Dumper.add_representer(Digits, _Dumper.represent_digits)
_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(MappingProxyType, _Dumper.represent_read_only)
