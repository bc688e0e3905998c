"""`CometChat`: create users, log in, stay logged in, notice it, log out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from . import _arguments, _checks, _late
from ._arguments import ABSENT
from .errors import CometChatException
from .events import Dispatcher, ListenerBook, require_callable
from .models import AppSettings, User

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    from ._calls import Job
    from ._engine import Engine
    from ._session import SessionInfo
    from .sessions import SessionStore

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
    callback. From a callback every method may be called, and waited for; from a signal handler or
    a destructor every method may be called, but nothing should be waited for. An exception in a
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
        self._profile = _checks.profile(profile)
        self._store = _arguments.store(session_store)
        self._dispatcher = dispatcher
        self._on_callback_error = on_callback_error
        self._book = ListenerBook()
        self._made: Engine | None = None

    def __repr__(self) -> str:
        return f"CometChat({self._app_id!r}, profile={self._profile!r})"

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
            A future of the `User`. It raises, and ``on_error`` gets,
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
        engine = self._engine

        def prepared() -> Job:
            flow, what = engine.login_flow(uid, key, token)
            return engine.desk.job(flow, timeout, failure="login_failure", what=what)

        call = engine.desk.call(on_success, on_error)
        return engine.desk.take_turns(call, prepared, failure="login_failure")

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
            `NoAnswerError`, `ServiceError` or `RateLimitError` if the service did not confirm
            (trying again is of no use: the token is forgotten here, and a server can end it),
            `SessionStoreError` if the stored session could not be removed; `CallCancelledError`,
            `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        engine = self._engine

        def prepared() -> Job:
            return engine.desk.logout_job(engine.flows.logout, timeout)

        call = engine.desk.call(on_success, on_error)
        return engine.desk.take_turns(call, prepared, failure="logout_failure")

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
        engine = self._engine

        def prepared() -> Job:
            return engine.desk.job(engine.create_user_flow(user, auth_key), timeout)

        return engine.desk.run(engine.desk.call(on_success, on_error), prepared)

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
        session = self._engine.look()
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
            A future of the same. It raises, and ``on_error`` gets, `SessionStoreError` if nobody
            could look, `NoAnswerError`, `ServiceError` and `RateLimitError` if the service gave
            no answer to the question, `CallCancelledError`, `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        engine = self._engine
        call = engine.desk.call(on_success, on_error)
        return engine.desk.take_turns(
            call, lambda: engine.desk.job(engine.flows.check_session, timeout)
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
            A future of the same. It raises, and ``on_error`` gets, `SessionStoreError` if nobody
            could look (what was known stays known), `CallCancelledError`, `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        require_callable(on_success=on_success, on_error=on_error)
        engine = self._engine
        call = engine.desk.call(on_success, on_error)
        return engine.desk.take_turns(call, lambda: engine.desk.job(engine.flows.reload, None))

    def session_info(self) -> SessionInfo:
        """Return what is known about the session and where it is kept; no credential.

        Like `get_logged_in_user` it looks at the keyring if nobody has yet, but where that
        failed it says so in ``reason`` instead of raising.

        Raises:
            ClientClosedError: After `close`.
        """
        return self._engine.info()

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
            A future of ``None``. It raises, and ``on_error`` gets, `NoAnswerError` if a host
            cannot be reached (a later login tries anew), `CallCancelledError`,
            `ClientClosedError`.

        Raises:
            TypeError: If an argument is not of its type.
        """
        _arguments.require(timeout, on_success=on_success, on_error=on_error)
        engine = self._engine
        call = engine.desk.call(on_success, on_error)
        return engine.desk.run(call, lambda: engine.desk.job(engine.flows.warm_up, timeout))

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
        self._engine.close(limit)

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _engine(self) -> Engine:
        """Return what does the work, made when something is first asked of this client."""
        engine = self._made
        if engine is None:
            with _late.IMPORTING:
                engine = self._made = self._made or self._make()
        return engine

    def _make(self) -> Engine:
        from ._engine import Engine

        return Engine(
            app_id=self._app_id,
            settings=self._settings,
            profile=self._profile,
            store=self._store,
            dispatcher=self._dispatcher,
            on_callback_error=self._on_callback_error,
            book=self._book,
        )
