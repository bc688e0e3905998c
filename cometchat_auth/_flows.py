"""What logging in, logging out and checking consist of, step by step.

Each is a flow (see `_waits`), and the only code that changes who is logged in. The client lets
one of them run at a time.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import attrs

from . import _api
from ._api import Api, Me
from ._calls import Job
from ._hosts import Hosts
from ._http import Http
from ._secrets import Secret
from ._session import Session
from ._state import SessionState
from ._waits import Deadline, Elsewhere, Flow, paused
from .errors import (
    AUTH_TOKEN_NOT_FOUND,
    ERROR_JSON_EXCEPTION,
    CometChatException,
    NoAnswerError,
    SessionStoreError,
)
from .events import ListenerBook
from .models import AppSettings, User

_log = logging.getLogger("cometchat_auth")

Spawn = Callable[[Callable[[Job], Flow[Any]]], None]


class Flows:
    """The flows of one client.

    Args:
        api: The way to the service.
        settings: Which hosts were configured, and the default time limit.
        hosts: Where the service is, as long as it does not name others.
        state: Who is logged in.
        book: Who is told.
        spawn: Runs a flow in the background whose outcome nobody waits for.
    """

    def __init__(
        self,
        *,
        api: Api,
        settings: AppSettings,
        hosts: Hosts,
        state: SessionState,
        book: ListenerBook,
        spawn: Spawn,
    ) -> None:
        self._api = api
        self._settings = settings
        self._hosts = hosts
        self._state = state
        self._book = book
        self._spawn = spawn
        self._device_id = ""

    def login_with_key(self, job: Job, uid: str, auth_key: Secret) -> Flow[User]:
        """Verify the stored token if it is this uid's; otherwise mint one and log in with it."""
        self._connect_ahead(job.deadline)
        current = yield from self._current(job)
        dead = False
        if current is not None and current.is_for(uid):
            alive = yield from self._confirmed(job, current, "log in")
            dead = alive is None
            if alive is not None and alive.is_for(uid):
                return (yield from self._commit(job, alive, instead_of=current))
        try:
            session = yield from self._minted(job, uid, auth_key, current)
        except CometChatException:
            if dead:
                yield from self._bury(job)
            raise
        return (yield from self._commit(job, session, instead_of=current))

    def login_with_token(self, job: Job, token: Secret) -> Flow[User]:
        """Log in with a token that the app's own server has minted."""
        current = yield from self._current(job)
        mine = current is not None and current.token == token
        device_id = self._device(current)
        try:
            me = yield from self._put_me(token, device_id, job.deadline, "log in")
        except CometChatException as error:
            if mine and error.code == AUTH_TOKEN_NOT_FOUND:
                stored = yield from self._stored(job)
                if stored is None or stored.token == token:  # not one of another process
                    yield from self._bury(job)
            raise
        if mine and current is not None:
            session = attrs.evolve(current, user=me.user, token=me.token)
        else:
            session = Session(me.user, me.token, minted=False, device_id=device_id)
        return (yield from self._commit(job, session, instead_of=current))

    def logout(self, job: Job) -> Flow[None]:
        """Clear memory and store whatever happens, and have the service end the session."""
        could_look = True
        try:
            yield from paused(job.deadline, self._state.look())
        except SessionStoreError:
            could_look = False
        session = self._state.clear()
        if session is None and could_look and not self._state.vault.undeleted:
            return
        self._device_id = ""
        clearing = self._state.vault.begin_delete()
        refused = yield from self._ended(session, job.deadline)
        job.deadline.lift()
        try:
            yield from self._state.vault.finish_delete(clearing)
        except SessionStoreError as error:
            raise _not_achieved(error, store=True, server=refused is not None) from error.__cause__
        if refused is not None:
            raise _not_achieved(refused, store=False, server=True) from refused.__cause__
        job.tell(self._book.audience("logout_success"))

    def check_session(self, job: Job) -> Flow[User | None]:
        """Ask the service whether the session lives; clear it if the answer is that it is dead."""
        current = yield from paused(job.deadline, self._state.look())
        if current is None:
            return None
        alive = yield from self._confirmed(job, current, "check the session")
        if alive is None:
            yield from self._bury(job)
            return None
        return (yield from self._commit(job, alive, instead_of=current, replace=False))

    def reload(self, job: Job) -> Flow[User | None]:
        """Look at the store, where another process may have logged in or out."""
        before, first_look = self._state.session, not self._state.known
        session = yield from paused(job.deadline, self._state.look_again())
        if not first_look and not _same(before, session):
            if session is None:
                job.tell(self._book.audience("logout_success"))
            else:
                job.tell(self._book.audience("login_success", session.user))
        return None if session is None else session.user

    def create_user(self, job: Job, user: User, auth_key: Secret) -> Flow[User]:
        """Create a user; who is logged in does not matter and does not change."""
        return (
            yield from _api.create_user(self._api, self._hosts.admin, user, auth_key, job.deadline)
        )

    def warm_up(self, job: Job) -> Flow[None]:
        """Open the connections that a login needs, and load the keyring."""
        opening = [self._opening(base, job.deadline) for base in sorted(self._bases())]
        yield from self._current(job)
        for connection in opening:
            yield connection
        for connection in opening:
            connection.take()

    def _opening(self, base: str, deadline: Deadline) -> Elsewhere:
        return Elsewhere(lambda: self._api.http.connect(base, deadline))

    def _bases(self) -> set[str]:
        return {self._hosts.admin, self._hosts.client}

    def _connect_ahead(self, deadline: Deadline) -> None:
        # Two hosts, two connections: the second is opened while the first is in use.
        if len(self._bases()) > 1:
            self._api.http.connect_ahead(self._hosts.client, deadline)

    def _current(self, job: Job) -> Flow[Session | None]:
        """Return who is logged in, or ``None`` where nobody can tell: a login goes on then."""
        try:
            return (yield from paused(job.deadline, self._state.look()))
        except SessionStoreError as error:
            _log.debug("could not look at the stored session: %s", error.reason)
            return None

    def _device(self, current: Session | None) -> str:
        """Return the id of this installation, made at the first login, gone with the session."""
        if current is not None and current.device_id:
            self._device_id = current.device_id
        self._device_id = self._device_id or self._api.new_device_id()
        return self._device_id

    def _minted(
        self, job: Job, uid: str, auth_key: Secret, current: Session | None
    ) -> Flow[Session]:
        device_id = self._device(current)
        token = yield from _api.mint_token(
            self._api, self._hosts.admin, uid, auth_key, device_id, job.deadline
        )
        me = yield from self._put_me(token, device_id, job.deadline, "log in")
        _require_uid(me, uid)
        return Session(me.user, me.token, minted=True, device_id=device_id)

    def _confirmed(self, job: Job, session: Session, what: str) -> Flow[Session | None]:
        """Return the session as the service knows it, or ``None`` if it is dead.

        Before that is believed the store is read once more: another process may have logged in
        anew, and then it is that session that counts.
        """
        for last_try in (False, True):
            device_id = self._device(session)
            try:
                me = yield from self._put_me(session.token, device_id, job.deadline, what)
            except CometChatException as error:
                if error.code != AUTH_TOKEN_NOT_FOUND:
                    raise
                stored = None if last_try else (yield from self._stored(job))
                if stored is None or stored.token == session.token:
                    return None
                session = stored
            else:
                _require_uid(me, session.user.uid)
                return attrs.evolve(session, user=me.user, token=me.token, device_id=device_id)
        return None

    def _stored(self, job: Job) -> Flow[Session | None]:
        """Return what another process may have stored meanwhile, or ``None``."""
        if self._state.vault.unsaved:
            return None  # then it is what the session in memory was to replace
        with contextlib.suppress(SessionStoreError):
            return (yield from paused(job.deadline, self._state.vault.load()))
        return None

    def _put_me(self, token: Secret, device_id: str, deadline: Deadline, what: str) -> Flow[Me]:
        me = yield from _api.put_me(
            self._api, self._hosts.client, token, device_id, deadline, what=what
        )
        self._hosts = _api.followed(
            self._hosts,
            me.settings,
            admin=self._settings.admin_host is None,
            client=self._settings.client_host is None,
        )
        return me

    def _commit(
        self, job: Job, session: Session, *, instead_of: Session | None, replace: bool = True
    ) -> Flow[User]:
        """Make the session the current one: memory, then the listeners' list, then the store."""
        job.deadline.lift()
        self._state.commit(session)
        if not _same(instead_of, session):
            job.tell(self._book.audience("login_success", session.user))
        yield from self._state.vault.save(session, replace=replace)
        if instead_of is not None and instead_of.minted and not session.is_for(instead_of.user.uid):
            self._spawn(lambda spawned: self._revoked(instead_of, spawned.deadline))
        return session.user

    def _bury(self, job: Job) -> Flow[None]:
        """Clear a session that the service says is dead."""
        job.deadline.lift()
        self._state.clear()
        job.tell(self._book.audience("logout_success"))
        try:
            clearing = self._state.vault.begin_delete(only_seen=True)
            yield from self._state.vault.finish_delete(clearing)
        except SessionStoreError as error:
            _log.warning("A session that the service ended is still stored. %s", error.message)

    def _ended(
        self, session: Session | None, deadline: Deadline
    ) -> Flow[CometChatException | None]:
        """Have the service end a session; return why it may not have, if so."""
        if session is None:
            return None
        try:
            yield from _api.delete_me(self._api, self._hosts.client, session.token, deadline)
        except CometChatException as error:
            return None if error.code == AUTH_TOKEN_NOT_FOUND else error
        return None

    def _revoked(self, session: Session, deadline: Deadline) -> Flow[None]:
        """End the session that a switch of user left behind; nobody waits for it."""
        if (error := (yield from self._ended(session, deadline))) is not None:
            _log.info("The token of the user who was logged in before lives on: %s", error.code)


