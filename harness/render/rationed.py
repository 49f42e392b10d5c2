"""The environment that other people's templates run in: an allow-list of what they may say, and a budget.

What Jinja's own sandbox lets through is still enough to fill a machine: `'a' * 10**9`, lists of lists of one list,
loops in loops. Here every statement, filter, function and call is one of those named below, and every text, list,
number and turn of a loop is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from harness.records import DataRef, ModelRef
from harness.render.escape import Escaped
from harness.render.sandbox import FILTERS, only_escaped

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

Load = Callable[[str], tuple[str, str, Callable[[], bool]] | None]
"""Name of a template -> its text, its file, and whether that is still so; None where there is none."""

MOST_TEXT = 8_000_000
"""Characters that a rendering may make in all, those that it drops again included."""
LONGEST_TEXT = 1_000_000
"""Characters of one text."""
MOST_STEPS = 100_000
"""Turns of loops, blocks and templates, in all."""
MOST_ITEMS = 10_000
"""Items of a list or mapping with all that it holds, and numbers of a range."""
LARGEST_BITS = 128
"""Of a whole number that is computed."""
SECONDS = 10.0

STATEMENTS = ("if", "for", "set", "with", "block", "extends", "include", "raw")
FUNCTIONS = ("range", "namespace")
_NODES = frozenset(
    {
        *("Template", "Output", "TemplateData", "If", "For", "Assign", "With", "Block", "Extends", "Include"),
        *("Name", "NSRef", "Const", "Tuple", "List", "Dict", "Pair", "Keyword", "CondExpr", "Filter", "Test", "Call"),
        *("Getitem", "Getattr", "Slice", "Concat", "Compare", "Operand", "Not", "And", "Or", "Neg", "Pos"),
        *("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow", "EnvironmentAttribute", "ExprStmt"),
    }
)
_WORDS = {"Macro": "macro", "CallBlock": "call", "FilterBlock": "filter", "AssignBlock": "set without =",
          "Import": "import", "FromImport": "from", "ScopedEvalContextModifier": "autoescape"}  # fmt: skip
_OF_MAPPINGS = frozenset({"items", "keys", "values", "get"})
_PLAIN = (str, int, float, type(None), DataRef, ModelRef)


def rationed_environment(load: Load) -> ImmutableSandboxedEnvironment:
    """A new environment, with a budget of its own, over the templates that `load` gives."""
    from jinja2 import FunctionLoader, StrictUndefined

    environment = _environment_class()(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        autoescape=False,  # as in `sandbox`: nothing is printed that no filter made safe
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.finalize = environment.printed
    environment.filters.clear()
    environment.filters.update({name: environment.counted(make) for name, make in FILTERS.items()})
    environment.filters["length"] = len
    namespace = environment.globals["namespace"]
    environment.globals.clear()
    environment.globals.update(range=_short_range, namespace=namespace)
    return environment  # type: ignore[no-any-return]


def _short_range(*bounds: int) -> range:
    from jinja2.exceptions import SecurityError

    numbers = range(*bounds)
    if len(numbers) > MOST_ITEMS:
        raise SecurityError(f"a range of {len(numbers)} numbers, at most {MOST_ITEMS}")
    return numbers


@cache
def _environment_class() -> Any:
    from jinja2 import nodes
    from jinja2.exceptions import SecurityError, TemplateSyntaxError
    from jinja2.runtime import BlockReference, LoopContext, Undefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace

    def refuse(message: str) -> NoReturn:
        raise SecurityError(message)

    class UserEnvironment(ImmutableSandboxedEnvironment):
        """Runs only what is listed, and counts what it takes."""

        intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.text = 0
            self.steps = 0
            self.ends = time.monotonic() + SECONDS

        # Three functions that `_generate` puts calls of into every template.

        def step(self, characters: int) -> str:
            """One turn of a loop, block or template that holds so many characters."""
            self.steps += 1
            if self.steps > MOST_STEPS:
                refuse(f"more than {MOST_STEPS} turns of loops")
            if time.monotonic() > self.ends:
                refuse(f"takes more than {SECONDS:g} seconds")
            self.charge(characters)
            return ""

        def joined(self, *parts: Any) -> str:
            """What `~` gives."""
            text = "".join(self.plain(part) for part in parts)
            return self.checked(text)

        def weighed(self, value: Any) -> Any:
            """A list or mapping, unless it holds too much: a list of lists of one list grows beyond all bounds."""
            _weigh(value)
            return value

        def printed(self, value: Any) -> str:
            """What the package's own templates may print, counted."""
            text = only_escaped(value)
            self.charge(len(text))
            return text

        def charge(self, characters: int) -> None:
            self.text += characters
            if self.text > MOST_TEXT:
                refuse(f"makes more than {MOST_TEXT} characters in all")

        def checked(self, text: str) -> str:
            if len(text) > LONGEST_TEXT:
                refuse(f"a text of {len(text)} characters, at most {LONGEST_TEXT}")
            self.charge(len(text))
            return text

        def plain(self, value: Any) -> str:
            if not isinstance(value, (*_PLAIN, Undefined)):
                refuse(f"a {type(value).__name__} cannot be printed; print what is in it")
            return str(value)

        def counted(self, make: Callable[..., Escaped]) -> Callable[..., Escaped]:
            """A filter that takes plain values, or for YAML mappings, and whose text is counted."""

            def filtered(value: Any, *args: Any, **kwargs: Any) -> Escaped:
                if isinstance(value, Mapping) and make is FILTERS["yaml"]:
                    _weigh(value)
                elif not isinstance(value, (*_PLAIN, Undefined)):
                    refuse(f"a {type(value).__name__} cannot be printed; print what is in it")
                text = make(value, *args, **kwargs)
                self.checked(text)
                return text

            return filtered

        def is_safe_callable(self, obj: Any) -> bool:
            if isinstance(obj, (BlockReference, LoopContext)) or obj is Namespace or obj is _short_range:
                return True
            owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
            if owner is self:
                return name in ("step", "joined", "weighed")
            return isinstance(owner, Mapping) and name in _OF_MAPPINGS

        def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as in the base
            if isinstance(__obj, Undefined):
                str(__obj)  # raises what it is
            if not __self.is_safe_callable(__obj):
                refuse(f"{getattr(__obj, '__name__', type(__obj).__name__)} cannot be called")
            result = super().call(__context, __obj, *args, **kwargs)
            # a block or turn of a loop was made of printed, so of escaped text
            return Escaped(__self.checked(result)) if isinstance(__obj, (BlockReference, LoopContext)) else result

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if operator == "+" and isinstance(left, str) and isinstance(right, str):
                return self.checked(str(left) + str(right))
            if operator == "+" and isinstance(left, list) and isinstance(right, list):
                return self.weighed(left + right)
            for value in (left, right):
                if isinstance(value, Undefined):
                    str(value)  # raises what it is
                if isinstance(value, bool) or not isinstance(value, (int, float)):
                    refuse(f"{operator} of a {type(value).__name__}; it is for numbers")
            if operator == "**" and (abs(right) > LARGEST_BITS or abs(left) > 2**LARGEST_BITS):
                refuse("a number that is too large")
            result = self.binop_table[operator](left, right)
            if isinstance(result, int) and result.bit_length() > LARGEST_BITS * LARGEST_BITS:
                refuse("a number that is too large")
            return result

        def _generate(
            self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
        ) -> Any:
            line = 1
            for node in source.find_all(nodes.Node):
                kind = type(node).__name__
                line = node.lineno or line
                if kind not in _NODES:
                    word = _WORDS.get(kind, kind)
                    message = f"{word!r} is not allowed, expected one of {', '.join(STATEMENTS)}"
                    raise TemplateSyntaxError(message, line, name, filename)
            return super()._generate(_counting(source, self), name, filename, defer_init=defer_init)

    return UserEnvironment


