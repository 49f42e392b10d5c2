"""The official SQuAD rules: one value per question, then means.

The rules are those of the data set's own scripts, ``evaluate-v1.1.py`` and ``evaluate-v2.0.py`` (Rajpurkar et al.,
https://rajpurkar.github.io/SQuAD-explorer/). Every figure equals theirs, sums included, because values are added in
the order of the data. One thing differs on purpose: a question without a prediction never shrinks the denominator.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from harness.errors import DataError, PredictionsError
from harness.records import Question, Scores

Rules = Literal["1.1", "2.0"]

_ARTICLES = frozenset({"a", "an", "the"})
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_LOWER_NO_PUNCTUATION = str.maketrans(string.ascii_uppercase, string.ascii_lowercase, string.punctuation)
_SHOWN_IDS = 3


def normalize_answer(text: str) -> str:
    """Lower case, without ASCII punctuation, without the articles a, an, the, single blanks."""
    return " ".join(split_answer(text))


def split_answer(text: str) -> list[str]:
    """The words of `normalize_answer`."""
    if text.isascii() and text.isprintable():
        # letters, digits and blanks are all that is left, so articles are whole words; elsewhere a dash, a combining
        # mark or a control character ends a word for the rule of the articles and does not split the text
        words = text.translate(_LOWER_NO_PUNCTUATION).split()
        return words if _ARTICLES.isdisjoint(words) else [word for word in words if word not in _ARTICLES]
    return _ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def choose_rules(questions: Iterable[Question]) -> Rules:
    """``2.0`` when any question is marked impossible or has no answer, else ``1.1``."""
    return "2.0" if any(q.impossible or not q.answers for q in questions) else "1.1"


def score_predictions(
    questions: Sequence[Question],
    answers: Mapping[str, str],
    *,
    rules: Literal["auto", "1.1", "2.0"] = "auto",
    missing: Literal["error", "zero"] = "error",
) -> Scores:
    """Score every question.

    Args:
        questions: The data, in its own order.
        answers: Question id -> predicted text, "" for no answer.
        rules: Which official script's rules; ``auto`` is `choose_rules`.
        missing: What a question without a prediction is: an error, or scored 0 and counted in `Scores.missing`. Where
            some are so scored, the predictions were made for another version of the data, and ids that the data
            does not have are left out and counted in `Scores.extra`.

    Raises:
        PredictionsError: ids are missing (unless ``missing="zero"``), or are not in the data while none is missing,
            or no id is in the data, or a prediction is no text.
        DataError: there are no questions, or rules 1.1 meet a question without an answer.
    """
    if not questions:
        raise DataError("the data holds no question: nothing can be scored")
    chosen: Rules = choose_rules(questions) if rules == "auto" else rules
    absent, extra = _check_ids(questions, answers, missing)
    score = {"2.0": _score_2_0, "1.1": _score_1_1}[chosen]
    words = _Words()
    exact: dict[str, float] = {}
    f1: dict[str, float] = {}
    for question in questions:
        qid = question.id
        prediction = answers.get(qid)
        if isinstance(prediction, str):
            exact[qid], f1[qid] = score(question, prediction, words)
        elif qid not in answers:
            exact[qid] = f1[qid] = 0.0
        else:  # None is neither an answer nor a missing one
            raise PredictionsError(
                f'the prediction for {qid!r:.80} is {prediction!r:.80}, expected text ("" for no answer)', ids=[qid]
            )
    has_ans = {q.id: bool(q.answers) for q in questions}
    return Scores(rules=chosen, exact=exact, f1=f1, has_ans=has_ans, missing=absent, extra=extra)


def apply_threshold(
    scores: Scores, answers: Mapping[str, str], null_odds: Mapping[str, float], threshold: float
) -> Scores:
    """Scores with every answer whose null odds exceed `threshold` taken as ""; a missing prediction keeps its 0."""
    check_null_odds(scores, answers, null_odds)

    def cut(values: Mapping[str, float]) -> dict[str, float]:
        return {
            qid: float(not scores.has_ans[qid]) if qid in answers and null_odds[qid] > threshold else value
            for qid, value in values.items()
        }

    return Scores(scores.rules, cut(scores.exact), cut(scores.f1), scores.has_ans, scores.missing, scores.extra)


def summarize(scores: Scores) -> dict[str, float]:
    """The official script's figures, in points, under its own keys.

    Rules 1.1 give ``exact_match`` and ``f1``; rules 2.0 give ``exact``, ``f1``, ``total`` and the same for the
    questions with an answer (``HasAns_``) and without (``NoAns_``), where there are any.
    """
    if scores.rules == "1.1":
        every = list(scores.exact)
        return {"exact_match": _mean(scores.exact, every), "f1": _mean(scores.f1, every)}
    groups = {
        "": list(scores.exact),
        "HasAns_": [qid for qid, has in scores.has_ans.items() if has],
        "NoAns_": [qid for qid, has in scores.has_ans.items() if not has],
    }
    figures: dict[str, float] = {}
    for prefix, ids in groups.items():
        if ids:
            figures[f"{prefix}exact"] = _mean(scores.exact, ids)
            figures[f"{prefix}f1"] = _mean(scores.f1, ids)
            figures[f"{prefix}total"] = len(ids)
    return figures


def check_null_odds(scores: Scores, answers: Mapping[str, str], null_odds: Mapping[str, float]) -> None:
    """Raise `PredictionsError` unless every scored prediction and no other id has null odds, none of them NaN."""
    _compare_ids({**scores.exact, **answers}, null_odds, what="null odds", absent_too=False)
    _compare_ids({qid: 0 for qid in scores.exact if qid in answers}, null_odds, what="null odds", extra_too=False)
    strange = [qid for qid, value in null_odds.items() if value != value]
    if strange:  # NaN has no place in an order, so that every figure would depend on the order of the file
        raise PredictionsError(f"the null odds of {_some(strange)} are NaN, expected numbers", ids=strange)


def _check_ids(questions: Sequence[Question], answers: Mapping[str, str], missing: str) -> tuple[int, int]:
    """Numbers of missing and of extra ids, where they are allowed."""
    known = dict.fromkeys([q.id for q in questions])
    if len(known) != len(questions):
        repeated = [qid for qid, count in Counter(q.id for q in questions).items() if count > 1]
        raise DataError(f"the data repeats {len(repeated)} question id(s), first {_some(repeated)}: ids must be unique")
    if known.keys() == answers.keys():
        return 0, 0
    absent = [qid for qid in known if qid not in answers]
    if absent and missing == "error":
        raise PredictionsError(
            f"{len(absent)} of {len(known)} questions have no prediction: {_some(absent)}. "
            "Add them, or score them 0 with --missing zero",
            ids=absent,
        )
    extra = sum(qid not in known for qid in answers)
    if not absent or extra == len(answers):
        _compare_ids(known, answers, what="predictions", absent_too=False)
    return len(absent), extra


def _compare_ids(
    known: Mapping[str, object],
    given: Mapping[str, object],
    *,
    what: str,
    absent_too: bool = True,
    extra_too: bool = True,
) -> None:
    extra = [qid for qid in given if qid not in known] if extra_too else []
    if extra:
        raise PredictionsError(
            f"{what} name {len(extra)} id(s) that the data does not have: {_some(extra)}. "
            "Give the data set that they were made for",
            ids=extra,
        )
    absent = [qid for qid in known if qid not in given] if absent_too else []
    if absent:
        raise PredictionsError(
            f"{what} lack {len(absent)} of {len(known)} questions: {_some(absent)}. Give every prediction its own",
            ids=absent,
        )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(f"{qid!r:.80}" for qid in ids[:_SHOWN_IDS])
    return shown + (", ..." if len(ids) > _SHOWN_IDS else "")


def _mean(values: Mapping[str, float], ids: Sequence[str]) -> float:
    # the official order of operations, so that the last bit agrees
    return 100.0 * sum(values[qid] for qid in ids) / len(ids)


class _Words(dict[str, list[str]]):
    """Text -> `split_answer` of it, each text split once: most predictions and references are said several times."""

    def __missing__(self, text: str) -> list[str]:
        words = self[text] = split_answer(text)
        return words


def _score_2_0(question: Question, prediction: str, words: _Words) -> tuple[float, float]:
    guess = words[prediction]
    if guess:
        return _score_words(question, guess, words)
    value = float(not any(words[answer.text] for answer in question.answers))
    return value, value


def _score_1_1(question: Question, prediction: str, words: _Words) -> tuple[float, float]:
    if not question.answers:
        raise DataError(
            f"question {question.id!r} has no answer, which rules 1.1 do not allow: use --rules 2.0 or auto"
        )
    guess = words[prediction]
    if guess:
        return _score_words(question, guess, words)
    # no word in common even with a reference that has none either
    return float(any(not words[answer.text] for answer in question.answers)), 0.0


def _score_words(question: Question, guess: list[str], words: _Words) -> tuple[float, float]:
    """Scores of an answer with words: by both scripts a reference without any wins nothing."""
    best = 0.0
    for answer in question.answers:
        gold = words[answer.text]
        if gold == guess:
            return 1.0, 1.0
        best = max(best, _overlap(gold, guess))
    return 0.0, best


def _overlap(gold: Sequence[str], guess: Sequence[str]) -> float:
    """F1 of two multisets of words."""
    left: dict[str, int] = {}
    for word in gold:
        left[word] = left.get(word, 0) + 1
    same = 0
    for word in guess:
        count = left.get(word)
        if count:
            left[word] = count - 1
            same += 1
    if same == 0:
        return 0.0
    precision, recall = same / len(guess), same / len(gold)
    return 2 * precision * recall / (precision + recall)
