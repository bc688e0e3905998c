"""Layers: where the boxes of a picture stand, so that every arrow points downwards."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Final

import attrs

Graph = Mapping[str, set[str]]  # a box, and the boxes that its arrows point to

GAP: Final = 26.0  # pixels between neighbours in a layer
RISE: Final = 52.0  # pixels between layers
LANE: Final = 14.0  # pixels that an arrow takes up where it passes a layer
_SWEEPS: Final = 24


@attrs.frozen
class Spot:
    """Where a box, or an arrow that passes a layer, stands.

    Attributes:
        x: Its middle, in pixels.
        y: The middle of its layer, in pixels.
        width: In pixels.
        height: In pixels; 0 for an arrow.
    """

    x: float
    y: float
    width: float
    height: float


@attrs.frozen
class Layout:
    """A whole picture.

    Attributes:
        spots: Boxes by their names, and passing arrows by other names.
        roads: Each arrow as the names of what it passes, from its box to the one it points to.
        width: In pixels.
        height: In pixels.
    """

    spots: dict[str, Spot]
    roads: list[list[str]]
    width: float
    height: float


def reduced(graph: Graph) -> dict[str, set[str]]:
    """Return the graph without the arrows that a longer way makes superfluous."""
    return {
        box: {
            other
            for other in others
            if not any(other in _reach(graph, step) for step in others - {other})
        }
        for box, others in graph.items()
    }


def _reach(graph: Graph, box: str) -> set[str]:
    found: set[str] = set()
    waiting = [box]
    while waiting:
        for other in graph[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def layers(graph: Graph) -> dict[str, int]:
    """Return each box's layer, 0 at the bottom; boxes without arrows stand below their users."""
    level: dict[str, int] = {}

    def of(box: str) -> int:
        if box not in level:
            level[box] = 1 + max((of(other) for other in graph[box]), default=-1)
        return level[box]

    for box in sorted(graph):
        of(box)
    for box in sorted(graph):
        users = [level[user] for user, others in graph.items() if box in others]
        if not graph[box] and users:
            level[box] = min(users) - 1
    return level


def laid_out(graph: Graph, size: Callable[[str], tuple[float, float]]) -> Layout:
    """Return where everything stands.

    Args:
        graph: Without cycles.
        size: Returns a box's width and height in pixels.
    """
    level = layers(graph)
    roads = [_road(box, other, level) for box in sorted(graph) for other in sorted(graph[box])]
    for road in roads:
        level.update({name: level[road[0]] - step for step, name in enumerate(road)})
    rows = [
        sorted(name for name in level if level[name] == n) for n in range(max(level.values()) + 1)
    ]
    sizes = {name: size(name) if name in graph else (LANE, 0.0) for name in level}
    near: dict[str, list[str]] = {name: [] for name in level}
    for road in roads:
        for above, below in itertools.pairwise(road):
            near[above].append(below)
            near[below].append(above)
    widths = {name: width for name, (width, _) in sizes.items()}
    return _measured(rows, roads, sizes, _columns(rows, near, level, widths))


def _road(box: str, other: str, level: Mapping[str, int]) -> list[str]:
    between = range(level[box] - 1, level[other], -1)
    return [box, *(f"{box} {other} {step}" for step in between), other]


def _columns(
    rows: list[list[str]],
    near: Mapping[str, list[str]],
    level: Mapping[str, int],
    widths: Mapping[str, float],
) -> dict[str, float]:
    """Return each middle: neighbours in other layers pull, those in the same layer keep apart."""
    x: dict[str, float] = {}
    for row in rows:
        x.update(_apart(row, dict.fromkeys(row, 0.0), widths))
    for sweep in range(_SWEEPS):
        upwards = sweep % 2 == 0
        for n, row in enumerate(rows) if upwards else reversed(list(enumerate(rows))):
            settled = n - 1 if upwards else n + 1
            both = sweep >= _SWEEPS - 4  # at last both sides pull, and nobody changes places
            wish = {
                name: _mean([x[o] for o in near[name] if both or level[o] == settled], x[name])
                for name in row
            }
            row.sort(key=lambda name: (x[name] if both else wish[name], name))
            x.update(_apart(row, wish, widths))
    return x


def _mean(values: list[float], otherwise: float) -> float:
    return math.fsum(values) / len(values) if values else otherwise


def _apart(
    row: list[str], wish: Mapping[str, float], widths: Mapping[str, float]
) -> dict[str, float]:
    """Return middles as near to what is wished as a row of boxes that keep apart allows."""
    groups: list[tuple[list[str], float]] = []  # boxes that touch, and the first one's middle
    offsets: dict[str, float] = {}
    for name in row:
        group, offsets[name] = [name], 0.0
        start = wish[name]
        while groups and (
            start < _end(groups[-1], offsets) + _distance(groups[-1][0][-1], group[0], widths)
        ):
            before, _ = groups.pop()
            shift = offsets[before[-1]] + _distance(before[-1], group[0], widths)
            for member in group:
                offsets[member] += shift
            group = before + group
            start = _mean([wish[member] - offsets[member] for member in group], 0.0)
        groups.append((group, start))
    return {name: start + offsets[name] for group, start in groups for name in group}


def _end(group: tuple[list[str], float], offsets: Mapping[str, float]) -> float:
    return group[1] + offsets[group[0][-1]]


def _distance(left: str, right: str, widths: Mapping[str, float]) -> float:
    gap = GAP if widths[left] > LANE or widths[right] > LANE else 0.0
    return (widths[left] + widths[right]) / 2 + gap


def _measured(
    rows: list[list[str]],
    roads: list[list[str]],
    sizes: Mapping[str, tuple[float, float]],
    x: Mapping[str, float],
) -> Layout:
    left = min(x[name] - sizes[name][0] / 2 for name in x)
    right = max(x[name] + sizes[name][0] / 2 for name in x)
    spots: dict[str, Spot] = {}
    y = 0.0
    for row in reversed(rows):
        height = max(sizes[name][1] for name in row)
        for name in row:
            spots[name] = Spot(x[name] - left, y + height / 2, *sizes[name])
        y += height + RISE
    return Layout(spots, roads, right - left, y - RISE)
