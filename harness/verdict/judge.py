"""One claim against its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records import Claim, Comparison, Rescored, Run, Seeds, Tolerance, Verdict
from harness.verdict.digits import resolution
from harness.verdict.scope import count_questions, figure, figure_in, obstacle
from harness.verdict.seeds import FEW, pool_seeds
from harness.verdict.tolerances import HALF_WIDTH, default_tolerance
from harness.verdict.zones import Measure, Zone

SURE = 0.6
"""A claim read with less confidence is never called false: what the figure is of was not understood."""

_HEADLINE_KEYS = {"exact_match": ("exact", "exact_match"), "f1": ("f1",)}
_NO_TRAINING = {"seed", "name"}
"""Fields of a stage whose value moves a figure by no more than the tolerance, which is that of seeds, holds."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a claim is held against runs."""

    tolerance: Tolerance | None = None
    """In place of the default for the kind of run."""
    protocol: Literal["known", "assumed", "other"] = "assumed"
    """Of weights as they were given; see `Comparison.protocol`."""
    at_least: bool = False
    """A figure above the claim is as good as the claimed one."""
    total: int | None = None
    """Questions that the card prints beside the figure."""
    own: str | None = None
    """Of several seeds: the id of the run with the seeds that the card states."""
    beside: tuple[Claim, ...] = ()
    """Claims that stand beside this one and were scored with it: a protocol has to give all of them."""


def judge_claim(claim: Claim, runs: Run | Sequence[Run] | None, terms: Terms | None = None) -> Comparison:
    """Judge one claim. Never raises: a claim that cannot be compared says why.

    Args:
        claim: What the card reports.
        runs: The evidence: one run, or several of one recipe with different seeds; None leaves the claim unchecked.
        terms: How it is held against them.

    Returns:
        The verdict. Three seeds or more are judged by their prediction interval, two by their mean like one; an early
        stop decides where every figure that it leaves possible gives the same verdict.
    """
    terms = terms or Terms()
    given = (runs,) if isinstance(runs, Run) else tuple(runs or ())
    if not given or any(run.status != "finished" or run.evaluated is None for run in given):
        return Comparison(claim, None, "no finished run to check it with")
    ids = tuple(run.id for run in given)
    hindrance = obstacle(claim, given[0], terms.total) or _mixed(given)
    if hindrance:
        return Comparison(claim, Verdict.NOT_COMPARABLE, hindrance, runs=ids)
    figures = [figure(claim, run) for run in given]
    known = [value for value in figures if value is not None]
    if len(known) < len(figures):
        missing = f"the run has no {claim.metric} of the subset {claim.subset}"
        return Comparison(claim, Verdict.NOT_COMPARABLE, missing, runs=ids)
    found = _Judge(claim, given, known, terms).judge()
    comparison = replace(found, runs=ids, protocol=terms.protocol if given[0].kind == "released" else None)
    if comparison.verdict is Verdict.DIFFERS and claim.confidence < SURE:
        unsure = f"but the card does not tell surely what the figure is of (confidence {claim.confidence:g})"
        return replace(comparison, verdict=Verdict.INCONCLUSIVE, reason=f"{comparison.reason}; {unsure}")
    return comparison


def _mixed(runs: Sequence[Run]) -> str | None:
    """Why the runs are no seeds of one recipe on one data set, in words; None if they are."""
    if len({run.id for run in runs}) < len(runs):
        return "two runs of one id: each seed counts once"
    if len({run.evaluated.sha256 for run in runs if run.evaluated}) > 1:
        return "the runs evaluated different questions"
    if len(runs) > 1 and any(run.kind not in ("retrained", "distilled") for run in runs):
        return "several runs are pooled over seeds only, and these trained nothing"
    if len(runs) > 1 and any(run.bounds is not None for run in runs):
        return "runs that stopped early cannot be pooled"
    return None


