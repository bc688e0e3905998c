"""How far an import has come: a bar for people, a line now and then where nobody looks."""

from __future__ import annotations

import math
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Final

import click

from ..errors import ERROR_IO_EXCEPTION, FAILED_TO_FETCH, TIMEOUT, TOO_MANY_REQUESTS
from ._output import console, shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..server import Progress

SPAN: Final = 15.0  # seconds over which the speed is taken
_SETTLED: Final = 1.0  # seconds before which there is none
INTERVAL: Final = 30.0  # seconds between two lines in a log

STOPPING: Final = "Stopping: waiting for the requests under way. Ctrl-C again ends it at once."

_REASONS: Final = {
    TOO_MANY_REQUESTS: "too many requests",
    "TOO_MANY_REQUEST": "too many requests",
    FAILED_TO_FETCH: "the service does not answer",
    ERROR_IO_EXCEPTION: "the connection was lost",
    TIMEOUT: "the service does not answer in time",
}


class Speed:
    """Rows per second over the last moments; those that an earlier run did do not count."""

    def __init__(self) -> None:
        self._samples = deque([(0.0, 0)])

    def note(self, progress: Progress) -> None:
        """Take the figures in."""
        self._samples.append((progress.seconds, progress.rows - progress.resumed))
        while len(self._samples) > 2 and self._samples[1][0] <= progress.seconds - SPAN:
            self._samples.popleft()

    def rate(self) -> float | None:
        """Return the rows per second, or ``None`` if that cannot be told yet."""
        (began, before), (now, rows) = self._samples[0], self._samples[-1]
        return (rows - before) / (now - began) if now - began >= _SETTLED else None

    def left(self, progress: Progress, total: int | None) -> float | None:
        """Return the seconds that the rest will take, or ``None`` if that cannot be told."""
        rate = self.rate()
        if total is None or not rate:
            return None
        return max(0, total - progress.rows) / rate


class Bar:
    """A bar on standard error, for as long as the import runs.

    Args:
        total: How many rows there are, or ``None`` if nobody knows.
        good: What the rows that went well are called.
    """

    def __init__(self, total: int | None, good: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._total = total
        self._good = good
        self._speed = Speed()
        self._stopping = False
        self._last: Progress | None = None
        self._live = Live(
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Bar:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Draw it anew."""
        self._speed.note(progress)
        self._last = progress
        self._draw()

    def stopping(self) -> None:
        """Say that it comes to an end."""
        self._stopping = True
        self._draw()

    def _draw(self) -> None:
        if self._last is not None:
            self._live.update(self._drawn(self._last), refresh=True)
        elif self._stopping:
            self._live.update(STOPPING, refresh=True)

    def _drawn(self, progress: Progress) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(ratio=1)
        for _ in range(3):
            line.add_column(justify="right", no_wrap=True)
        bar: RenderableType = (
            ""
            if self._total is None
            else ProgressBar(total=max(self._total, progress.rows, 1), completed=progress.rows)
        )
        line.add_row(bar, *(Text(text) for text in figures(progress, self._total, self._speed)))
        parts: list[RenderableType] = [line, Text(counts(progress, self._good))]
        if self._stopping:
            parts.append(Text(STOPPING, style="yellow"))
        elif progress.waiting > 0:
            parts.append(Text(waiting(progress), style="yellow"))
        return Group(*parts)


class Log:
    """A line on standard error every half minute.

    Args:
        total: How many rows there are, or ``None`` if nobody knows.
        good: What the rows that went well are called.
    """

    def __init__(self, total: int | None, good: str) -> None:
        self._total = total
        self._good = good
        self._speed = Speed()
        self._next = INTERVAL

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def show(self, progress: Progress) -> None:
        """Write a line if it is time."""
        self._speed.note(progress)
        if progress.seconds < self._next:
            return
        self._next = progress.seconds + INTERVAL
        parts = [part for part in figures(progress, self._total, self._speed) if part]
        parts.append(counts(progress, self._good))
        parts += [waiting(progress)] if progress.waiting > 0 else []
        click.echo("; ".join(parts), err=True)

    def stopping(self) -> None:
        """Say that it comes to an end."""
        click.echo(STOPPING, err=True)


def display(total: int | None, good: str) -> Bar | Log:
    """Return what suits standard error."""
    out = console(err=True)
    can_draw = out.is_terminal and not out.is_dumb_terminal
    return Bar(total, good) if can_draw else Log(total, good)


def figures(progress: Progress, total: int | None, speed: Speed) -> tuple[str, str, str]:
    """Return how many rows are done, how many each second, and the time left."""
    done = f"{progress.rows:,} rows" if total is None else f"{progress.rows:,} of {total:,}"
    rate, left = speed.rate(), speed.left(progress, total)
    return (
        done,
        "" if rate is None else f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s",
        "" if left is None else f"{clock(left)} left",
    )


def counts(progress: Progress, good: str) -> str:
    """Return how many rows ended how."""
    parts = [f"{good} {progress.created:,}"]
    parts += [f"existed {progress.exists:,}"] if progress.exists else []
    parts.append(f"refused {progress.refused:,}")
    parts += [f"unknown {progress.unknown:,}"] if progress.unknown else []
    parts += [f"resumed {progress.resumed:,}"] if progress.resumed else []
    return ", ".join(parts)


def waiting(progress: Progress) -> str:
    """Return for how long it waits, and why."""
    code = progress.reason or ""
    why = _REASONS.get(code) or f"the service answers {shown(code)}"
    return f"waiting {math.ceil(progress.waiting):,} s: {why}"


def clock(seconds: float) -> str:
    """Return a duration, e.g. ``"1:05"`` or ``"2:00:05"``."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
