"""Other ways of scoring the same predictions: thresholds on the null odds, and what is counted as right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from harness.curves import best_thresholds
from harness.gap.known import Known
from harness.records import Rescored, Scores
from harness.squad import apply_threshold, score_predictions, summarize


def other_thresholds(known: Known, forced: Mapping[str, str] | None) -> Iterator[Rescored]:
    """Other cuts of the null odds, under rules 2.0.

    ``best threshold`` is what ``evaluate-v2.0.py --na-prob-file`` prints as ``best_exact`` and ``best_f1``; ``threshold
    for f1`` is how the threshold was chosen that BERT (Devlin et al. 2019, section 4.3) and its followers reported,
    ``threshold for exact`` the same for the other figure; ``no-answer probability 0`` is what ``run_squad``, ``run_qa``
    and scripts around the ``squad_v2`` metric give the official rules, which then find the best beginning of the data.

    Args:
        known: The run.
        forced: Its best answers that are not empty, for thresholds above its own; None where they are not known.
    """
    if known.rules != "2.0":
        return
    zeros = dict.fromkeys((qid for qid in known.scores.exact if qid in known.answers), 0.0)
    if known.null_odds is not None:
        best = best_thresholds(known.scores, known.answers, known.null_odds)
        at = {name: best[f"best_{name}_thresh"] for name in ("exact", "f1")}
        yield known.compare(
            "best threshold",
            "the run's answers, each figure at the threshold on the null odds that is best for it on these questions "
            f"({at['exact']:.4g} and {at['f1']:.4g})",
            apply_threshold(known.scores, known.answers, known.null_odds, at["exact"]),
            {"exact": best["best_exact"], "f1": best["best_f1"], "total": len(known.scores.exact)},
        )
        # without the answers that the run's own threshold took away, only lower ones can be tried
        answers = known.answers if forced is None else forced
        scores = known.scores if forced is None else known.score(forced)
        best = best_thresholds(scores, answers, known.null_odds)
        names: tuple[Literal["f1", "exact"], ...] = ("f1", "exact")
        for name in names:
            cut = best[f"best_{name}_thresh"]
            chosen = apply_threshold(scores, answers, known.null_odds, cut)
            yield known.compare(
                f"threshold for {name}",
                f"the answer is empty where the null odds are above {cut:.4g}, best for {name} on these questions",
                chosen,
                summarize(chosen),
            )
    yield known.compare(
        "no-answer probability 0",
        "the official best figures with a no-answer probability of 0 for every question, which is where counting up "
        "from the beginning of the data comes to most",
        known.scores,
        best_thresholds(known.scores, known.answers, zeros),
    )


def other_scorings(known: Known, forced: Mapping[str, str] | None) -> Iterator[Rescored]:
    """Other rules for the same answers.

    Args:
        known: The run.
        forced: Its best answers that are not empty, None where they are not known.
    """
    raw = _raw(known)
    yield known.compare(
        "raw text",
        "the answer must equal a reference letter by letter, as evaluate's exact_match has it: case, articles and "
        "punctuation count",
        raw,
        {known.exact: 100.0 * sum(raw.exact.values()) / len(raw.exact), "total": len(raw.exact)},
    )
    if any(len(question.answers) > 1 for question in known.questions):
        # scripts that read answers["text"][0], and metrics that take one reference
        firsts = [replace(question, answers=question.answers[:1]) for question in known.questions]
        first = score_predictions(firsts, known.answers, rules=known.rules, missing="zero")
        yield known.compare("first reference", "the first reference of each question alone", first, summarize(first))
    if known.scores.missing:
        given = _of(known.scores, [qid for qid in known.scores.exact if qid in known.answers])
        # evaluate-v2.0.py leaves out of the mean what has no prediction; evaluate-v1.1.py counts it 0
        how = f"the {known.scores.missing} questions without a prediction are left out of the mean"
        yield known.compare("missing left out", how, given, summarize(given))
    answered = [qid for qid, has in known.scores.has_ans.items() if has]
    if known.rules == "2.0" and answered:
        # the metric squad, or run_qa without --version_2_with_negative, on the part of the data that it can read
        chosen = _of(known.scores, answered)
        how = "unanswerable questions left out"
        yield known.compare("answerable only", how, chosen, _whole(chosen))
        if forced is not None:
            chosen = _of(known.score(forced), answered)
            how += ", and the best span is the answer, whatever the null odds"
            yield known.compare("answerable only, forced answer", how, chosen, _whole(chosen))


def _raw(known: Known) -> Scores:
    exact = {}
    for question in known.questions:
        references = [answer.text for answer in question.answers] or [""]
        exact[question.id] = float(known.answers.get(question.id) in references)
    return replace(known.scores, exact=exact, f1=exact)


def _of(scores: Scores, ids: list[str]) -> Scores:
    exact, f1 = ({qid: values[qid] for qid in ids} for values in (scores.exact, scores.f1))
    return replace(scores, exact=exact, f1=f1, has_ans={qid: scores.has_ans[qid] for qid in ids}, missing=0)


def _whole(scores: Scores) -> dict[str, float]:
    """The figures over all of these questions, without those of its parts."""
    return {key: value for key, value in summarize(scores).items() if key in {"exact", "f1", "total"}}
