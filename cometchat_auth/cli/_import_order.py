"""What an import is told to do."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Order:
    """What is to be imported, and how.

    Attributes:
        file: The users.
        form: ``"csv"``, ``"jsonl"`` or ``None`` for what the name says.
        encoding: Its encoding.
        delimiter: What is between the cells of CSV.
        journal: Where the journal is, or ``None`` for its usual place.
        rejects: Where the rejects go, or ``None`` for their usual place.
        in_flight: How many requests may be under way at once.
        per_minute: How many may start in a minute, or ``None``.
        patience: Seconds without an answer after which it ends.
        dry_run: Whether to look at the file only.
    """

    file: str
    form: Any
    encoding: str
    delimiter: str
    journal: str | None
    rejects: str | None
    in_flight: int
    per_minute: float | None
    patience: float
    dry_run: bool

    @property
    def journal_path(self) -> str | None:
        """Return where the journal is; a dry run has none."""
        if self.dry_run:
            return None
        return self.journal or f"{self.file}.journal"
