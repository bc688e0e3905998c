"""One session's place in a store: three answers, limits, and what to tell the user of it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import attrs

from ._record import decode, encode
from ._secrets import Secret
from ._session import Session
from ._storage import Ticket
from ._waits import Flow
from .errors import SESSION_STORE, SessionStoreError
from .sessions import MemoryStore, SessionStore

T = TypeVar("T")
_Records = Sequence[str | None]

_log = logging.getLogger("cometchat_auth")

SERVICE_PREFIX: Final = "cometchat_auth"

_MOST_COLLISIONS: Final = 5
_MOST_TRIES: Final = 4
_MOST_SUSPECTS: Final = 20


@attrs.frozen
class Standing:
    """Whether a session will be found by a later process, and if not, why not."""

    persisted: bool
    reason: str | None


NOTHING_STORED: Final = Standing(persisted=False, reason=None)
REPLACED: Final = Standing(persisted=False, reason="replaced")  # by another process


@attrs.frozen
class Found:
    """What a look at the store has found: a record, and the session in it if there is one."""

    record: str | None = attrs.field(repr=False)
    session: Session | None


class Vault:
    """Load, save and delete the one session of an app, region and profile.

    Args:
        store: Where to.
        service_name: ``cometchat_auth:<app id>:<region or host>``.
        profile: The user name beside the service name.
        read_limit: Seconds that a read may take.
        write_limit: Seconds that a write may take.
    """

    def __init__(
        self,
        store: SessionStore,
        *,
        service_name: str,
        profile: str,
        read_limit: float,
        write_limit: float,
    ) -> None:
        self.service_name = service_name
        self.profile = profile
        self.standing = NOTHING_STORED
        self.touched = False
        self.unsaved = False  # whether the store has not taken the session that is in memory
        self.undeleted = False  # whether it has not yet given up one that has ended
        self._store = store
        self._persistent = getattr(store, "persistent", True)
        self._cannot_block = type(store) is MemoryStore
        self._read_limit = read_limit
        self._write_limit = write_limit
        self._stored: str | None = None  # the record that is known to be there
        # What else of this process's, or from before it, may be there; ``None`` if not known.
        self._suspects: tuple[str | None, ...] | None = None
        self._proven = False  # whether the store has given back what this process wrote
        self._condemned: str | None = None  # what is to be deleted, if known
        self._warned = False

    @property
    def backend(self) -> str | None:
        """Return the store's name, or ``None`` as long as it was not looked for."""
        if not self.touched:
            return None
        with contextlib.suppress(Exception):  # a store of the user's own need not have one
            return str(self._store.name)
        return type(self._store).__qualname__

    def load(self) -> Flow[Session | None]:
        """Return the stored session, or ``None`` if there is none or no keyring.

        Raises:
            SessionStoreError: If nobody could look.
        """
        ticket = Ticket(
            self._load, self._read_limit, in_time=self._believe, here=self._cannot_block
        )
        yield ticket
        try:
            return ticket.take().session
        except SessionStoreError as error:
            self.standing = Standing(self.standing.persisted, error.reason)
            if error.reason != "no_keyring":
                raise
            self._warn(error)
            return None

    def save(self, session: Session, *, replace: bool = True) -> Flow[None]:
        """Write the session unless it is what is stored already; `standing` tells how it went.

        Args:
            session: What to write.
            replace: Whether to write over what another process may have stored meanwhile.
        """
        record = encode(session)
        if record == self._stored and not replace:
            return
        ticket = Ticket(
            lambda: self._save(record, replace=replace),
            self._write_limit,
            postpone_as=id(self),
            here=self._cannot_block,
        )
        yield ticket
        try:
            ticket.take()
        except SessionStoreError as error:
            self.unsaved = True
            self.standing = Standing(persisted=False, reason=error.reason)
            self._warn(error)

    def begin_delete(self, *, only_seen: bool = False) -> Ticket[None]:
        """Begin to delete what is stored; to be waited for and then taken.

        Args:
            only_seen: Whether to spare what another process has stored since the last look.
        """
        ours = None if self._suspects is None else (self._stored, *self._suspects)
        self._condemned = self._stored or (self._condemned if self.undeleted else None)
        self.undeleted = True
        return Ticket(
            lambda: self._delete_ours(*ours) if only_seen and ours is not None else self._delete(),
            self._write_limit,
            postpone_as=id(self),
            here=self._cannot_block,
        )

    def finish_delete(self, ticket: Ticket[None]) -> Flow[None]:
        """Wait until it is deleted.

        Raises:
            SessionStoreError: If it could not be deleted.
        """
        yield ticket
        try:
            ticket.take()
        except SessionStoreError as error:
            self.standing = Standing(persisted=False, reason=error.reason)
            if error.reason != "no_keyring":
                raise
            self.undeleted = False

    # What follows runs on the storage thread.

    def _load(self) -> Found:
        record = self._guarded(self._read)
        if self.undeleted and self._condemned in {None, record}:
            # What could not be removed when it ended must not be taken for a login now.
            self._delete()
            record = None
        if record is None:
            return Found(None, None)
        try:
            return Found(record, decode(record))
        except ValueError as problem:
            text = "What the store holds for %r is no session (%s); the next login replaces it."
            _log.warning(text, self.service_name, problem)
            return Found(record, None)

    def _believe(self, found: Found) -> None:
        self._stored, self._suspects, self.unsaved = found.record, (), False
        self.standing = NOTHING_STORED if found.session is None else self._kept()

    def _save(self, record: str, *, replace: bool) -> None:
        known, self._stored = self._stored, None
        ours = None if self._suspects is None else (record, known, *self._suspects)
        self._suspects = ours and ours[:_MOST_SUSPECTS]
        if known == record or not replace:
            held = self._guarded(self._read)
            own = held == known and (known is not None or self.unsaved)
            if held != record and not replace and not own:
                # Another process has logged in or out; a mere check does not write over that.
                if not self.unsaved:
                    self._suspects, self.standing = (), REPLACED
                return
            if held == record:
                self._written(record)
                return
        try:
            held = self._guarded(lambda: self._write_and_read_back(record, ours))
            if held != record and not self._is_anothers_doing(held, ours):
                raise _not_retained()
        except SessionStoreError as error:
            _drop_quoting_cause(error, record)
            if error.reason in {"denied", "error", "not_retained"}:
                self._drop_earlier(ours)
            raise
        self._written(record)
        if held == record:
            self._proven = True
        else:
            self._stored, self.standing = None, REPLACED

    def _is_anothers_doing(self, held: str | None, ours: _Records | None) -> bool:
        """Return whether another process has logged in or out since this one has written."""
        if self._proven and (held is None or held in (ours or ())):
            return True
        return ours is not None and _is_another(held, ours)

    def _drop_earlier(self, ours: _Records | None) -> None:
        """See to it that an earlier user's session is not found at the next start."""
        held = None
        with contextlib.suppress(Exception):
            held = self._read()
        if ours is not None and _is_another(held, ours):
            return  # that is a later one
        with contextlib.suppress(Exception):
            self._store.delete(self.service_name, self.profile)

    def _written(self, record: str) -> None:
        self._stored, self.unsaved, self.undeleted = record, False, False
        self._suspects = ()
        self.standing = self._kept()

    def _read(self) -> str | None:
        return self._store.load(self.service_name, self.profile)

    def _write_and_read_back(self, record: str, ours: _Records | None) -> str | None:
        for _ in range(_MOST_TRIES):
            self._store.save(self.service_name, self.profile, record)
            held = self._read()
            if held == record or self._is_anothers_doing(held, ours):
                break
            # Either another process has undone it just then, or the store does not keep it:
            # that will do the same again.
        return held

    def _delete_ours(self, *ours: str | None) -> None:
        """Delete what was there at the last look, but not what another process put there since."""
        held = self._guarded(self._read)
        if held is None or _is_another(held, ours):
            self._deleted()
        else:
            self._delete()

    def _delete(self) -> None:
        self._stored = None
        if self._condemned is None:
            with contextlib.suppress(SessionStoreError):
                self._condemned = self._guarded(self._read)
        for _ in range(_MOST_TRIES):
            held = self._guarded(self._delete_and_look)
            # After it was deleted another process may have logged in, or stored the same again.
            if held is None or (self._condemned and _is_another(held, [self._condemned])):
                self._deleted()
                return
        raise SessionStoreError(
            SESSION_STORE,
            f"The session store still holds {self.service_name!r} after deleting it. "
            "Remove the item with the system's own keyring program.",
            reason="error",
        )

    def _deleted(self) -> None:
        self._stored, self._suspects = None, ()
        self.unsaved, self.undeleted = False, False
        self.standing = NOTHING_STORED

    def _delete_and_look(self) -> str | None:
        self._store.delete(self.service_name, self.profile)
        return self._read()

    def _guarded(self, operation: Callable[[], T]) -> T:
        """Let no exception out but the library's own (promise S9)."""
        self.touched = True
        try:
            return _repeated(operation)
        except SessionStoreError:
            raise
        except BaseException as error:
            error.__context__ = None
            raise SessionStoreError(
                SESSION_STORE,
                f"The session store failed ({type(error).__name__}). "
                "See the error's __cause__, then call reload().",
                reason="error",
            ) from error.with_traceback(None)

    def _kept(self) -> Standing:
        return Standing(self._persistent, None if self._persistent else "memory")

    def _warn(self, error: SessionStoreError) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("The session is kept in memory only. %s", error.message)


def _repeated(operation: Callable[[], T]) -> T:
    """Repeat what failed because another process has just replaced the item it had found."""
    for _ in range(_MOST_COLLISIONS):
        try:
            return operation()
        except SessionStoreError as error:
            if type(error.__cause__).__name__ != "ItemNotFoundException":
                raise
    return operation()


def _drop_quoting_cause(error: SessionStoreError, record: str) -> None:
    """Keep a back end's own error only if it does not quote the credential, as a command might."""
    token, cause = _token(record), error.__cause__
    if (
        token is not None
        and token.reveal() in f"{cause} {cause!r} {getattr(cause, '__dict__', None)}"
    ):
        error.__cause__ = None


def _is_another(held: str | None, ours: _Records) -> bool:
    """Return whether a record is a session other than those, so that another process wrote it."""
    token = _token(held)
    return token is not None and token not in [_token(one) for one in ours]


def _token(record: str | None) -> Secret | None:
    with contextlib.suppress(ValueError):
        return decode(record).token
    return None


def _not_retained() -> SessionStoreError:
    return SessionStoreError(
        SESSION_STORE,
        "The session store took the session but does not give it back. "
        "Choose another keyring back end or pass another session_store.",
        reason="not_retained",
    )
