"""What a client consists of once something has been asked of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from . import _checks, _late, _threads
from ._arguments import ABSENT
from ._desk import Desk, MakeFlow
from ._outbox import Outbox, in_callback
from ._secrets import Secret
from ._session import Session, SessionInfo
from ._state import SessionState
from ._vault import SERVICE_PREFIX, Vault
from ._waits import drive
from .errors import CometChatException
from .events import Dispatcher, ListenerBook
from .sessions import KeyringStore, SessionStore

if TYPE_CHECKING:
    from ._flows import Flows
    from .models import AppSettings, User

_log = logging.getLogger("cometchat_auth")


class Engine:
    """The parts of one client, made for each other.

    Args:
        app_id: The app.
        settings: Where it is and how long to wait.
        profile: Whose sessions are kept apart from others'.
        store: Where to keep the session; ``None`` for the keyring.
        dispatcher: Where to run callbacks; ``None`` for the library's own thread.
        on_callback_error: Called with what a callback raised, or ``None``.
        book: The client's listeners.

    Attributes:
        outbox: The way to the user's callbacks.
        desk: Where calls are accepted.
        state: Who is logged in.
    """

    def __init__(
        self,
        *,
        app_id: str,
        settings: AppSettings,
        profile: str,
        store: SessionStore | None,
        dispatcher: Dispatcher | None,
        on_callback_error: Callable[[BaseException], object] | None,
        book: ListenerBook,
    ) -> None:
        vault = Vault(
            KeyringStore() if store is None else store,
            service_name=_service_name(app_id, settings),
            profile=profile,
            read_limit=settings.keyring_read_timeout,
            write_limit=settings.keyring_write_timeout,
        )
        self.outbox = Outbox(dispatcher, on_callback_error)
        self.desk = Desk(self.outbox, book, settings.timeout)
        self.state = SessionState(vault)
        self._app_id = app_id
        self._settings = settings
        self._book = book
        self._flows: Flows | None = None
        self._warned_of_key = False
        _threads.on_fork(self._after_fork)

    @property
    def flows(self) -> Flows:
        """Return what the calls consist of; to look who is logged in they are not needed."""
        flows = self._flows
        if flows is None:
            with _late.IMPORTING:
                flows = self._flows = self._flows or self._make_flows()
        return flows

    def _make_flows(self) -> Flows:
        from ._flows import flows_of

        return flows_of(self._app_id, self._settings, self.state, self._book, self.desk.spawn)

    def look(self) -> Session | None:
        """Return who is logged in, as `CometChat.get_logged_in_user` does.

        Raises:
            SessionStoreError: If nobody could look.
            ClientClosedError: After `close`.
        """
        self.desk.require_open()
        return drive(self.state.look())

    def info(self) -> SessionInfo:
        """Return what is known about the session.

        Raises:
            ClientClosedError: After `close`.
        """
        self.desk.require_open()
        try:
            drive(self.state.look())
        except CometChatException as error:
            _log.debug("session_info could not look: %s", error.reason)
        return self.state.info()

    def close(self, limit: float) -> None:
        """Accept no further calls, and wait for so many seconds until the others are over."""
        self.desk.close()
        if in_callback():
            return
        try:
            self.outbox.under_way.wait(limit)
        finally:  # after Ctrl-C too
            self.outbox.under_way.give_up()

    def login_flow(self, uid: object, key: object, token: object) -> tuple[MakeFlow, Hashable]:
        """Return the flow for a login, and what makes two logins the same.

        Raises:
            InvalidParameterError: If an argument cannot be used.
        """
        if token is not ABSENT:
            secret = Secret(_checks.credential("auth_token", token))
            return lambda job: self.flows.login_with_token(job, secret), secret
        name = _checks.uid(uid)
        secret = Secret(_checks.credential("auth_key", key))
        self._warn_of_key()
        return lambda job: self.flows.login_with_key(job, name, secret), (name.lower(), secret)

    def create_user_flow(self, user: User, key: object) -> MakeFlow:
        """Return the flow that creates a user.

        Raises:
            InvalidParameterError: If an argument cannot be used.
        """
        secret = Secret(_checks.credential("auth_key", key))
        user.check()
        self._warn_of_key()
        return lambda job: self.flows.create_user(job, user, secret)

    def _warn_of_key(self) -> None:
        if getattr(sys, "frozen", False) and not self._warned_of_key:
            self._warned_of_key = True
            _log.warning(
                "A frozen application uses an auth key, with which anybody can log in as any "
                "user. It is for development; in production log in with tokens that your own "
                "server mints."
            )

    def _after_fork(self) -> None:
        self.desk.reset()
        self.state.reset_lock()


def _service_name(app_id: str, settings: AppSettings) -> str:
    where = settings.client_host.split("/")[2] if settings.client_host else settings.region
    return f"{SERVICE_PREFIX}:{app_id}:{where}"
