"""Who is logged in, as one client knows it: in memory first, in the store behind it.

Flows change it one after the other (the client sees to that); any thread may read it at any
time, so every change is one assignment under the lock.
"""

from __future__ import annotations

import copy
import threading

import attrs

from ._session import Session, SessionInfo
from ._vault import Vault
from ._waits import Flow
from .errors import SessionStoreError


class SessionState:
    """The session of one client.

    Args:
        vault: Where it is stored.
    """

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.reset_lock()
        self._session: Session | None = None
        self._known = False  # whether the store has been looked at, or a login has replaced that
        self._verified = False
        self._look_failed: SessionStoreError | None = None
        self._changes = 0

    def reset_lock(self) -> None:
        """Make a new lock, as a forked child has to."""
        self._lock = threading.RLock()

    @property
    def session(self) -> Session | None:
        """Return who is logged in, as far as memory knows."""
        return self._session

    @property
    def known(self) -> bool:
        """Return whether memory knows."""
        return self._known

    def info(self) -> SessionInfo:
        """Return what may be told about it."""
        with self._lock:
            session, verified = self._session, self._verified
        standing = self.vault.standing
        return SessionInfo(
            user=session.user if session else None,
            verified=verified,
            persisted=session is not None and standing.persisted,
            reason=standing.reason,
            backend=self.vault.backend,
            service_name=self.vault.service_name,
            profile=self.vault.profile,
        )

    def look(self) -> Flow[Session | None]:
        """Return who is logged in, from the store if memory does not know.

        Raises:
            SessionStoreError: If nobody could look; after a time-out at once, until `look_again`.
        """
        if self._known:
            return self._session
        if self._look_failed is not None:
            raise copy.copy(self._look_failed)
        return (yield from self.look_again(first=True))

    def look_again(self, *, first: bool = False) -> Flow[Session | None]:
        """Return what the store says now, and believe it.

        A session that the store would not take lives in memory only; it is offered to the store
        again instead.

        Args:
            first: Whether to believe it only if memory does not know by then: a look outside the
                lane may be slow, and what has been done meanwhile is newer.

        Raises:
            SessionStoreError: If nobody could look. Memory stays as it is.
        """
        if self._session is not None and self.vault.unsaved:
            yield from self.vault.save(self._session)
            return self._session
        changes = self._changes
        try:
            stored = yield from self.vault.load()
        except SessionStoreError as error:
            self._look_failed = error if error.reason == "timeout" else None
            raise
        with self._lock:
            self._look_failed = None
            if not self._known if first else changes == self._changes:
                self._adopt(stored)
            return self._session

    def commit(self, session: Session) -> None:
        """Take over a session that the service has just confirmed."""
        with self._lock:
            self._changes += 1
            self._session, self._known, self._verified = session, True, True

    def clear(self) -> Session | None:
        """Let nobody be logged in; return who was."""
        with self._lock:
            self._changes += 1
            session, self._session = self._session, None
            self._known, self._verified, self._look_failed = True, False, None
            return session

    def _adopt(self, stored: Session | None) -> None:
        mine = self._session
        if mine is None or stored is None or mine.token != stored.token:
            self._session, self._verified = stored, False
        else:
            # Of the user memory knows more; the rest another version may have added to.
            self._session = attrs.evolve(stored, user=mine.user)
        self._known = True
