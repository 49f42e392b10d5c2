"""A card's claims against runs, on the card's own terms, the project's and the command line's."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from harness.assumptions import AcceptedDeviation, AssumedTolerance
from harness.assumptions.tolerances import apply_entry, concerns
from harness.evidence.choosing import GIVEN, choose_group
from harness.evidence.index import CardIndex, index_card
from harness.evidence.opened import Opened
from harness.evidence.protocols import how_scored, meant_decoding
from harness.names.sizes import split_size
from harness.records import Claim, Comparison, Run, Tolerance, Verdict
from harness.store import save_again
from harness.verdict import SOURCES_N, Terms, applies, count_questions, default_tolerance, figure, judge_claim
from harness.verdict.recipes import same_but_seeds, same_recipe

_UNCHECKED = "no finished run to check it with"


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asks of the verdicts beyond what the card says."""

    tolerance: float | None = None
    """Points, in place of every other tolerance."""
    at_least: bool = False
    """A figure above the claim is as good as the claimed one."""
    tolerances: tuple[AssumedTolerance, ...] = ()
    """The project's own."""
    today: datetime.date = field(default_factory=datetime.date.today)
    """The day that known deviations are held against."""

    def __post_init__(self) -> None:
        points = self.tolerance
        if points is not None and not (math.isfinite(points) and 0.0 <= points <= 100.0):
            raise ValueError(f"tolerance: found {points}, expected 0 to 100 points")


def judge(
    opened: Opened,
    runs: Run | Sequence[Run] | None,
    options: Options | None = None,
    others: Sequence[Run] = (),
) -> tuple[Comparison, ...]:
    """Every claim of the card against one run, or against several seeds of its recipe.

    Args:
        opened: The card.
        runs: One run, or several seeds.
        options: What is asked of the verdicts.
        others: Evaluations of the same weights: each claim is held against what `choose_group` says.
    """
    index = index_card(opened)
    if not others or not runs:
        return tuple(judge_one(opened, runs, claim, options, index) for claim in opened.card.claims)
    groups = [(runs,) if isinstance(runs, Run) else tuple(runs), *((other,) for other in others)]
    again = groups[0][0].kind not in GIVEN
    return tuple(
        judge_one(opened, groups[choose_group(opened, claim, groups, index)], claim, options, index, again=again)
        for claim in opened.card.claims
    )


def judge_one(
    opened: Opened,
    runs: Run | Sequence[Run] | None,
    claim: Claim,
    options: Options | None = None,
    index: CardIndex | None = None,
    *,
    again: bool = False,
) -> Comparison:
    """One claim of the card.

    Its tolerance is the command line's, else the most fitting of the card's assumptions, else of the project's, else
    the default for the kind of run. An entry for a subset or data set goes before one for any.

    Args:
        opened: The card.
        runs: One run, or several seeds of the card's recipe; None leaves the claim unchecked.
        claim: One of the card's claims.
        options: What is asked beyond that.
        index: Of the card, so that judging many claims one by one does not look all of them up for each.
        again: Weights that were evaluated as they are were trained by the card's recipe again, and need not be those
            that the card speaks of: a gap that another training may make calls no claim false.
    """
    options = options or Options()
    given = (runs,) if isinstance(runs, Run) else tuple(runs or ())
    if not given or any(run.evaluated is None for run in given):
        return Comparison(claim, None, _UNCHECKED)
    index = index or index_card(opened)
    given = tuple(_as_the_card_says(opened, run) for run in given)
    terms = Terms(
        at_least=options.at_least,
        total=_total(index, claim),
        own=_own(opened, given),
        beside=_beside(index, claim, given[0]),
    )
    notes = ""
    if given[0].kind == "released":
        run, terms, notes = _scored_as_claimed(opened, claim, given[0], terms, index)
        if run is None:
            return Comparison(claim, Verdict.NOT_COMPARABLE, notes, runs=(given[0].id,), protocol="other")
        given = (run, *given[1:])
    comparison = judge_claim(
        claim, given, replace(terms, tolerance=_tolerance(opened, claim, given[0], terms, options, again))
    )
    if notes and comparison.verdict is not Verdict.NOT_COMPARABLE:
        comparison = replace(comparison, reason=f"{comparison.reason}; {notes}")
    return _with_deviation(opened, _with_other_training(comparison, given), options.today, index)


def with_judgement(run: Run, comparisons: tuple[Comparison, ...]) -> Run:
    """The record with what the claims came to."""
    return replace(run, comparisons=comparisons)


def record_judgement(folder: Path, run: Run, comparisons: tuple[Comparison, ...]) -> Run:
    """`with_judgement`, written into the run's folder."""
    return save_again(folder, with_judgement(run, comparisons))


def _as_the_card_says(opened: Opened, run: Run) -> Run:
    """What was assumed is the card's matter, and may be stated by now; how answers were decoded is the run's."""
    meant = replace(opened.recipe, decoding=run.recipe.decoding)
    if same_recipe(opened.recipe, run.recipe):
        return replace(run, recipe=meant)
    if same_but_seeds(opened.recipe, run.recipe):
        stages = tuple(
            replace(stage, seed=theirs.seed)
            for stage, theirs in zip(opened.recipe.stages, run.recipe.stages, strict=True)
        )
        return replace(run, recipe=replace(meant, stages=stages))
    return run


def _own(opened: Opened, runs: Sequence[Run]) -> str | None:
    return next((run.id for run in runs if same_recipe(opened.recipe, run.recipe)), None)


