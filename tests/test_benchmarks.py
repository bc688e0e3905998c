"""The benchmarks: that they count rightly and run, not what they measure."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from .benchmarks import _report, growth
from .benchmarks._measure import Goal, Kind, Round, Table, Way, interleaved, single
from .secret_service import ROOT


def _way(name: str, kind: Kind, figures: Callable[[], Sequence[float]]) -> Way:
    @contextmanager
    def opened() -> Iterator[Round]:
        yield figures

    return Way(name, kind, opened)


def test_ways_take_turns_and_each_begins_a_round() -> None:
    """No way always comes first, and each has as many turns as the others."""
    turns: list[str] = []

    def turn(name: str) -> Sequence[float]:
        turns.append(name)
        return [1.0]

    ways = [_way(name, "ours", partial(turn, name)) for name in "abc"]
    rows = interleaved(ways, 3, "a", warm=0)
    assert turns == list("abcbcacab")
    assert [row.samples for row in rows] == [3, 3, 3]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A machine that slows down in one round changes both ways, and not their ratio."""
    floor = iter([[1.0, 1.0], [10.0, 10.0], [1.0, 1.0]])
    ours = iter([[2.0, 2.0], [20.0, 20.0], [2.0, 2.0]])
    ways = [
        _way("floor", "floor", lambda: next(floor)),
        _way("ours", "ours", lambda: next(ours)),
    ]
    rows = interleaved(ways, 3, "floor", scale=1e3, warm=0)
    assert [row.ratio for row in rows] == [1.0, 2.0]
    assert [row.median for row in rows] == [1e3, 2e3]
    assert rows[1].p99 == 20e3


def test_p99_is_above_99_of_100_samples() -> None:
    """Of a hundred samples one is beyond the p99; of fewer it is the largest."""
    way = _way("ours", "ours", lambda: [float(n) for n in range(1, 101)])
    assert interleaved([way], 1, "ours", warm=0)[0].p99 == 99.0
    way = _way("ours", "ours", lambda: [3.0, 1.0, 2.0])
    assert interleaved([way], 1, "ours", warm=0)[0].p99 == 3.0


def _table() -> Table:
    rows = [
        single("the floor", "floor", [1.0, 2.0, 3.0], 2.0),
        single("ours", "ours", [0.0], 0.0),
    ]
    goals = [Goal("at most 1", 1.0, 1.0), Goal("0.5 at least", 0.4, 0.5, least=True)]
    return Table("B0", "Nothing", "ms", "the floor", rows, goals, ["A note."])


def test_tables_say_what_was_reached() -> None:
    """A table has a line for each way, and a verdict for each goal."""
    text = _report.as_text(_table())
    assert "the floor  floor         2.00       3.00   1.00" in text
    assert "goal: at most 1: reached (1)" in text
    assert "goal: 0.5 at least: not reached (0.4)" in text
    assert "note: A note." in text
    assert ".. list-table::" in _report.as_rst([_table()])


def test_tables_for_programs_are_json() -> None:
    """The same as JSON, with the machine, goals judged."""
    told = json.loads(_report.as_json([_table()]))
    assert told["machine"]["cores"]
    assert [goal["reached"] for goal in told["tables"][0]["goals"]] == [True, False]
    assert math.isnan(told["tables"][0]["rows"][1]["ratio"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (0.01234, "0.0123"), (1.234, "1.23"), (98.76, "98.8"), (1234.5, "1,234")],
)
def test_figures_have_three_digits(value: float, shown: str) -> None:
    """No more digits than a measurement has."""
    assert _report.number(value) == shown


def test_growth_is_looked_at_where_it_says() -> None:
    """Steps are made one after the other, and those after each point are measured."""
    seen: list[int] = []
    found = growth.curve(seen.append, 100)
    assert seen == list(range(len(seen)))
    assert [point for point, _ in found] == [1, 3, 10, 30, 100]


def test_a_benchmark_runs_from_the_command_line(tmp_path: Path) -> None:
    """One that needs nothing prints its tables and writes its figures."""
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tests.benchmarks", "B5", "B8", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--json", str(file)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [table["id"] for table in json.loads(file.read_text("utf-8"))["tables"]]
    assert names == ["B5a", "B5b", "B5c", "B8"]
    assert "200 logins of 200 clients at once" in done.stdout
