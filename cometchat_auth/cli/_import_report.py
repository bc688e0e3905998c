"""What is said of an import when it is over."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import click

from ..errors import CometChatException
from ._exits import INCOMPLETE, Failure
from ._import_display import clock
from ._output import facts, one_line, put_json, say

if TYPE_CHECKING:
    from ..server import Outcome
    from ..user_files import FileRow, RejectsFile
    from ._import_order import Order

_SHOWN: Final = 10  # problems; all of them are in the rejects file


class Report:
    """Counts what came of the rows, and says it.

    Args:
        order: What was to be done.
        rejects: Where the rows go that were refused, or ``None``.
        total: How many rows there are, or ``None`` if nobody knows.
    """

    def __init__(self, order: Order, rejects: RejectsFile | None, total: int | None) -> None:
        self._order = order
        self._rejects = rejects
        self._total = total
        self._counts = dict.fromkeys(("created", "exists", "refused", "unknown"), 0)
        self._resumed = 0
        self._problems: list[dict[str, Any]] = []
        self._began = time.monotonic()
        self._seconds = 0.0
        self._line = 0

    @property
    def rows(self) -> int:
        """Return of how many rows it is known what came of them."""
        return sum(self._counts.values())

    def take(self, outcome: Outcome, row: FileRow) -> None:
        """Count a row."""
        self._counts[outcome.status] += 1
        self._resumed += outcome.resumed
        self._line = row.line

    def refuse(self, outcome: Outcome, row: FileRow, error: CometChatException) -> None:
        """Note why a row was refused."""
        if self._rejects is not None:
            self._rejects.write(row, error)
        if len(self._problems) < _SHOWN:
            message = error.message
            if not message.startswith("line "):
                message = f"line {row.line} ({outcome.uid}): {error}"
            problem = {"line": row.line, "uid": outcome.uid, "code": error.code}
            self._problems.append({**problem, "message": message})

    def end(self) -> None:
        """Stop the clock."""
        self._seconds = time.monotonic() - self._began

    def how_far(self) -> str:
        """Return how far an import came that ended before its time, and what to do next."""
        if not self.rows:
            return "No row was dealt with."
        of = "" if self._total is None else f" of {self._total:,}"
        text = f"It dealt with {self.rows:,}{of} rows, up to line {self._line:,}."
        return text if self._order.dry_run else f"{text} The same command goes on from there."

    def show(self, *, as_json: bool, complete: bool) -> None:
        """Print the figures, unless there are none.

        Args:
            as_json: Whether a program reads them.
            complete: Whether every row was dealt with.
        """
        if as_json:
            put_json(self._document(complete))
        elif self.rows or complete:
            self._show_problems()
            facts(self._summary())
            if complete:
                self._say_what_is_left()

    def require_all(self) -> None:
        """Raise `Failure` if rows were refused, or if it is unknown what became of some."""
        refused, unknown = self._counts["refused"], self._counts["unknown"]
        parts = []
        if refused:
            was = "1 row was" if refused == 1 else f"{refused:,} rows were"
            parts.append(f"{was} refused. {self._what_to_mend()}")
        if unknown:
            rows = "1 row" if unknown == 1 else f"{unknown:,} rows"
            parts.append(f"What became of {rows} is unknown. The same command finds out.")
        if parts:
            raise Failure(" ".join(parts), INCOMPLETE)

    def _show_problems(self) -> None:
        for problem in self._problems:
            click.echo(f"Refused: {one_line(problem['message'])}", err=True)
        if more := self._counts["refused"] - len(self._problems):
            click.echo(f"Refused: {more:,} more.", err=True)

    def _say_what_is_left(self) -> None:
        if not self.rows:
            say("There is no row in the file.")
            return
        if self._order.dry_run:
            say("This was a dry run: nothing was sent.")
            return
        if not self._rejects_path and self._rejects and os.path.exists(self._rejects.path):
            say(f"{self._rejects.path} is of an earlier run; in this one no row was refused.")
        if not self._counts["refused"] and not self._counts["unknown"]:
            say("Every row is a user of the app. The journal is not needed any more.")

    def _what_to_mend(self) -> str:
        if (path := self._rejects_path) is not None:
            return f"Mend {path}, and import it with the same options."
        return "Mend the file, or give --rejects FILE to have them in a file of their own."

    @property
    def _rejects_path(self) -> str | None:
        return self._rejects.path if self._rejects is not None and self._rejects.count else None

    @property
    def _set_aside(self) -> str | None:
        return self._rejects.set_aside if self._rejects is not None else None

    def _summary(self) -> dict[str, object]:
        counts = {name: f"{count:,}" for name, count in self._counts.items()}
        return {
            "Good" if self._order.dry_run else "Created": counts["created"],
            "Existed already": None if self._order.dry_run else counts["exists"],
            "Refused": counts["refused"],
            "Unknown": None if self._order.dry_run else counts["unknown"],
            "Resumed": f"{self._resumed:,} of these, from the journal" if self._resumed else None,
            "Time": _duration(self._seconds),
            "Rejects": self._rejects_path,
            "Set aside": self._set_aside,
            "Journal": self._order.journal_path,
        }

    def _document(self, complete: bool) -> dict[str, Any]:
        return {
            "file": self._order.file,
            "dry_run": self._order.dry_run,
            "complete": complete,
            "rows": self.rows,
            **self._counts,
            "resumed": self._resumed,
            "seconds": round(self._seconds, 3),
            "rejects": self._rejects_path,
            "journal": self._order.journal_path,
            "problems": self._problems,
        }


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)
