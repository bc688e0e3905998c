"""Tables for people, for programs, for a page of documentation, and as a picture."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs

from ._measure import Goal, Row, Table

_PACKAGES: Final = ("requests", "urllib3", "attrs", "keyring", "flask", "cheroot")
_COLOURS: Final = {"floor": "#8a8f98", "by hand": "#c98a2b", "peer": "#5b8dbf", "ours": "#2f9e6e"}


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def number(value: float) -> str:
    """Return a figure with three significant digits."""
    if math.isnan(value):
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    digits = 2 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}"


def _ratio(row: Row) -> str:
    return "none" if math.isnan(row.ratio) else f"{row.ratio:.2f}"


def as_text(table: Table) -> str:
    """Return a table for a terminal."""
    width = max(len(row.name) for row in table.rows)
    lines = [
        f"{table.id}  {table.title}",
        f"  {'':<{width}}  {'':<7}  {'median':>9}  {'p99':>9}  ratio   ({table.unit})",
    ]
    lines += [
        f"  {row.name:<{width}}  {row.kind:<7}  {number(row.median):>9}  {number(row.p99):>9}"
        f"  {_ratio(row):>5}"
        for row in table.rows
    ]
    lines += [f"  {_verdict(goal)}" for goal in table.goals]
    lines += [f"  note: {note}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _verdict(goal: Goal) -> str:
    return f"goal: {goal.text}: {'reached' if goal.reached else 'not reached'} ({goal.figure:.3g})"


def as_rst(tables: Sequence[Table]) -> str:
    """Return the tables for the documentation."""
    told = "; ".join(f"{name} {value}" for name, value in machine().items())
    return "\n".join([f"The machine: {told}.\n", *(_rst(table) for table in tables)])


def _rst(table: Table) -> str:
    title = f"{table.id}: {table.title}"
    lines = [title, "~" * len(title), ""]
    lines += [".. list-table::", "   :header-rows: 1", "   :align: left", ""]
    rows = [["way", "whose", f"median, {table.unit}", "p99", "ratio"]]
    rows += [
        [row.name, row.kind, number(row.median), number(row.p99), _ratio(row)] for row in table.rows
    ]
    for row in rows:
        lines += [f"   {'*' if not place else ' '} - {cell}" for place, cell in enumerate(row)]
    lines += ["", *(f"G{_verdict(goal)[1:]}.\n" for goal in table.goals)]
    lines += [f"{note}\n" for note in table.notes]
    return "\n".join(lines)


def as_json(tables: Sequence[Table]) -> str:
    """Return the tables and the machine for programs."""

    def plain(table: Table) -> dict[str, Any]:
        goals = [{**attrs.asdict(goal), "reached": goal.reached} for goal in table.goals]
        return {**attrs.asdict(table), "goals": goals}

    return json.dumps({"machine": machine(), "tables": list(map(plain, tables))}, indent=1) + "\n"


def draw(tables: Sequence[Table], file: Path) -> None:
    """Draw medians as bars, a panel for each table.

    Args:
        tables: What to draw.
        file: Where to; its ending says which format.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    count = sum(1 + len(table.rows) for table in tables)
    figure, panels = pyplot.subplots(
        len(tables),
        1,
        figsize=(9, 0.32 * count + 0.5 * len(tables)),
        gridspec_kw={"height_ratios": [1 + len(table.rows) for table in tables]},
        layout="constrained",
        squeeze=False,
    )
    for table, panel in zip(tables, panels[:, 0], strict=True):
        _panel(table, panel)
    figure.savefig(file, dpi=70)
    if file.suffix == ".png":
        from PIL import Image  # matplotlib needs it too

        Image.open(file).quantize(64).save(file, optimize=True)
    pyplot.close(figure)


def _panel(table: Table, panel: Any) -> None:
    rows: list[Row] = table.rows[::-1]
    panel.barh(
        [row.name for row in rows],
        [row.median for row in rows],
        color=[_COLOURS[row.kind] for row in rows],
        height=0.7,
    )
    for place, row in enumerate(rows):
        panel.text(
            row.median, place, f" {number(row.median)}  ({_ratio(row)})", va="center", fontsize=8
        )
    panel.set_title(f"{table.id}: {table.title} ({table.unit})", fontsize=9, loc="left")
    panel.tick_params(labelsize=8)
    panel.set_xlim(0, 1.25 * max(row.median for row in rows))
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def say(text: str) -> None:
    """Print it at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
