"""Draw the modules and their imports: ``python -m tests.house_picture docs/pictures``."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import attrs

from .house_layout import Layout, Spot, laid_out, reduced
from .test_house import MODULES, imports

MARGIN: Final = 12.0  # pixels around everything
LINE: Final = 16.0  # pixels from one line of text to the next
PADDING: Final = 10.0  # pixels between a box and its text
LETTER: Final = 7.9  # pixels that a letter of a module's name is wide; others are no wider

# A new module needs a room: the picture cannot be drawn, and a test fails, until it has one.
# A room is a name, what it is for, and its modules; a package is one module here.
ROOMS: Final = {
    "base": (
        "what everything stands on",
        "errors _late _locks _secrets _checks _crews _threads _waits _version",
    ),
    "values": ("what goes in and comes out", "models _settings _hosts _session _wire"),
    "network": (
        "one exchange with the service",
        "_api _http _answers _transport _connections _timed _sockets",
    ),
    "sessions": (
        "where a session is kept",
        "sessions _keyring_choice _keyring_errors _parts _record _storage _vault",
    ),
    "calls": ("futures, callbacks, turns", "events dispatchers _outbox _calls _desk"),
    "client": ("log in, stay logged in, log out", "client _engine _flows _state _arguments"),
    "front door": ("what a program imports", "__init__"),
    "server": ("for the REST API key", "server"),
    "users in files": ("CSV and JSON Lines", "user_files"),
    "emulator": ("the service, on one machine", "emulator"),
    "for tests": (
        "fixtures, guard, store doubles",
        "testing _guard _store_contract _store_doubles _pytest_plugin _pytest_emulators",
    ),
    "frozen programs": ("the hook of PyInstaller", "_pyinstaller"),
    "terminal": ("the only part that prints", "cli _demo __main__"),
}
CORE: Final = ("base", "values", "network", "sessions", "calls", "client")

STYLE: Final = """
text{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;fill:#1c2733}
.t{font-family:system-ui,sans-serif;font-size:15px;font-weight:600}
.s{font-family:system-ui,sans-serif;fill:#52606d}
path{fill:none;stroke:#7d8894;stroke-width:1.4}
marker path{fill:#7d8894;stroke:none}
rect{fill:#f4f6f8;stroke:#7d8894}
.base rect{fill:#e9ecf0}.values rect{fill:#e3f0fb}.network rect{fill:#fdeed9}
.sessions rect{fill:#e5f4e3}.calls rect{fill:#f0e8fa}.client rect{fill:#fbe4e6}
@media (prefers-color-scheme:dark){
text{fill:#eef2f6}.s{fill:#b4bfca}rect{fill:#262c33}
.base rect{fill:#343a42}.values rect{fill:#1d3a55}.network rect{fill:#51391a}
.sessions rect{fill:#22431f}.calls rect{fill:#40305a}.client rect{fill:#57262b}
}
"""


@attrs.frozen
class Box:
    """One box: a kind that gives it its colour, and lines of text, each of a class of its own."""

    kind: str
    lines: list[tuple[str, str]]

    def size(self) -> tuple[float, float]:
        """Return width and height in pixels."""
        longest = max(len(text) for _, text in self.lines)
        return longest * LETTER + 2 * PADDING, len(self.lines) * LINE + 2 * PADDING - 4


def short(module: str) -> str:
    """Return a module's name as the rooms have it: that of its package, if it is in one."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def room_of() -> dict[str, str]:
    """Return the room of each module.

    Raises:
        ValueError: If a module has no room, or a room names a module that is not there.
    """
    rooms = {name: room for room, (_, names) in ROOMS.items() for name in names.split()}
    if odd := rooms.keys() ^ {short(module) for module in MODULES}:
        raise ValueError(f"tests/house_picture.py: ROOMS and the package differ in {sorted(odd)}")
    return rooms


def import_graph(groups: dict[str, str]) -> dict[str, set[str]]:
    """Return which group imports which; modules in no group are left out."""
    graph: dict[str, set[str]] = {group: set() for group in groups.values()}
    for module in MODULES:
        if (group := groups.get(short(module))) is not None:
            others = {groups.get(short(name)) for name in imports(module) & MODULES.keys()}
            graph[group] |= {other for other in others if other not in {None, group}}
    return graph


def overview() -> str:
    """Return the picture of all rooms."""
    boxes = {room: Box(room.replace(" ", "-"), list(_room_lines(room))) for room in ROOMS}
    return _svg("The rooms of cometchat_auth, and what imports what", room_of(), boxes)


def core() -> str:
    """Return the picture of every module that a client is made of."""
    inside = {name: room for name, room in room_of().items() if room in CORE}
    boxes = {name: Box(room, [("m", name)]) for name, room in inside.items()}
    return _svg(
        "The modules of the client, and what imports what", {name: name for name in inside}, boxes
    )


def _room_lines(room: str) -> Iterator[tuple[str, str]]:
    purpose, names = ROOMS[room]
    yield "t", room[0].upper() + room[1:]
    yield "s", purpose
    for pair in itertools.zip_longest(*[iter(names.split())] * 2, fillvalue=""):
        yield "m", " \N{NO-BREAK SPACE}".join(_counted(name) for name in pair if name)


def _counted(name: str) -> str:
    inside = sum(short(module) == name for module in MODULES)
    return f"{name}/ ({inside} modules)" if inside > 1 else name


def _svg(title: str, groups: dict[str, str], boxes: dict[str, Box]) -> str:
    layout = laid_out(reduced(import_graph(groups)), lambda name: boxes[name].size())
    width, height = (round(side + 2 * MARGIN) for side in (layout.width, layout.height))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
        f'<g transform="translate({MARGIN:g} {MARGIN:g})">',
        *_arrows(layout),
        *(_drawn(boxes[name], layout.spots[name]) for name in sorted(boxes)),
        "</g></svg>\n",
    ]
    return "\n".join(parts)


def _arrows(layout: Layout) -> Iterator[str]:
    starts = _ports(layout, [(road[0], road[1], n) for n, road in enumerate(layout.roads)])
    ends = _ports(layout, [(road[-1], road[-2], n) for n, road in enumerate(layout.roads)])
    for n, road in enumerate(layout.roads):
        first, last = layout.spots[road[0]], layout.spots[road[-1]]
        points = [(starts[n], first.y + first.height / 2)]
        points += [(layout.spots[name].x, layout.spots[name].y) for name in road[1:-1]]
        points.append((ends[n], last.y - last.height / 2))
        bends = [
            f"C{x:.0f} {(y + to_y) / 2:.0f} {to_x:.0f} {(y + to_y) / 2:.0f} {to_x:.0f} {to_y:.0f}"
            for (x, y), (to_x, to_y) in itertools.pairwise(points)
        ]
        move = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
        yield f'<path d="{move}{"".join(bends)}" marker-end="url(#a)"/>'


def _ports(layout: Layout, ends: list[tuple[str, str, int]]) -> dict[int, float]:
    """Return where each arrow meets its box: beside each other, in the order of whence they come.

    Args:
        layout: Where everything stands.
        ends: A box, what stands at the arrow's next bend, and the arrow's number.
    """
    found: dict[int, float] = {}
    spots = layout.spots
    for box, group in itertools.groupby(sorted(ends), key=lambda end: end[0]):
        here = sorted(group, key=lambda end: (spots[end[1]].x, end[2]))
        step = min(16.0, (spots[box].width - 16) / len(here))
        for place, (_, _, number) in enumerate(here):
            found[number] = spots[box].x + (place - (len(here) - 1) / 2) * step
    return found


def _drawn(box: Box, spot: Spot) -> str:
    left, top = spot.x - spot.width / 2, spot.y - spot.height / 2
    lines = "".join(
        f'<text class="{mark}" x="{left + PADDING:.0f}" y="{top + PADDING + 11 + n * LINE:.0f}">'
        f"{escape(text)}</text>"
        for n, (mark, text) in enumerate(box.lines)
    )
    return (
        f'<g class="{box.kind}"><rect x="{left:.0f}" y="{top:.0f}" rx="5" '
        f'width="{spot.width:.0f}" height="{spot.height:.0f}"/>{lines}</g>'
    )


PICTURES: Final = {"modules.svg": overview, "core.svg": core}


def main(arguments: Iterable[str]) -> None:
    """Write the pictures into a folder."""
    (folder,) = map(Path, arguments)
    for name, draw in PICTURES.items():
        (folder / name).write_text(draw(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
