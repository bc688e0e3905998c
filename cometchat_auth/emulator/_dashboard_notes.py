"""What an action tells the page that comes after it: once, and nothing secret in its address."""

from __future__ import annotations

import secrets
import threading
from typing import Final

from attrs import frozen

_MAX_NOTES: Final = 100  # notes that nobody fetched; the oldest are forgotten
_TICKET_BYTES: Final = 9


@frozen
class Note:
    """What a page says at its top.

    Attributes:
        text: One or two sentences.
        kind: ``good``, ``warn`` or ``bad``.
        shown: Name of the one secret that the page shows in full; empty for none.
    """

    text: str = ""
    kind: str = "good"
    shown: str = ""


class Notes:
    """Notes on their way from an action to the page that tells its outcome.

    A note is fetched with a ticket, which the page's address holds and which works once: a page
    loaded again, or an address found in a browser's history, shows neither note nor secret.
    """

    def __init__(self) -> None:
        self._notes: dict[str, Note] = {}
        self._lock = threading.Lock()

    def leave(self, note: Note) -> str:
        """Keep a note, and return its ticket."""
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        with self._lock:
            self._notes[ticket] = note
            while len(self._notes) > _MAX_NOTES:
                del self._notes[next(iter(self._notes))]
        return ticket

    def take(self, ticket: str) -> Note:
        """Return the note of a ticket, and forget it; an empty one if there is none."""
        with self._lock:
            return self._notes.pop(ticket, Note())
