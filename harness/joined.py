"""Several sequences as one, none of them copied."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar, overload

T = TypeVar("T")


def join(parts: Sequence[Sequence[T]]) -> Sequence[T]:
    """The items of all parts, in order; a slice of them reads only the parts it reaches into."""
    return parts[0] if len(parts) == 1 else _Joined(parts)


class _Joined(Sequence[T]):
    def __init__(self, parts: Sequence[Sequence[T]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step != 1:
                return [self[i] for i in range(first, last, step)]
            found: list[T] = []
            for part, end in zip(self._parts, self._ends, strict=True):
                begin = end - len(part)
                if first < end and last > begin:
                    found += part[max(0, first - begin) : last - begin]
            return found
        place = range(len(self))[index]
        number = bisect_right(self._ends, place)
        return self._parts[number][place - self._ends[number] + len(self._parts[number])]