def _counting(template: nodes.Template, environment: Any) -> nodes.Template:
    """The template with calls of `step`, `joined` and `weighed` in it."""
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    def call(name: str, args: list[nodes.Expr], line: int) -> nodes.Call:
        made = nodes.Call(nodes.EnvironmentAttribute(name), args, [], None, None)
        return made.set_lineno(line, override=True).set_environment(environment)  # type: ignore[return-value]

    def stepping(body: list[nodes.Node], line: int) -> list[nodes.Node]:
        data = (part for node in body for part in _literals(node))
        characters = sum(len(part.data) for part in data)
        step = nodes.ExprStmt(call("step", [nodes.Const(characters)], line))
        return [step.set_lineno(line, override=True).set_environment(environment), *body]

    class Counting(NodeTransformer):
        def visit_Template(self, node: nodes.Template) -> nodes.Node:  # noqa: N802 - named after the node
            return self.body_of(node)

        def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
            return self.body_of(node)

        def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802
            return self.body_of(node)

        def body_of(self, node: Any) -> nodes.Node:
            self.generic_visit(node)
            node.body = stepping(node.body, node.lineno)
            return node  # type: ignore[no-any-return]

        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
            self.generic_visit(node)
            return call("joined", node.nodes, node.lineno)

        def weighed(self, node: Any) -> nodes.Node:
            self.generic_visit(node)
            stored = getattr(node, "ctx", "load") != "load"
            return node if stored else call("weighed", [node], node.lineno)

        visit_List = visit_Tuple = visit_Dict = weighed  # noqa: N815

    return Counting().visit(template)  # type: ignore[no-any-return]


def _literals(node: nodes.Node) -> Iterable[nodes.TemplateData]:
    from jinja2 import nodes

    return [node] if isinstance(node, nodes.TemplateData) else node.find_all(nodes.TemplateData)


def _weigh(value: Any) -> None:
    """Raise where a value holds more items, each as often as it stands there, than one may have."""
    from jinja2.exceptions import SecurityError

    waiting, count = [value], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if count + len(waiting) > MOST_ITEMS:
            raise SecurityError(f"a list or mapping of more than {MOST_ITEMS} items")
        if isinstance(item, Mapping):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple)):
            waiting += item
