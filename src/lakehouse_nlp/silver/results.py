"""What became of every rule in a step: its figures, whether it was kept, and whether the step can stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse_nlp.core.errors import DataError
from lakehouse_nlp.core.settings import Settings
from lakehouse_nlp.silver.figures import Figure, Step, share
from lakehouse_nlp.silver.judge import Counts, summaries
from lakehouse_nlp.silver.rules import Deed, Rule, fingerprint

Outcome = Literal["passed", "tolerated", "failed", "skipped", "masked"]


@dataclass(frozen=True)
class Result:
    """A rule's figures in one step; of a rule over rows, the share of the rows it looked at that broke it.

    `limit`: the tolerance as the settings give it; None where they leave it out.
    """

    rule: str
    action: Deed
    fingerprint: str
    figures: tuple[Figure, ...]
    limit: float | None
    valid: int

    @property
    def tolerance(self) -> float:
        """The share of the rows, or of a bound, by which the rule may be broken."""
        return self.limit or 0.0

    @property
    def outcome(self) -> Outcome:
        """`tolerated`: broken, and by no more than the tolerance; `skipped`: too few rows to say anything.

        A mask is not broken: it is `masked` where it found something.
        """
        if self.action == "mask":
            return "masked" if self.broken else "passed"
        if not self.figures:
            return "skipped"
        if all(figure.keeps() for figure in self.figures):
            return "passed"
        return "tolerated" if all(figure.keeps(self.tolerance) for figure in self.figures) else "failed"

    @property
    def stops(self) -> bool:
        """Whether the step cannot stand. Setting rows aside stops it only beyond a tolerance that is given."""
        limited = self.action == "fail" or (self.action == "quarantine" and self.limit is not None)
        return limited and self.outcome == "failed"

    @property
    def read(self) -> int:
        """Rows that the rule looked at."""
        return next((figure.of for figure in self.figures if figure.of is not None), self.valid)

    @property
    def broken(self) -> int:
        """Rows that broke it; for figures that are no share of rows, how many figures did."""
        return sum(not figure.keeps() if figure.part is None else figure.part for figure in self.figures)

    @property
    def share(self) -> float | None:
        """The share of the rows that broke it; None for figures that are no share of rows."""
        return next((figure.value for figure in self.figures if figure.of is not None), None)

    @property
    def told(self) -> str:
        """Its figures in words: `mean of price is 12.3, and is to be from 20 to 30`."""
        return "; ".join(map(str, self.figures)) or "too few rows to say anything"

    def row(self) -> tuple[Any, ...]:
        """What `ops.checks` says of it, from `rule` on."""
        counted = (self.read, self.broken, self.share, self.tolerance)
        return (self.rule, self.action, self.fingerprint, *counted, self.outcome, self.told)


def results(settings: Settings, found: Sequence[Rule], counts: Counts, now: datetime) -> list[Result]:
    """The result of every rule, in the rules' order, then of the rules over the whole step. `now`: in UTC."""
    step = Step(counts.valid, now)
    over_rows = [
        Result(rule.name, rule.action, rule.fingerprint, (_broken(rule, counts),), rule.tolerance, counts.valid)
        for rule in found
    ]
    over_step = [
        Result(
            check.known_as, check.action, fingerprint(check),
            tuple(summary.figures(counts.sums.get(check.known_as, {}), step)), check.tolerance, counts.valid,
        )
        for check, summary in summaries(settings)
    ]  # fmt: skip
    return over_rows + over_step


def _broken(rule: Rule, counts: Counts) -> Figure:
    if rule.action == "mask":
        return share(f"share of rows that {rule.name} changed", counts.broken[rule.name], counts.read, most=None)
    of = counts.given[rule.of] if rule.of else counts.read
    return share(f"share of rows that broke {rule.name}", counts.broken[rule.name], of)


def refuse(found: Sequence[Result], rules: Sequence[Rule], rows: DataFrame) -> None:
    """Raises DataError if a rule that stops the step was broken; names the rules and a row of the first."""
    stopping = [result for result in found if result.stops]
    if not stopping:
        return
    places = {rule.name: place for place, rule in enumerate(rules)}
    place = next((places[result.rule] for result in stopping if result.rule in places), None)
    told = "; ".join(_told(result) for result in stopping)
    raise DataError(
        f"silver: broken with action {stopping[0].action}: {told}{'' if place is None else _first(rows, rules, place)}",
        hint="mend the data, or give the check another action or tolerance; bronze holds every row, nothing is lost",
    )


def _told(result: Result) -> str:
    most = f", and at most {result.limit:.2%} may" if result.limit else ""
    if result.share is None:
        return f"{result.rule}: {result.told}"
    return f"{result.rule} by {result.broken:,} of {result.read:,} rows{most}"


def _first(rows: DataFrame, rules: Sequence[Rule], place: int) -> str:
    broke = rows.where(F.col("_broken")[place])
    row = broke.select("_file", rules[place].message).first()
    return f"; first: {row[1]} (file {row[0]})" if row else ""
