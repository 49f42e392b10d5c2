"""Settings in the body: blocks, lists, tables and lines of ``name = value``, commands, overview lines, sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness import names, yamltree
from harness.cards.blocks import Block, Fence, Prose, Span, Table
from harness.cards.lines import is_metrics
from harness.cards.source import Source
from harness.cards.stated import sentence_settings
from harness.records import ClaimOrigin, Setting

_BLOCK_LANGUAGES = frozenset(
    {"", "text", "txt", "plaintext", "ini", "toml", "yaml", "yml", "json", "properties", "conf"}
)
_SHELLS = frozenset({"", "bash", "sh", "shell", "console", "zsh"})
_NAME = re.compile(r"""\s*(?P<quote>["']?)(?P<name>[A-Za-z_][\w.-]{0,60})(?P=quote)\s*[=:]\s*""")
_QUOTED = re.compile(r"""(["'])(?P<text>[^"']*)\1\s*,?\s*(?:\#.*)?""")
_COMMENT = re.compile(r"\s#")
_SCRIPT = re.compile(r"(?:^|[\s/])run_\w*(?:squad|qa)\w*\.py\b")
_FLAG = re.compile(
    r"""(?<!\S)--(?P<name>[A-Za-z][\w-]{0,60})
        (?:(?:=|[ \t]+(?!-[A-Za-z-]))(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<plain>[^\s\\"'|&;]+)))?""",
    re.VERBOSE,
)
_OVERVIEW = re.compile(
    r"(?:[-*+]\s+|>\s*)?(?:\*\*|__)?(?P<name>[A-Za-z][A-Za-z _-]{2,30}?)\s?"
    r"(?::\s?(?:\*\*|__)?|(?:\*\*|__)\s?:)\s*"
)
_ITEM = re.compile(
    r"""\s*(?:>\s*)?(?:[-*+•]\s+|\d+[.)]\s+)?
        ["'*_`]*(?P<name>[A-Za-z][A-Za-z0-9_ -]{0,40}?)["'*_`]*\s*[:=]\s*[*_`]*\s*(?P<value>\S.*)""",
    re.VERBOSE,
)
_OPTIMIZER = re.compile(
    r"betas?\s*=\s*[\[(](?P<beta1>[\d.]+)\s*,\s*(?P<beta2>[\d.]+)[\])]|epsilon\s*=\s*(?P<epsilon>[\d.]+(?:e-?\d+)?)"
)
_OVERVIEW_NAMES = frozenset(
    {"dataset_name", "train_data", "eval_data", "infrastructure", "language_model", "student", "teacher"}
)
_TEACHER = re.compile(
    r"""(?:\[(?P<link>[^\]\[\n]{1,200})\]\([^()\s]{0,300}\)
        |`?(?<![\w./-])(?P<name>[\w.-]{1,96}/[\w.-]{0,95}\w)`?)
        \s+(?:was|is|has\s+been)\s+used\s+as\s+(?:the|a|our)\s+teacher\b""",
    re.VERBOSE,
)


def read_settings(blocks: Sequence[Block], source: Source) -> list[Setting]:
    """Every setting of the body, in order; those of one block stand together, at the place of the first.

    In a block with a line ``stage = ...`` a line that states nothing readable becomes a setting named by the whole
    line, so that planning can refuse it instead of taking a default.
    """
    settings: list[Setting] = []
    ordinal = 0
    items: list[Prose] = []
    for block in (*blocks, None):
        if isinstance(block, Prose) and block.depth:
            items.append(block)
        elif items:
            listed = _named_settings([line for item in items for line in item.lines], source, ordinal, "list")
            ordinal += bool(listed)
            settings += listed
            items = []
        found: list[Setting] = []
        if isinstance(block, Prose):
            settings += _overview_settings(block, source)
            settings += _prose_teacher(block, source)
            settings += sentence_settings(block, source)
            found = (
                _named_settings(block.lines, source, ordinal, "prose")
                if not block.depth and len(block.lines) > 1
                else []
            )
        elif isinstance(block, Table):
            found = _table_settings(block, source, ordinal)
        elif isinstance(block, Fence) and not is_metrics(block):
            found = _command_settings(block, source, ordinal) or _block_settings(block, source, ordinal)
        ordinal += bool(found)
        settings += found
    unique = {(setting.place.start, setting.name): setting for setting in reversed(settings)}
    first: dict[int | None, int] = {}
    for setting in sorted(unique.values(), key=lambda setting: setting.place.start):
        first.setdefault(setting.block, setting.place.start)

    def order(setting: Setting) -> tuple[int, int]:
        start = setting.place.start
        return (start if setting.block is None else first[setting.block], start)

    return sorted(unique.values(), key=order)


def _named_settings(lines: Sequence[Span], source: Source, ordinal: int, origin: ClaimOrigin) -> list[Setting]:
    """Lines of a list or paragraph such as ``- learning_rate: 2e-05``; names not known count beside two that are."""
    found = []
    for line in lines:
        match = _ITEM.match(line.text) if len(line.text) <= 400 else None
        if match is None:
            continue
        text = re.sub(r"[*_`]+$", "", match["value"].rstrip().removesuffix(".").removesuffix(",")).strip("`\"' ")
        start = line.start + match.start("value") + match["value"].find(text)
        if text:
            found.append(
                _setting(match["name"].strip(), yamltree.plain_value(text), text, source, start, ordinal, origin)
            )
    return _plausible(found, source)


def _plausible(found: Sequence[Setting], source: Source) -> list[Setting]:
    known = [setting for setting in found if setting.name in names.SETTINGS and _has_sense(setting)]
    known = [setting for setting in known if setting.name not in _OVERVIEW_NAMES]
    training = [setting for setting in known if setting.name in names.NUMERIC]
    if not training:
        return []
    if len(known) > 1:
        identifiers = re.compile(r"[a-z]\w*_\w+")
        known += [s for s in found if s.name not in names.SETTINGS and identifiers.fullmatch(s.written_as)]
    extra = [part for setting in known if setting.name == "optimizer" for part in _optimizer_parts(setting, source)]
    return sorted([*known, *extra], key=lambda setting: setting.place.start)


def _has_sense(setting: Setting) -> bool:
    is_number = isinstance(setting.value, (int, float)) and not isinstance(setting.value, bool)
    return is_number or setting.name not in names.NUMERIC


def _optimizer_parts(setting: Setting, source: Source) -> Iterator[Setting]:
    """``Adam with betas=(0.9,0.999) and epsilon=1e-08``, as the Trainer of transformers writes it."""
    for match in _OPTIMIZER.finditer(setting.text):
        for name in ("beta1", "beta2", "epsilon"):
            if match[name]:
                start = setting.place.start + match.start(name)
                value = yamltree.plain_value(match[name])
                yield _setting(name, value, match[name], source, start, setting.block, setting.origin)


def _table_settings(table: Table, source: Source, ordinal: int) -> list[Setting]:
    """A table with a name and a value in each row."""
    found = []
    for row in (table.header, *table.rows):
        if len(row) < 2:
            continue
        name, text = (re.sub(r"[*`]", "", cell.text).strip() for cell in row[:2])
        if names.setting_name(name) and text and len(name) <= 60:
            start = row[1].start + max(row[1].text.find(text), 0)
            if source.text[start : start + len(text)] == text:
                found.append(_setting(name, yamltree.plain_value(text), text, source, start, ordinal, "table"))
    return _plausible(found, source)


def _block_settings(fence: Fence, source: Source, ordinal: int) -> list[Setting]:
    if fence.language not in _BLOCK_LANGUAGES or fence.is_program():
        return []
    lines = [line for line in fence.lines if line.text.strip(" \t{},") and not line.text.lstrip().startswith("#")]
    read = [(line, _line_setting(line, source, ordinal)) for line in lines]
    good = [setting for _, setting in read if setting is not None]
    if any(setting.name == "stage" for setting in good):
        return [setting or _unreadable(line, source, ordinal) for line, setting in read]
    if 2 * len(good) < len(lines) or not any(setting.name in names.SETTINGS for setting in good):
        return []
    return good


def _line_setting(line: Span, source: Source, ordinal: int) -> Setting | None:
    """A line ``name = value`` or ``name: value``; quotes, a comma at the end and a comment are no part of the value."""
    match = _NAME.match(line.text)
    if match is None:
        return None
    rest = line.text[match.end() :]
    start = line.start + match.end()
    value: str | int | float | bool
    if quoted := _QUOTED.fullmatch(rest):
        value = text = quoted["text"]
        start += quoted.start("text")
    else:
        comment = _COMMENT.search(" " + rest)
        text = rest[: comment.start()] if comment else rest
        text = text.rstrip().removesuffix(",").rstrip()
        value = yamltree.plain_value(text)
    if not text:
        return None
    return _setting(match["name"], value, text, source, start, ordinal)


def _unreadable(line: Span, source: Source, ordinal: int) -> Setting:
    text = line.text.strip()
    start = line.start + len(line.text) - len(line.text.lstrip())
    return Setting(text, text, "", "", source.place(start, start + len(text)), ordinal)


def _setting(
    name: str,
    value: str | int | float | bool,
    text: str,
    source: Source,
    start: int,
    block: int | None,
    origin: ClaimOrigin = "code",
) -> Setting:
    place = source.place(start, start + len(text))
    return Setting(names.setting_name(name) or name, name, value, text, place, block, origin)


def _command_settings(fence: Fence, source: Source, ordinal: int) -> list[Setting]:
    """The flags of a ``run_squad.py`` or ``run_qa.py`` command, over continued lines; a bare flag is true."""
    if fence.language not in _SHELLS:
        return []
    settings = []
    inside = False
    for line in fence.lines:
        start = 0
        if not inside and (script := _SCRIPT.search(line.text)):
            inside, start = True, script.end()
        if inside:
            settings += [_flag_setting(m, line, source, ordinal) for m in _FLAG.finditer(line.text, start)]
        inside = inside and line.text.rstrip().endswith("\\")
    return settings


def _flag_setting(match: re.Match[str], line: Span, source: Source, ordinal: int) -> Setting:
    for group in ("double", "single", "plain"):
        text = match[group]
        if text is not None:
            value = yamltree.plain_value(text) if group == "plain" else text
            return _setting(match["name"], value, text, source, line.start + match.start(group), ordinal)
    place = source.place(line.start + match.start(), line.start + match.end("name"))
    return Setting(names.setting_name(match["name"]) or match["name"], match["name"], True, "", place, ordinal)


def _overview_settings(prose: Prose, source: Source) -> Iterator[Setting]:
    """Lines such as ``**Training data:** SQuAD 2.0``."""
    for line in prose.lines:
        text = line.text.rstrip().rstrip("\\").rstrip()
        indent = len(text) - len(text.lstrip())
        match = _OVERVIEW.match(text, indent)
        if match is None or names.setting_name(match["name"]) not in _OVERVIEW_NAMES:
            continue
        value = text[match.end() :]
        bare = value.strip("`\"'")
        if bare:
            start = line.start + match.end() + value.index(bare)
            yield _setting(match["name"], bare, bare, source, start, None, "prose")


def _prose_teacher(prose: Prose, source: Source) -> Iterator[Setting]:
    start = prose.lines[0].start if prose.lines else 0
    end = prose.lines[-1].start + len(prose.lines[-1].text) if prose.lines else 0
    for match in _TEACHER.finditer(source.text, start, end):
        group = "link" if match["link"] else "name"
        yield _setting("teacher", match[group], match[group], source, match.start(group), None, "prose")
