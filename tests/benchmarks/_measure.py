"""Ways of doing the same work, measured in turns, and what came out as a table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Final, Literal

import attrs

Kind = Literal["floor", "by hand", "peer", "ours"]
Round = Callable[[], Sequence[float]]
"""Does the work for one round, and returns one figure for each time that it was done."""

_MOST_SAMPLES: Final = 200_000  # kept of one way; more would only cost memory


@attrs.frozen
class Way:
    """One way of doing the work.

    Attributes:
        name: What the table calls it.
        kind: Whose way it is.
        opened: Makes it ready; what ``with`` gives does one round.
    """

    name: str
    kind: Kind
    opened: Callable[[], AbstractContextManager[Round]]


@attrs.frozen
class Row:
    """What one way costs.

    Attributes:
        name: The way.
        kind: Whose.
        median: Of all samples, in the table's unit.
        p99: Of all samples; of fewer than a hundred the largest.
        ratio: To the way that the table compares with: the median of what each round gave.
        samples: How many there were.
    """

    name: str
    kind: Kind
    median: float
    p99: float
    ratio: float
    samples: int


@attrs.frozen
class Goal:
    """What is aimed at, and what came of it.

    Attributes:
        text: In words.
        figure: What was measured.
        most: What it may be at most, or at least if ``least``.
        least: Whether more is better.
    """

    text: str
    figure: float
    most: float
    least: bool = False

    @property
    def reached(self) -> bool:
        """Return whether it is reached."""
        return self.figure >= self.most if self.least else self.figure <= self.most


@attrs.frozen
class Table:
    """One benchmark's outcome.

    Attributes:
        id: The goal's, e.g. ``"B3"``.
        title: What is measured.
        unit: Of medians and p99s.
        against: The way of ratio 1, or nothing where ratios mean nothing.
        rows: One for each way.
        goals: What was aimed at.
        notes: What a reader has to know.
    """

    id: str
    title: str
    unit: str
    against: str
    rows: list[Row]
    goals: list[Goal] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)

    def row(self, name: str) -> Row:
        """Return the row of a way."""
        return next(row for row in self.rows if row.name == name)


def interleaved(
    ways: Sequence[Way], rounds: int, against: str, *, scale: float = 1.0, warm: int = 1
) -> list[Row]:
    """Let the ways take turns, and return a row for each.

    Args:
        ways: What to compare.
        rounds: How many turns each has.
        against: The name of the one that the ratios are to.
        scale: What samples are multiplied by, e.g. 1000 for milliseconds.
        warm: How many turns each has before, which do not count.
    """
    found: dict[str, list[list[float]]] = {way.name: [] for way in ways}
    with ExitStack() as stack:
        opened = [(way, stack.enter_context(way.opened())) for way in ways]
        for _ in range(warm):
            for _, turn in opened:
                turn()
        for number in range(rounds):
            # Whoever comes after a busy way finds a warmer machine: everybody does, in turn.
            shift = number % len(opened)
            for way, turn in opened[shift:] + opened[:shift]:
                found[way.name].append([scale * sample for sample in turn()])
    middles = {name: [statistics.median(turn) for turn in turns] for name, turns in found.items()}
    return [_row(way, found[way.name], middles[way.name], middles[against]) for way in ways]


def _row(way: Way, turns: list[list[float]], middles: list[float], others: list[float]) -> Row:
    samples = sorted([sample for turn in turns for sample in turn][:_MOST_SAMPLES])
    ratios = [
        mine / other if other else math.nan for mine, other in zip(middles, others, strict=True)
    ]
    return Row(
        way.name,
        way.kind,
        statistics.median(samples),
        samples[min(len(samples) - 1, math.ceil(0.99 * len(samples)) - 1)],
        statistics.median(ratios),
        len(samples),
    )


def single(name: str, kind: Kind, figures: Iterable[float], against: float) -> Row:
    """Return the row of something that is measured otherwise than in turns."""
    samples = sorted(figures)
    middle = statistics.median(samples)
    return Row(
        name, kind, middle, samples[-1], middle / against if against else math.nan, len(samples)
    )
