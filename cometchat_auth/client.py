"""`CometChat`: create users, log in, stay logged in, notice it, log out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, overload

from . import _arguments, _checks, _threads
from ._api import Api
from ._arguments import ABSENT
from ._calls import Call, Job
from ._desk import LOGOUT, Desk, MakeFlow
from ._flows import Flows
from ._http import Http
from ._secrets import Secret
from ._state import SessionState
from ._vault import SERVICE_PREFIX, Vault
from ._waits import drive
from .errors import CometChatException
from .events import Dispatcher, ListenerBook, Outbox, in_callback, require_callable
from .models import AppSettings, Hosts, SessionInfo, User
from .sessions import SessionStore

_log = logging.getLogger("cometchat_auth")

OnError = Callable[[CometChatException], object]
OnUser = Callable[[User], object]


class CometChat:
    """A client of one CometChat app, for one user at a time.

    Nothing is sent and no keyring is touched until a method is called. Methods that have to wait
    for the network return a future at once and call ``on_success`` or ``on_error``: exactly one
    of them, exactly once.

    Callbacks, listeners and the futures' done-callbacks run on the dispatcher: one thread for the
    whole process, first in first out, or wherever ``dispatcher`` says. What happens is done in
    this order: who is logged in changes, the store is written or known to have failed, the future
    is resolved, listeners are called in the order in which they were added, then the call's own
    callback. From a callback every method may be called, and waited for. An exception in a
    callback is logged and reaches ``on_callback_error``; it changes nothing else. At the end of
    the program accepted calls are given 5 seconds. After a fork the client works in the child with
    threads and connections of the child's own; calls under way are the parent's affair.

    Args:
        app_id: The app's id from the CometChat dashboard.
        settings: Where the app is and how long to wait.
        profile: Sessions of different profiles do not see each other.
        session_store: Where to keep the session; by default the operating system's keyring.
        dispatcher: Where to run callbacks: any callable that takes a function without arguments
            and sees to it that it is run. `cometchat_auth.dispatchers` has some for windows.
        on_callback_error: Called with any exception that a callback raises, on the thread on
            which it was raised.

    Raises:
        TypeError: If an argument is not of its type.
        InvalidParameterError: If the app id or the profile is empty or cannot be used.
    """

    def __init__(
        self,
        app_id: str,
        settings: AppSettings,
        *,
        profile: str = "default",
        session_store: SessionStore | None = None,
        dispatcher: Dispatcher | None = None,
        on_callback_error: Callable[[BaseException], object] | None = None,
    ) -> None:
        if not isinstance(settings, AppSettings):
            raise TypeError(f"settings must be an AppSettings, not {type(settings).__name__}")
        require_callable(dispatcher=dispatcher, on_callback_error=on_callback_error)
        self._app_id = _checks.app_id(app_id)
        self._settings = settings
        self._book = ListenerBook()
        self._outbox = Outbox(dispatcher, on_callback_error)
        self._desk = Desk(self._outbox, self._book, settings.timeout)
        store = _arguments.store(session_store)
        self._state = SessionState(self._vault(store, _checks.profile(profile)))
        self._flows = Flows(
            api=Api.of(Http(settings), self._app_id, settings.platform),
            settings=settings,
            hosts=Hosts.of(self._app_id, settings),
            state=self._state,
            book=self._book,
            spawn=self._desk.spawn,
        )
        self._warned_of_key = False
        _threads.on_fork(self._after_fork)

    def __repr__(self) -> str:
        return f"CometChat({self._app_id!r}, profile={self._state.vault.profile!r})"

    def __enter__(self) -> CometChat:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- logging in and out ---------------------------------------------------------------------

    @overload
    def login(
        self,
        auth_token: str | None,
        /,
        *,
        timeout: float | None = None,
        on_success: OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Future[User]: ...

    @overload
    def login(
        self,
        uid: str | None,
        auth_key: str | None,
        /,
        *,
        timeout: float | None = None,
        on_success: OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Future[User]: ...

    @overload
    def login(
        self,
        *,
        uid: str | None,
        auth_key: str | None,
        timeout: float | None = None,
        on_success: OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Future[User]: ...

    @overload
    def login(
        self,
        *,
        auth_token: str | None,
        timeout: float | None = None,
        on_success: OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Future[User]: ...

    def login(
        self,
        *args: str | None,
        uid: Any = ABSENT,
        auth_key: Any = ABSENT,
        auth_token: Any = ABSENT,
        timeout: float | None = None,
        on_success: OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Future[User]:
        """Log in with an auth token, or with a uid and the app's auth key.

        ``login(auth_token)`` is for production: the app's own server mints the token.
        ``login(uid, auth_key)`` is for development only, since whoever has the key can log in as
        anybody. If that uid is logged in already, its session is verified and nothing is minted.

        The new session replaces an old one once the service has accepted it, not before. The
        same login twice at once is one login; another one meanwhile is refused.

        Args:
            *args: An auth token, or a uid and an auth key.
            uid: By keyword, with ``auth_key``.
            auth_key: By keyword, with ``uid``.
            auth_token: By keyword, alone.
            timeout: Seconds for this call, in place of ``AppSettings.timeout``.
            on_success: Called with the `User`.
            on_error: Called with the `CometChatException`.

        Returns:
            A future of the `User`. It raises, and ``on_error`` gets:
            `InvalidParameterError` for an empty or unusable argument, `LoginInProgressError` if
            another login is under way, `AuthenticationError` for a wrong key or a dead token,
            `ServiceError` for an unknown uid and the like, `RateLimitError`, `NoAnswerError` if
            the service could not be reached or understood in time, `CallCancelledError`,
            `ClientClosedError`.

        Raises:
            TypeError: If the arguments fit neither form or are not of their types.
        """
        uid, key, token = _arguments.login_form(args, uid, auth_key, auth_token)
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        call = Call(self._outbox, on_success, on_error)

        def prepared() -> Job:
            flow, what = self._login_flow(uid, key, token)
            return self._desk.job(flow, timeout, failure="login_failure", what=what)

        return self._desk.take_turns(call, prepared, failure="login_failure")

    def logout(
        self,
        *,
        timeout: float | None = None,
        on_success: Callable[[None], object] | None = None,
        on_error: OnError | None = None,
    ) -> Future[None]:
        """Log out: on this machine whatever happens, and on the service.

        With nobody logged in nothing is sent and no listener hears of it. A logout waits for the
        login before it.

        Args:
            timeout: Seconds for this call, in place of ``AppSettings.timeout``.
            on_success: Called with ``None``.
            on_error: Called with the `CometChatException`.

        Returns:
            A future of ``None``. It raises, and ``on_error`` gets, an error that says what was
            not achieved (``details["not_achieved"]`` holds ``"server"``, ``"store"`` or both):
            `NoAnswerError`, `ServiceError` or `RateLimitError` if the service did not confirm,
            `SessionStoreError` if the stored session could not be removed; `CallCancelledError`,
            `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        call = Call(self._outbox, on_success, on_error)

        def prepared() -> Job:
            return self._desk.job(
                self._flows.logout, timeout, failure="logout_failure", what=LOGOUT, must_run=True
            )

        return self._desk.take_turns(call, prepared, failure="logout_failure")

    def create_user(
        self,
        user: User,
        auth_key: str | None,
        *,
        timeout: float | None = None,
        on_success: OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Future[User]:
        """Create a user with the app's auth key; who is logged in does not change.

        The request is never repeated once a byte of it may have arrived.

        Args:
            user: At least ``uid`` and ``name``.
            auth_key: The app's auth key; for development only.
            timeout: Seconds for this call, in place of ``AppSettings.timeout``.
            on_success: Called with the `User` as the service has created it.
            on_error: Called with the `CometChatException`.

        Returns:
            A future of the `User`. It raises, and ``on_error`` gets, what `login` does, and
            `OutcomeUnknownError` if the connection broke before the answer came.

        Raises:
            TypeError: If an argument is not of its type.
        """
        if not isinstance(user, User):
            raise TypeError(f"user must be a User, not {type(user).__name__}")
        _checks.types(auth_key=auth_key)
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        call = Call(self._outbox, on_success, on_error)

        def prepared() -> Job:
            key = Secret(_checks.credential("auth_key", auth_key))
            user.check()
            self._warn_of_key()
            return self._desk.job(lambda job: self._flows.create_user(job, user, key), timeout)

        return self._desk.run(call, prepared)

    # -- the session ----------------------------------------------------------------------------

    def get_logged_in_user(self) -> User | None:
        """Return who is logged in, without asking the service.

        The first call looks at the keyring and may take ``keyring_read_timeout`` seconds; later
        ones answer from memory. In a window's start-up use `reload`, which does not block.

        Returns:
            The `User`, after a restart with the core fields only, or ``None`` if nobody is
            logged in or there is no keyring.

        Raises:
            SessionStoreError: If nobody could look, e.g. because the keyring is locked.
            ClientClosedError: After `close`.
        """
        self._desk.require_open()
        session = drive(self._state.look())
        return None if session is None else session.user

    def check_session(
        self,
        *,
        timeout: float | None = None,
        on_success: Callable[[User | None], object] | None = None,
        on_error: OnError | None = None,
    ) -> Future[User | None]:
        """Ask the service whether the session lives, and refresh what is known of the user.

        A session that the service says is dead is cleared; listeners hear ``logout_success``.
        Nothing else ends it, least of all being offline.

        Args:
            timeout: Seconds for this call, in place of ``AppSettings.timeout``.
            on_success: Called with the `User`, or ``None`` if nobody is logged in (any more).
            on_error: Called with the `CometChatException`.

        Returns:
            A future of the same. It raises, and ``on_error`` gets: `SessionStoreError` if nobody
            could look, `NoAnswerError`, `ServiceError` and `RateLimitError` if the service gave
            no answer to the question, `CallCancelledError`, `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        call = Call(self._outbox, on_success, on_error)
        return self._desk.take_turns(
            call, lambda: self._desk.job(self._flows.check_session, timeout)
        )

    def reload(
        self,
        *,
        on_success: Callable[[User | None], object] | None = None,
        on_error: OnError | None = None,
    ) -> Future[User | None]:
        """Look at the keyring, even if it has been looked at; never asks the service.

        For a window's start-up, after the keyring was unlocked, and to notice another process's
        login or logout: listeners hear ``login_success`` or ``logout_success`` if who is logged
        in has changed since this client last knew.

        Args:
            on_success: Called with the `User`, or ``None`` if nobody is logged in.
            on_error: Called with the `CometChatException`.

        Returns:
            A future of the same. It raises, and ``on_error`` gets: `SessionStoreError` if nobody
            could look; what was known stays known. `CallCancelledError`, `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        require_callable(on_success=on_success, on_error=on_error)
        call = Call(self._outbox, on_success, on_error)
        return self._desk.take_turns(call, lambda: self._desk.job(self._flows.reload, None))

    def session_info(self) -> SessionInfo:
        """Return what is known about the session and where it is kept; no credential.

        Like `get_logged_in_user` it looks at the keyring if nobody has yet, but where that
        failed it says so in ``reason`` instead of raising.

        Raises:
            ClientClosedError: After `close`.
        """
        self._desk.require_open()
        try:
            drive(self._state.look())
        except CometChatException as error:
            _log.debug("session_info could not look: %s", error.reason)
        return self._state.info()

    def warm_up(
        self,
        *,
        timeout: float | None = None,
        on_success: Callable[[None], object] | None = None,
        on_error: OnError | None = None,
    ) -> Future[None]:
        """Open connections and load the keyring while the user is still typing.

        Args:
            timeout: Seconds for this call, in place of ``AppSettings.timeout``.
            on_success: Called with ``None``.
            on_error: Called with the `CometChatException`.

        Returns:
            A future of ``None``. It raises, and ``on_error`` gets: `NoAnswerError` if a host
            cannot be reached; a later login tries anew. `CallCancelledError`,
            `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        call = Call(self._outbox, on_success, on_error)
        return self._desk.run(call, lambda: self._desk.job(self._flows.warm_up, timeout))

    # -- listeners and the end ------------------------------------------------------------------

    def add_login_listener(self, listener_id: str, listener: object) -> None:
        """Have a listener told of logins and logouts, from the next event on.

        Args:
            listener_id: Under which it is removed; a listener with the same id is replaced and
                the new one takes its place in the order.
            listener: A `LoginListener`, or any object with methods of those names.

        Raises:
            TypeError: If the id is not a text, or the listener has none of the methods.
            InvalidParameterError: If the id is empty.
        """
        _checks.text("listener_id", listener_id)
        _arguments.require_listener(listener)
        self._book.add(listener_id, listener)

    def remove_login_listener(self, listener_id: str) -> None:
        """Remove a listener, from the next event on; without one of this id do nothing.

        Raises:
            TypeError: If the id is not a text.
        """
        _checks.types(listener_id=listener_id)
        self._book.remove(listener_id)

    def close(self, timeout: float = 5.0) -> None:
        """Accept no further calls, and wait until those accepted are over and told.

        Closing twice is harmless. Called from a callback it does not wait. What is not over when
        the time is goes on, but the end of the program does not wait for it again.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            TypeError: If the time-out is not a number.
            InvalidParameterError: If it is not a finite number above 0.
        """
        limit = _checks.seconds("timeout", timeout)
        self._desk.close()
        if in_callback():
            return
        try:
            self._outbox.under_way.wait(limit)
        finally:  # after Ctrl-C too
            self._outbox.under_way.give_up()

    # -- inside ---------------------------------------------------------------------------------

    def _vault(self, store: SessionStore, profile: str) -> Vault:
        settings = self._settings
        where = settings.client_host.split("/")[2] if settings.client_host else settings.region
        return Vault(
            store,
            service_name=f"{SERVICE_PREFIX}:{self._app_id}:{where}",
            profile=profile,
            read_limit=settings.keyring_read_timeout,
            write_limit=settings.keyring_write_timeout,
        )

    def _login_flow(self, uid: object, key: object, token: object) -> tuple[MakeFlow, Hashable]:
        """Return the flow for a login, and what makes two logins the same."""
        if token is not ABSENT:
            secret = Secret(_checks.credential("auth_token", token))
            return lambda job: self._flows.login_with_token(job, secret), secret
        name = _checks.uid(uid)
        secret = Secret(_checks.credential("auth_key", key))
        self._warn_of_key()
        return lambda job: self._flows.login_with_key(job, name, secret), (name.lower(), secret)

    def _warn_of_key(self) -> None:
        if getattr(sys, "frozen", False) and not self._warned_of_key:
            self._warned_of_key = True
            _log.warning(
                "A frozen application uses an auth key, with which anybody can log in as any "
                "user. It is for development; in production log in with tokens that your own "
                "server mints."
            )

    def _after_fork(self) -> None:
        self._desk.reset()
        self._state.reset_lock()
        self._book.reset_lock()
