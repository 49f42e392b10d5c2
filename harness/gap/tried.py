"""Every protocol that a run's folder allows, tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import RecordError
from harness.gap.known import Known, read_forced, read_known
from harness.gap.others import other_runs
from harness.gap.protocols import OtherRule, other_decodings, other_rules
from harness.gap.scorings import other_scorings, other_thresholds
from harness.progress import Progress, silent
from harness.records import Question, Rescored, Run, Scores
from harness.run_folder import LOGITS
from harness.squad import summarize

FORCED = "forced answer"
TOKENS = "farm eval_on_file"


def try_protocols(
    folder: Path,
    run: Run,
    questions: Sequence[Question],
    *,
    others: Sequence[tuple[Path, Run]] = (),
    progress: Progress = silent,
) -> tuple[Rescored, ...]:
    """Score a finished run's predictions, and its logits where they were kept, under other protocols.

    Args:
        folder: The run's folder.
        run: Its record; of one that stopped early the figures are those of the questions that were asked.
        questions: The data that it evaluated.
        others: Other run folders and their records: those of the same weights on the same data take part.
        progress: Told of what is being tried.

    Returns:
        The protocols in a fixed order, names unique; the run's own is not among them. `untried` says what is missing.

    Raises:
        RecordError: the run is not finished, the questions are others, or the folder's files are not those of its
            record.
        PredictionsError: a file of predictions is damaged.
    """
    known = read_known(folder, run, questions)
    found: dict[str, Rescored] = {}
    forced: Mapping[str, str] | None
    if known.logits is None:
        forced = read_forced(known, run)
        if known.rules == "2.0" and forced is not None and not known.decoding.forced_answer:
            scores = known.score(forced)
            how = "the best span is the answer, whatever the null odds"
            found[FORCED] = known.compare(FORCED, how, scores, summarize(scores))
    else:
        decoded, forced = _decode(known, known.logits, progress)
        found |= decoded
    for item in (*other_thresholds(known, forced), *other_scorings(known, forced)):
        found[item.name] = item
    decodings = {item.decoding for item in found.values()}
    for item in other_runs(known, run, others):
        if item.decoding == known.decoding or item.decoding not in decodings:
            found.setdefault(item.name, item)
    return tuple(found.values())


def lacks_logits(folder: Path, run: Run) -> str | None:
    """Why decodings of a model's run cannot be tried, and what makes it possible; None where its logits are there."""
    if run.kind == "replay" or (folder / LOGITS).is_dir():
        return None
    of = "" if run.model is not None else " on the run's model"
    return (
        "No logits were kept, so that other decodings were not tried (n_best, max_answer_length, the rules of "
        "FARM, run_qa, run_squad and the pipeline, the token-level metric of FARM): harness evaluate "
        f"--keep-logits{of} leaves them."
    )


def untried(folder: Path, run: Run) -> str:
    """What was not or cannot be tried of a run, and how to make it possible, in sentences.

    Args:
        folder: The run's folder.
        run: Its record.
    """
    if run.kind == "replay":
        return (
            "Of predictions alone, other answers of the model are not known: other decodings and windows need its "
            "logits, which harness evaluate MODEL DATA --keep-logits leaves."
        )
    parts = []
    looked_at = run.alternatives is not None and run.untried is None  # while the logits were there
    if not looked_at and (lacking := lacks_logits(folder, run)) is not None:
        parts.append(lacking)
    elif run.recipe.decoding.protocol == "run_squad":
        parts.append(
            "Windows of run_squad hold whole words, so that the rules of FARM, run_qa and the pipeline and FARM's "
            "token-level metric were not tried: harness evaluate --keep-logits with --protocol run_qa or farm allows "
            "them."
        )
    parts.append(
        "Windows cut otherwise (protocol, max_seq_len, doc_stride, lower_case) need the model again: harness evaluate "
        "with those options leaves a run that takes part."
    )
    return " ".join(parts)


def _decode(known: Known, logits: Path, progress: Progress) -> tuple[dict[str, Rescored], Mapping[str, str] | None]:
    """What kept logits come to under other decodings, rules and the token-level metric, and the forced answers."""
    from harness.spans.kept import rescore_many

    settings = other_decodings(known.decoding)
    rules = other_rules(known.decoding, may_be_empty=known.rules == "2.0")
    decodings = [known.decoding, *(item.decoding for item in settings)]
    own, *predictions = rescore_many(logits, known.predicted, decodings, known.ids)
    if own.answers != known.answers:
        raise RecordError(
            f"{logits}: decoded as the run did, they do not give its predictions; run it again with --fresh",
            path=str(logits),
        )
    found: dict[str, Rescored] = {}
    forced = own.answers if known.decoding.forced_answer else None
    for item, made in zip(settings, predictions, strict=True):
        scores = known.score(made.answers)
        found[item.name] = known.compare(item.name, item.how, scores, summarize(scores), item.decoding)
        forced = made.answers if item.name == FORCED else forced
    answers: dict[str, dict[str, str]] = {rule.name: {} for rule in rules}
    exact: dict[str, float] = {}
    f1: dict[str, float] = {}
    for question, pair in _answer(known, logits, rules, answers, progress):
        if pair is not None:
            exact[question.id], f1[question.id] = pair
    for rule in rules:
        scores = known.score(answers[rule.name])
        found[rule.name] = known.compare(rule.name, rule.how, scores, summarize(scores))
    if exact:
        found[TOKENS] = _by_tokens(known, exact, f1)
    return found, forced


def _answer(
    known: Known,
    logits: Path,
    rules: Sequence[OtherRule],
    answers: Mapping[str, dict[str, str]],
    progress: Progress,
) -> Iterator[tuple[Question, tuple[float, float] | None]]:
    """Put every rule's answers into `answers`, and give each question's scores by FARM's token-level metric."""
    from harness.spans.farm_tokens import score_tokens
    from harness.spans.kept import read_parts

    if not rules:
        return
    done, total, asked = 0, len(known.questions), {question.id for question in known.questions}
    for part, windows, found in read_parts(logits, known.predicted, known.ids):
        for question, own in zip(part, windows.by_question(len(part), found), strict=True):
            if question.id not in asked:
                continue
            for rule in rules:
                answers[rule.name][question.id] = rule.answer(question, own)
            yield question, score_tokens(question, own, known.decoding)
        done = min(done + len(part), total)
        progress("other protocols", done, total, "")


def _by_tokens(known: Known, exact: dict[str, float], f1: dict[str, float]) -> Rescored:
    has_ans = {qid: known.scores.has_ans[qid] for qid in exact}
    scores = Scores(known.rules, exact, f1, has_ans)
    left_out = len(known.questions) - len(exact)
    cut = f"; questions left out, as FARM drops them: {left_out}" if left_out else ""
    figures = {known.exact: 100.0 * sum(exact.values()) / len(exact), "f1": 100.0 * sum(f1.values()) / len(f1)}
    return known.compare(
        TOKENS,
        "FARM's rule and its token-level metric on the run's windows, as FARMReader.eval_on_file of haystack 1.0 to "
        f"1.3 reports: token numbers are compared, no text{cut}",
        scores,
        {**figures, "total": len(exact)},
    )