def flows_of(
    app_id: str, settings: AppSettings, state: SessionState, book: ListenerBook, spawn: Spawn
) -> Flows:
    """Return the flows of a client, with a name of its own for the service."""
    return Flows(
        api=Api.of(Http(settings), app_id, settings.platform),
        settings=settings,
        hosts=Hosts.of(app_id, settings),
        state=state,
        book=book,
        spawn=spawn,
    )


def _same(one: Session | None, other: Session | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.token == other.token and one.is_for(other.user.uid)


def _require_uid(me: Me, uid: str) -> None:
    if me.user.uid.lower() != uid.lower():
        raise NoAnswerError(
            ERROR_JSON_EXCEPTION,
            f"The service took the login of {uid!r} for that of {me.user.uid!r}. "
            "Nobody was logged in. Is the host wrong?",
            reason="unexpected",
        )


def _not_achieved(error: CometChatException, *, store: bool, server: bool) -> CometChatException:
    """Return the error that says what a logout did not achieve."""
    open_points = [
        text
        for missed, text in (
            (store, "the stored session could not be removed"),
            (server, "the service did not confirm, so the token may live on"),
        )
        if missed
    ]
    return type(error)(
        error.code,
        f"Nobody is logged in here any more, but {' and '.join(open_points)}. {error.message}",
        details={**error.details, "not_achieved": ["store"] * store + ["server"] * server},
        http_status=error.http_status,
        retryable=error.retryable and store,  # the next one clears the store, and asks nobody
        retry_after=error.retry_after,
        reason=error.reason,
    )
