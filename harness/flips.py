"""Where two runs part: questions that one of them answers right and the other does not, by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from harness.breakdown import group_questions
from harness.records import Flips, PairedGroup, Question, Scores
from harness.squad import split_answer

_Given = Literal["right answer", "wrong answer", "an answer", "no answer", "no prediction"]
_KINDS: tuple[tuple[_Given, _Given, bool], ...] = (
    ("right answer", "wrong answer", True),
    ("right answer", "no answer", True),
    ("right answer", "no prediction", True),
    ("wrong answer", "right answer", True),
    ("no answer", "right answer", True),
    ("no prediction", "right answer", True),
    ("no answer", "an answer", False),
    ("no answer", "no prediction", False),
    ("an answer", "no answer", False),
    ("no prediction", "no answer", False),
)
"""First run, second run, whether the question has an answer; losses before gains."""


def sort_flips(
    first: Scores, second: Scores, answers: Mapping[str, str], others: Mapping[str, str]
) -> tuple[Flips, ...]:
    """The questions that exactly one of two runs answers exactly right, by what the two give.

    An answer of which the official rules leave no word, such as ``the``, is no answer.

    Args:
        first: Scores of the first run.
        second: Of the second, on the same questions.
        answers: Question id -> answer text of the first run; a question without one has no prediction.
        others: Of the second.
    """
    found: dict[tuple[_Given, _Given, bool], list[str]] = {kind: [] for kind in _KINDS}
    for qid, has_ans in first.has_ans.items():
        right = first.exact[qid] == 1.0, second.exact[qid] == 1.0
        if right[0] != right[1]:
            given = (_given(answers.get(qid), right[0], has_ans), _given(others.get(qid), right[1], has_ans))
            found[(*given, has_ans)].append(qid)
    return tuple(
        Flips(one, other, gained=other == ("right answer" if has_ans else "no answer"), has_ans=has_ans, ids=tuple(ids))
        for (one, other, has_ans), ids in found.items()
        if ids
    )


def compare_groups(
    first: Scores, second: Scores, questions: Sequence[Question] | None = None
) -> tuple[PairedGroup, ...]:
    """The two runs' figures on the questions with and without an answer, and by kind and by question word.

    A grouping with a single group says nothing more than the whole and is left out; so are kinds that only some
    questions have.

    Args:
        first: Scores of the first run.
        second: Of the second, on the same questions.
        questions: The data, where it is at hand; questions that were not scored are passed over.
    """
    answered = {"has_ans": [q for q, has in first.has_ans.items() if has]}
    answered["no_ans"] = [q for q, has in first.has_ans.items() if not has]
    groupings: dict[Literal["answer", "kind", "question-word"], Mapping[str, Sequence[str]]] = {"answer": answered}
    scored = [q for q in questions or () if q.id in first.exact]
    if scored:
        if all(q.kind is not None for q in scored):
            groupings["kind"] = group_questions(scored, "kind")
        groupings["question-word"] = group_questions(scored, "question-word")
    return tuple(
        _group(by, name, ids, first, second)
        for by, groups in groupings.items()
        if sum(map(bool, groups.values())) > 1
        for name, ids in groups.items()
    )


def measure_kappa(both_right: int, only_first: int, only_second: int, both_wrong: int) -> float | None:
    """Agreement of right and wrong beyond that of chance, at most 1; None where both are always right, or always wrong.

    Cohen, *A coefficient of agreement for nominal scales*, Educational and Psychological Measurement 20, 1960.
    """
    n = both_right + only_first + only_second + both_wrong
    first, second = both_right + only_first, both_right + only_second
    by_chance = first * second + (n - first) * (n - second)
    if by_chance == n * n:
        return None
    return (n * (both_right + both_wrong) - by_chance) / (n * n - by_chance)


def _given(answer: str | None, right: bool, has_ans: bool) -> _Given:
    if answer is None:
        return "no prediction"
    if right:
        return "right answer" if has_ans else "no answer"
    if has_ans:
        return "wrong answer" if split_answer(answer) else "no answer"
    return "an answer"


def _group(
    by: Literal["answer", "kind", "question-word"], name: str, ids: Sequence[str], first: Scores, second: Scores
) -> PairedGroup:
    right = [(first.exact[qid] == 1.0, second.exact[qid] == 1.0) for qid in ids]
    exact, f1 = (
        tuple(100.0 * sum(values[qid] for qid in ids) / len(ids) for values in pair)
        for pair in ((first.exact, second.exact), (first.f1, second.f1))
    )
    return PairedGroup(
        by=by,
        name=name,
        n=len(ids),
        exact=exact,
        f1=f1,
        only_first=sum(x and not y for x, y in right),
        only_second=sum(y and not x for x, y in right),
    )