def _beside(index: CardIndex, claim: Claim, run: Run) -> tuple[Claim, ...]:
    """The other claims of the same place about the same data, as far as the run can check them."""
    together = {} if claim.group is None else index.together.get((claim.group, claim.data), {})
    others = (
        claims
        for told, claims in together.items()
        if told != (claim.metric, claim.subset) and figure(claims[0], run) is not None
    )
    return tuple(chain.from_iterable(others))


def _total(index: CardIndex, claim: Claim) -> int | None:
    """The number of questions that the card prints for the claim's subset, where its figure stands."""
    counts = index.counts.get((claim.group, "all" if claim.subset == "best" else claim.subset), frozenset())
    return next(iter(counts)) if len(counts) == 1 and claim.group is not None else None


def _scored_as_claimed(
    opened: Opened, claim: Claim, run: Run, terms: Terms, index: CardIndex
) -> tuple[Run | None, Terms, str]:
    """A released run under the protocol of the claim, as far as it is known, and what is to be said of that."""
    scoring = how_scored(opened, claim, run, index)
    if scoring.protocol == "stated otherwise":
        told = f"the card states how it scored, and the run scored otherwise ({'; '.join(scoring.differences)})"
        wanted = meant_decoding(opened, run)
        same = next((a for a in run.alternatives or () if a.decoding == wanted), None)
        if same is None or _signed_elsewhere(opened, claim, run, index):
            return None, terms, f"{told}: evaluate with --card"
        if run.bounds is not None and run.bounds.partial:  # its bounds are of the other way of scoring
            return None, terms, f"{told}, and stopped early: evaluate with --card"
        rescored = replace(run, scores=same.scores, best={})
        return rescored, replace(terms, protocol="known"), f"its logits were scored as the card states, {same.name}"
    return run, replace(terms, protocol=scoring.protocol), "; ".join(scoring.differences)


def _signed_elsewhere(opened: Opened, claim: Claim, run: Run, index: CardIndex) -> bool:
    """Whether the way of scoring that the card states is in a signature line which the recipe does not share."""
    as_meant = replace(run, recipe=replace(run.recipe, decoding=meant_decoding(opened, run)))
    return how_scored(opened, claim, as_meant, index).protocol != "known"


def _tolerance(opened: Opened, claim: Claim, run: Run, terms: Terms, options: Options, again: bool) -> Tolerance:
    if options.tolerance is not None:
        points = options.tolerance
        return Tolerance(points, points, points, "given for this comparison")
    own = () if opened.assumptions is None else opened.assumptions.tolerances
    for entries in (own, options.tolerances):
        fitting = [
            entry
            for entry in entries
            if concerns(entry, run.kind)
            and applies(entry.metric, entry.dataset, claim)
            and entry.subset in (None, claim.subset)
        ]
        if fitting:
            best = max(fitting, key=lambda e: (e.subset is not None, e.dataset is not None, e.kind is not None))
            few = SOURCES_N if best.points is not None else count_questions(claim, run)
            return apply_entry(best, _default(opened, run, terms, few, again))
    return _default(opened, run, terms, count_questions(claim, run), again)


def _default(opened: Opened, run: Run, terms: Terms, n: int, again: bool) -> Tolerance:
    default = default_tolerance(run.kind, terms.protocol, n)
    if run.kind != "released" or not again:
        return default
    trained = default_tolerance("distilled" if any(s.teacher for s in opened.recipe.stages) else "retrained", n=n)
    undecided = max(default.inconclusive, trained.inconclusive, 2.0 * trained.within)
    return replace(default, inconclusive=undecided, reason=f"{default.reason}; weights of the recipe trained again")


def _with_other_training(comparison: Comparison, runs: Sequence[Run]) -> Comparison:
    """The comparison; what other training data came to says nothing against the recipe, and little for it."""
    other = [
        f"{used.n} of {size.n} questions of {used.ref}"
        for run in runs
        for stage in run.stages
        for used in stage.data
        if "[" not in used.ref.split and (size := split_size(used.ref)) is not None and size.n != used.n
    ]
    if not other or comparison.verdict in (None, Verdict.NOT_COMPARABLE):
        return comparison
    told = f"{comparison.reason}; trained on {' and '.join(dict.fromkeys(other))}, which is not the recipe"
    return replace(comparison, verdict=Verdict.INCONCLUSIVE, reason=told)


def _with_deviation(opened: Opened, comparison: Comparison, today: datetime.date, index: CardIndex) -> Comparison:
    """The comparison with the known deviation that the card's assumptions name for its claim."""
    if comparison.verdict is not Verdict.DIFFERS or opened.assumptions is None:
        return comparison
    entry = known_deviation(opened, comparison.claim, index)
    if entry is None:
        return comparison
    if entry.expires < today:
        told = f"a known deviation until {entry.expires}, which is over: {entry.reason}"
        return replace(comparison, reason=f"{comparison.reason}; {told}")
    told = f"a known deviation until {entry.expires}: {entry.reason}"
    return replace(comparison, reason=f"{comparison.reason}; {told}", deviation=entry.reason)


def known_deviation(opened: Opened, claim: Claim, index: CardIndex | None = None) -> AcceptedDeviation | None:
    """The entry for a claim among the known deviations, expired or not; the last day decides between several."""
    if opened.assumptions is None or not opened.assumptions.deviations:
        return None
    return (index or index_card(opened)).deviations.get(claim)