@dataclass(frozen=True, slots=True)
class _Judge:
    """A claim that can be compared."""

    claim: Claim
    runs: Sequence[Run]
    figures: Sequence[float]
    terms: Terms

    def judge(self) -> Comparison:
        run = self.runs[0]
        tolerance = self.terms.tolerance or self.default()
        if len(self.runs) >= FEW:
            return self.by_seeds(tolerance)
        tolerance = self.widened(tolerance)
        value = sum(self.figures) / len(self.figures)
        measure = Measure(self.claim, tolerance, self.terms.at_least)
        low, high = _possible(self.claim, run, value)
        if low < high:
            return self.early(measure, value, low, high)
        verdict, reason, explained = self.decide(measure, measure.zone(value), value)
        seeds = pool_seeds(self.figures, HALF_WIDTH) if len(self.runs) > 1 else None
        if seeds is not None:
            reason = f"mean of two seeds: {reason}"
        return self.comparison(verdict, reason, value, tolerance, seeds, explained)

    def decide(
        self, measure: Measure, zone: Zone, value: float, spread: float = 0.0
    ) -> tuple[Verdict, str, str | None]:
        """Verdict, reason, and the protocol that gives the claimed figure, by the zone of the figure.

        `spread` is how far the figure itself may be off: of a run that stopped early.
        """
        run, tolerance = self.runs[0], measure.tolerance
        found = self.gap(value)
        if run.kind == "replay" and zone is Zone.WITHIN and not tolerance.within and not self.above(value):
            zone = Zone.DIFFERS  # nothing moves stored predictions
        if run.kind == "released" and self.terms.protocol != "known":
            return self.by_protocol(measure, zone, found, spread)
        if zone is Zone.DIGITS:
            return Verdict.MATCHES, f"the reproduced figure gives the printed digits{self.assumed()}", None
        if zone is Zone.WITHIN:
            return Verdict.WITHIN_TOLERANCE, f"{found}, {self.allowed(value, tolerance)}{self.assumed()}", None
        if zone is Zone.WARNED:
            warning = f"warning, more than {tolerance.within:g} but within {tolerance.warned:g}"
            return Verdict.WITHIN_TOLERANCE, f"{found}: {warning}{self.assumed()}", None
        if zone is Zone.COARSE:
            return Verdict.INCONCLUSIVE, f"{found}: {self.coarse()}", None
        if zone is Zone.INCONCLUSIVE:
            few = (
                f" on {count_questions(self.claim, run)} questions"
                if tolerance.inconclusive > 2.0 * tolerance.warned
                else ""
            )
            why = f"one run{few} cannot tell gaps up to {tolerance.inconclusive:.3g} from chance"
            if self.guesses():
                why = f"with assumed values that affect training, gaps up to {tolerance.inconclusive:g} decide nothing"
            reason = f"{found}: more than the tolerance of {tolerance.warned:g}, but {why}{self.assumed()}"
            return Verdict.INCONCLUSIVE, reason, None
        if run.kind == "replay":
            return Verdict.DIFFERS, f"{found}: the stored predictions do not give the printed digits", None
        explained = self.explanation(tolerance, spread)
        told = "" if explained is None else f"; {_named(explained)} would give the claimed figure"
        reason = f"{found}, tolerance {tolerance.warned:g}{told}{self.assumed()}"
        return Verdict.DIFFERS, reason, None if explained is None else explained.name

    def by_protocol(self, measure: Measure, zone: Zone, found: str, spread: float) -> tuple[Verdict, str, str | None]:
        """Weights as they are, where the card does not say how it scored."""
        tolerance, other = measure.tolerance, self.terms.protocol == "other"
        if zone <= Zone.WARNED and not other:
            if zone is Zone.DIGITS:
                return Verdict.MATCHES, "the reproduced figure gives the printed digits; protocol assumed", None
            warning = f": warning, more than {tolerance.within:g}" if zone is Zone.WARNED else ""
            allowed = self.allowed(self.figures[0], tolerance)
            return Verdict.WITHIN_TOLERANCE, f"{found}{warning}, {allowed}; protocol assumed", None
        if zone <= Zone.WARNED:
            reason = f"{found}, but under another protocol than the one that the card is taken to mean"
            return Verdict.INCONCLUSIVE, reason, None
        if zone is Zone.COARSE:
            return Verdict.INCONCLUSIVE, f"{found}: {self.coarse()}", None
        tried = self.runs[0].alternatives
        explained = self.explanation(tolerance, spread)
        if explained is not None:
            moved = explained.gained + explained.lost
            reason = (
                f"{found}; {_named(explained)} gives the claimed figure, one of {len(tried or ())} other protocols "
                f"tried, in which {moved} questions are right otherwise; the card does not say how it scored"
            )
            return Verdict.INCONCLUSIVE, reason, explained.name
        if zone is Zone.INCONCLUSIVE:
            protocols = (
                f"none of {len(tried)} other protocols tried gives it{self.together()}"
                if tried
                else "no other one was tried"
            )
            reason = (
                f"{found}: the card does not say how it scored, and another protocol can move a figure by up to "
                f"{tolerance.inconclusive:g}; {protocols}"
            )
            return Verdict.INCONCLUSIVE, reason, None
        if tried is None:
            reason = (
                f"{found}: more than other protocols usually move a figure, but none was tried: evaluate with --card, "
                "or with --keep-logits and compare with the data"
            )
            return Verdict.INCONCLUSIVE, reason, None
        reason = f"{found}, tolerance {tolerance.within:g}, and {self.none_gives(tried)}"
        return Verdict.DIFFERS, reason, None

    def by_seeds(self, tolerance: Tolerance) -> Comparison:
        """Three seeds or more: the claim against the interval in which one more run would fall."""
        limit = HALF_WIDTH if tolerance.half_width is None else tolerance.half_width
        seeds = pool_seeds(self.figures, limit)
        spread = Tolerance(
            seeds.half_95,
            seeds.half_99,
            max(seeds.half_99, 2.0 * seeds.half_95) if self.guesses() else seeds.half_99,
            f"prediction interval of {len(self.figures)} seeds, 95 and 99 %"
            + ("" if tolerance.half_width is None else f"; {tolerance.reason}"),
            limit,
        )
        measure = Measure(self.claim, spread, self.terms.at_least)
        zone = measure.zone(seeds.mean)
        found = (
            f"{self.gap(seeds.mean)}: mean {seeds.mean:.2f} of {len(self.figures)} seeds, which spread by "
            f"{seeds.deviation:.2f}, half of the 95 % interval {seeds.half_95:.2f}"
        )
        own = [value for value, run in zip(self.figures, self.runs, strict=True) if run.id == self.terms.own]
        one_run = Measure(self.claim, self.terms.tolerance or self.default())
        if any(one_run.zone(value) is Zone.DIGITS for value in own):
            reason = f"the run with the card's own seeds gives the printed digits; {found}"
            verdict = Verdict.MATCHES
        elif zone is Zone.DIFFERS:
            verdict, reason = Verdict.DIFFERS, f"{found}; the claim is outside that of 99 %{self.assumed()}"
        elif seeds.half_95 > limit and not (self.terms.at_least and self.above(seeds.mean - seeds.half_95)):
            enough = (
                f"{seeds.enough} seeds would do" if seeds.enough else "no number of seeds would do with such a spread"
            )
            verdict = Verdict.INCONCLUSIVE
            reason = f"{found}, wider than {limit:g}, so that it shows nothing: {enough}{self.assumed()}"
        elif zone in (Zone.DIGITS, Zone.WITHIN):
            verdict, reason = Verdict.WITHIN_TOLERANCE, f"{found}{self.assumed()}"
            if zone is Zone.DIGITS:
                verdict, reason = Verdict.MATCHES, f"the mean gives the printed digits; {found}"
        elif zone is Zone.WARNED:
            verdict = Verdict.WITHIN_TOLERANCE
            reason = f"{found}: warning, the claim is outside that of 95 % and inside that of 99 %{self.assumed()}"
        else:
            verdict = Verdict.INCONCLUSIVE
            reason = f"{found}: {self.coarse()}" if zone is Zone.COARSE else f"{found}: outside{self.assumed()}"
        return self.comparison(verdict, reason, seeds.mean, spread, seeds, None)

    def early(self, measure: Measure, value: float, low: float, high: float) -> Comparison:
        """A run that stopped before all questions were asked."""
        run = self.runs[0]
        bounds = run.bounds
        assert bounds is not None
        told = (
            f"after {bounds.used} of {bounds.n} questions between {low:.2f} and {high:.2f} "
            f"(all intervals hold with {100 * (1 - bounds.alpha):g} %)"
        )
        spread = max(value - low, high - value, 0.0)
        nearest, farthest = measure.zones(low, high)
        # the printed digits are one figure among those that are within tolerance
        nearest = Zone.WITHIN if nearest is Zone.DIGITS and farthest is not Zone.DIGITS else nearest
        verdicts = {self.decide(measure, zone, value, spread)[0] for zone in Zone if nearest <= zone <= farthest}
        if len(verdicts) > 1:
            open_ = self.comparison(Verdict.INCONCLUSIVE, f"undecided {told}", value, measure.tolerance, None, None)
            return replace(open_, undecided=True)
        verdict, reason, explained = self.decide(measure, farthest, value, spread)
        return self.comparison(verdict, f"{reason}; {told}", value, measure.tolerance, None, explained)

    def default(self) -> Tolerance:
        run = self.runs[0]
        return default_tolerance(run.kind, self.terms.protocol, count_questions(self.claim, run))

    def widened(self, tolerance: Tolerance) -> Tolerance:
        """A guess about training can move the figure as much again."""
        if not self.guesses():
            return tolerance
        return replace(tolerance, inconclusive=max(tolerance.inconclusive, 2.0 * tolerance.within))

    def explanation(self, tolerance: Tolerance, spread: float) -> Rescored | None:
        """The first protocol under which the claim, and those beside it, are within tolerance."""
        run, narrow = self.runs[0], replace(tolerance, warned=tolerance.within)

        def gives(claim: Claim, tried: Rescored) -> bool:
            value = figure_in(claim, tried.scores)
            if value is None and claim is not self.claim:
                value = figure(claim, run)  # a protocol that says nothing of it leaves it as it is
            if value is None:
                return False
            return Measure(claim, narrow).zones(value - spread, value + spread)[0] <= Zone.WITHIN

        claims = (self.claim, *self.terms.beside)
        return next((t for t in run.alternatives or () if all(gives(claim, t) for claim in claims)), None)

    def guesses(self) -> bool:
        """Whether a value that somebody assumed affects training."""
        run = self.runs[0]
        return run.kind in ("retrained", "distilled") and any(
            origin.how == "assumed" and name not in _NO_TRAINING
            for stage in run.recipe.stages
            for name, origin in stage.origins.items()
        )

    def assumed(self) -> str:
        fields = self.runs[0].recipe.assumed
        return f"; assumed: {', '.join(fields)}" if fields else ""

    def gap(self, value: float) -> str:
        difference = value - self.claim.reported
        return f"{abs(difference):.2f} points {'above' if difference > 0 else 'below'} the claim"

    def above(self, value: float) -> bool:
        return self.terms.at_least and value > self.claim.reported

    def allowed(self, value: float, tolerance: Tolerance) -> str:
        if self.above(value) and value - self.claim.reported > tolerance.warned + resolution(self.claim):
            return "at least what is claimed, and no more is asked"
        return f"tolerance {tolerance.within:g}"

    def none_gives(self, tried: Sequence[Rescored]) -> str:
        together = " together with the figures beside it" if self.terms.beside else ""
        return f"none of {len(tried)} other protocols tried gives it{together}"

    def coarse(self) -> str:
        return f"the claim is printed to {resolution(self.claim):g} points only, which is too coarse"

    def comparison(
        self,
        verdict: Verdict,
        reason: str,
        value: float,
        tolerance: Tolerance,
        seeds: Seeds | None,
        explained: str | None,
    ) -> Comparison:
        return Comparison(
            self.claim,
            verdict,
            reason,
            value,
            value - self.claim.reported,
            tolerance,
            seeds=seeds,
            explained_by=explained,
        )


def _possible(claim: Claim, run: Run, value: float) -> tuple[float, float]:
    """The figures that the run leaves possible: one, unless it stopped early."""
    if run.bounds is None:
        return value, value
    keys = _HEADLINE_KEYS[claim.metric] if claim.subset == "all" else ()
    for key in keys:
        if key in run.bounds.low and key in run.bounds.high:
            return run.bounds.low[key], run.bounds.high[key]
    return 0.0, 100.0  # subsets are not waited for


def _named(tried: Rescored) -> str:
    return f"the protocol {tried.name} ({tried.how})"
