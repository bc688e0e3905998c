"""What an import has done, on disk, so that it can be interrupted at any moment and resumed.

A journal is an SQLite file of the library's own. It holds uids in lower case and what is known
of each; no names, no keys. Before a uid is sent it is marked as ``sent``, safe even from a power
cut: a later run that finds the mark looks at the service instead of guessing. An outcome that a
power cut loses leaves the mark.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import attrs

from ..errors import CometChatException
from ._journal_file import APPLICATION, FORMAT, JournalFile, failure, release

# "again": nothing of this row is on its way; a later run sends it as if it were new.
State = Literal["sent", "created", "exists", "again"]
Known = Literal["sent", "created", "exists"]

_TABLES: Final = (
    "CREATE TABLE owner (app_id TEXT NOT NULL, host TEXT NOT NULL)",
    "CREATE TABLE runs (run INTEGER NOT NULL)",
    "INSERT INTO runs VALUES (0)",
    "CREATE TABLE rows (uid TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, run INTEGER NOT NULL,"
    " row INTEGER NOT NULL) WITHOUT ROWID",
)
_FIND: Final = "SELECT state, run, row FROM rows WHERE uid = ?"
_TAKE: Final = "INSERT OR REPLACE INTO rows (uid, state, run, row) VALUES (?, ?, ?, ?)"
_NOTE: Final = "UPDATE rows SET state = ? WHERE uid = ?"

# A forked child must not close what its parent has open: that would end the parent's file.
_INHERITED: Final[list[sqlite3.Connection | None]] = []


@attrs.frozen
class Entry:
    """What the journal knows of a row.

    Attributes:
        state: What an earlier run noted, or ``None`` if the row is to be sent as a new one.
        first: An earlier row of this run that has the same uid, or ``None``.
    """

    state: Known | None = None
    first: int | None = None


class Journal:
    """The journal of one run.

    Args:
        path: Where it is; ``None`` for a temporary one that nobody else sees.
        app_id: The app that the users are created in.
        host: The host that they are sent to.

    Raises:
        InvalidParameterError: ``INVALID_JOURNAL`` if the file is something else; it is left as
            it is.
        CometChatException: ``JOURNAL_IN_USE`` if another import has it, ``JOURNAL_ERROR`` if it
            cannot be read or written.
    """

    def __init__(self, path: str | None, app_id: str, host: str) -> None:
        self._owner = (app_id, host)
        self._process = os.getpid()
        self._database: sqlite3.Connection | None = None
        self._file = None if path is None else JournalFile(os.path.abspath(path), app_id, host)
        self._claimed = None if self._file is None else self._file.claim()
        try:
            with self._guarded():
                self._run = self._open()
        except BaseException:
            self.close()
            raise

    def take(self, rows: Sequence[tuple[int, str]]) -> list[Entry]:
        """Mark rows as sent, safe from a power cut, unless there is something known of them.

        Args:
            rows: Number and uid in lower case.

        Returns:
            What is known of each.

        Raises:
            CometChatException: ``JOURNAL_ERROR`` if the journal cannot be written.
        """
        taken: dict[str, tuple[State, int]] = {}
        with self._guarded() as database:
            entries = [self._entry(database, taken, number, uid) for number, uid in rows]
        new = any(entry == Entry() for entry in entries)
        with self._transaction(durable=new) as database:
            database.executemany(
                _TAKE, [(uid, state, self._run, row) for uid, (state, row) in taken.items()]
            )
        return entries

    def note(self, states: Iterable[tuple[str, State]]) -> None:
        """Write down what has become of rows, for later runs: uid in lower case, and state.

        Raises:
            CometChatException: ``JOURNAL_ERROR`` if the journal cannot be written.
        """
        if self._file is None:
            return
        with self._transaction() as database:
            database.executemany(_NOTE, [(state, uid) for uid, state in states])

    def close(self) -> None:
        """Let others have it."""
        if os.getpid() != self._process:
            _INHERITED.append(self._database)
            return
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
        if self._claimed is not None:
            release(self._claimed)
            self._claimed = None

    def _entry(
        self,
        database: sqlite3.Connection,
        taken: dict[str, tuple[State, int]],
        number: int,
        uid: str,
    ) -> Entry:
        if uid in taken:
            return Entry(first=taken[uid][1])
        found: tuple[State, int, int] | None = database.execute(_FIND, (uid,)).fetchone()
        state, run, row = found or ("again", 0, 0)
        if run == self._run:
            return Entry(first=row)
        known: Known | None = None if state == "again" else state
        taken[uid] = (known or "sent", number)
        return Entry(state=known)

    def _open(self) -> int:
        """Open the database and return the number of this run."""
        path = "" if self._file is None else self._file.path
        self._database = database = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False
        )
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._create(database)
        if self._file is not None:
            self._file.check_owner(*database.execute("SELECT * FROM owner").fetchone())
        # Not to wait for the disk each time; `take` does where it matters.
        database.execute(f"PRAGMA journal_mode = {'WAL' if path else 'MEMORY'}")
        database.execute(f"PRAGMA synchronous = {'NORMAL' if path else 'OFF'}")
        database.execute("UPDATE runs SET run = run + 1")
        return int(database.execute("SELECT run FROM runs").fetchone()[0])

    def _create(self, database: sqlite3.Connection) -> None:
        """Make the tables, and say whose they are, in one transaction."""
        database.execute("BEGIN EXCLUSIVE")
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in _TABLES:
            database.execute(statement)
        database.execute("INSERT INTO owner VALUES (?, ?)", self._owner)
        database.execute("COMMIT")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        """Give the database, and make this library's exceptions of SQLite's."""
        try:
            yield self._database  # type: ignore[misc]
        except sqlite3.Error as error:
            raise self._failure(error) from error

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        durable = durable and self._file is not None
        with self._guarded() as database:
            try:
                if durable:
                    database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN")
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                if durable:
                    database.execute("PRAGMA synchronous = NORMAL")

    def _failure(self, error: sqlite3.Error) -> CometChatException:
        if self._file is not None:
            return self._file.failure(error)
        return failure("(a temporary file)", error)
