"""The demo: from a new user to a logout, against the emulator, with the real keyring."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final, Protocol, TypeVar

from ._session import SessionInfo
from ._storage import Ticket
from .client import CometChat
from .emulator import Emulator
from .errors import SessionStoreError
from .events import LoginListener
from .models import AppSettings, User
from .sessions import KeyringStore, MemoryStore, SessionStore

T = TypeVar("T")

PROFILE: Final = "demo"

# Seconds. A keyring that hangs costs the demo this much once; later calls are refused at once.
_KEYRING_LIMIT: Final = 2.0
_CALL_LIMIT: Final = 10.0

_WHY: Final = {
    "no_keyring": "there is no keyring on this machine",
    "locked": "the keyring is locked",
    "dismissed": "the keyring's prompt was dismissed",
    "timeout": f"the keyring did not answer within {_KEYRING_LIMIT:g} s",
    "denied": "the keyring refused it",
    "not_retained": "the keyring took it but does not give it back",
}


class Report(Protocol):
    """Where the demo says what it does."""

    def step(self, text: str) -> None:
        """Say what is done next."""

    def note(self, text: str) -> None:
        """Say what came of it."""

    def event(self, text: str) -> None:
        """Say what a listener was told; called on the dispatcher."""

    def warning(self, text: str) -> None:
        """Say what is not as one would wish."""

    def fact(self, name: str, value: str) -> None:
        """Name a value."""


def run(report: Report) -> None:
    """Show the whole road, and leave nothing behind.

    Raises:
        CometChatException: If a call fails that should not.
        OSError: If the emulator cannot listen.
    """
    report.step("Start the emulator: no account is needed.")
    with Emulator() as service:
        report.note(f"It listens on {service.url}.")
        _Demo(service, report).run()


class _Demo:
    """One run against one emulator."""

    def __init__(self, service: Emulator, report: Report) -> None:
        self._service = service
        self._report = report
        self._keyring = KeyringStore()
        self._store: SessionStore = self._keyring
        self._left: SessionInfo | None = None  # what the keyring may hold

    def run(self) -> None:
        """Run every step, and clean up even if one of them is interrupted."""
        try:
            with self._client("first") as first:
                self._create_user(first)
                self._look(first)
                self._log_in(first)
                info = self._show_what_is_kept(first)
                if info.persisted:
                    self._go_on_with_a_second_client(first)
                elif info.reason == "timeout":
                    self._go_on_alone(first)
            if not info.persisted and info.reason != "timeout":
                self._go_on_in_memory()
        finally:
            self._clean_up()

    def _create_user(self, chat: CometChat) -> None:
        self._report.step("Create a user.")
        user = User(uid="kevin", name="Kevin", metadata={"team": 7}, tags=["demo"])
        created = chat.create_user(user, self._service.auth_key).result(_CALL_LIMIT)
        self._report.note(f"Created {created.uid!r}, named {created.name!r}.")

    def _look(self, chat: CometChat) -> None:
        self._report.step("Look for an existing session.")
        try:
            user = chat.get_logged_in_user()
        except SessionStoreError as error:
            self._report.warning(f"Could not look: {error.message}")
        else:
            self._report.note("Nobody is logged in." if user is None else f"Found {user.uid!r}.")

    def _log_in(self, chat: CometChat) -> None:
        self._report.step("Log in with the auth key.")
        self._left = chat.session_info()
        _told(partial(chat.login, "kevin", self._service.auth_key))
        self._left = chat.session_info()

    def _show_what_is_kept(self, chat: CometChat) -> SessionInfo:
        """Show what the keyring holds, or why it holds nothing."""
        self._report.step("See what the keyring holds.")
        info = chat.session_info()
        self._report.fact("back end", info.backend or "none")
        if not info.persisted:
            why = _WHY.get(info.reason or "", f"the keyring failed ({info.reason})")
            self._report.warning(f"Nothing: {why}.")
            self._report.warning("The login is good, but lives in this client's memory only.")
            return info
        self._report.fact("service name", info.service_name)
        self._report.fact("profile", info.profile)
        self._show_record(info)
        return info

    def _show_record(self, info: SessionInfo) -> None:
        record = self._read(info)
        if record is None:
            self._report.warning("It holds nothing.")
            return
        for name, value in json.loads(record).items():
            self._report.fact(name, "***" if name == "authToken" else str(value))

    def _go_on_in_memory(self) -> None:
        self._report.step("Go on without a keyring.")
        self._report.note("From here on both clients share a MemoryStore, in this process only.")
        self._store = MemoryStore()
        with self._client("first") as first:
            self._log_in(first)
            self._go_on_with_a_second_client(first)

    def _go_on_alone(self, chat: CometChat) -> None:
        """Go on with one client: a keyring that hangs would keep a second one waiting too."""
        self._report.warning("A second client would not find the session, so there is none here.")
        self._log_in_with_token(chat)
        try:
            self._log_out(chat)
        except SessionStoreError:
            self._report.note("Nobody is logged in; only the keyring could not be looked at.")

    def _go_on_with_a_second_client(self, first: CometChat) -> None:
        self._report.step("Open a second client: does it find the session?")
        with self._client("second") as second:
            user = second.get_logged_in_user()
            self._report.note(f"It finds {user.uid!r}." if user else "It finds nobody.")
            _told(second.check_session)
            self._report.note("The service confirms it.")
            self._log_in_with_token(second)
            self._log_out(second)
            self._report.step("Let the first client look again.")
            _told(first.reload)
            self._show_that_nothing_is_left(second.session_info())

    def _log_in_with_token(self, chat: CometChat) -> None:
        self._report.step("Log in with an auth token, as one does in production.")
        _told(partial(chat.login, self._service.create_auth_token("kevin")))

    def _log_out(self, chat: CometChat) -> None:
        self._report.step("Log out.")
        _told(chat.logout)

    def _show_that_nothing_is_left(self, info: SessionInfo) -> None:
        where = "keyring" if self._store is self._keyring else "shared memory"
        left = self._read(info)
        self._report.note(f"The {where} holds {'nothing' if left is None else 'something'} now.")

    def _client(self, name: str) -> CometChat:
        """Return a client whose listener reports everything it hears."""
        settings = AppSettings.for_emulator(
            self._service.url,
            keyring_read_timeout=_KEYRING_LIMIT,
            keyring_write_timeout=_KEYRING_LIMIT,
        )
        chat = CometChat(self._service.app_id, settings, profile=PROFILE, session_store=self._store)
        hears = f"{name} client hears"
        listener = LoginListener(
            login_success=lambda user: self._report.event(f"{hears} login_success: {user.uid}"),
            login_failure=lambda error: self._report.event(f"{hears} login_failure: {error}"),
            logout_success=lambda: self._report.event(f"{hears} logout_success"),
            logout_failure=lambda error: self._report.event(f"{hears} logout_failure: {error}"),
        )
        chat.add_login_listener("demo", listener)
        return chat

    def _read(self, info: SessionInfo) -> str | None:
        store = self._store
        return _bounded(lambda: store.load(info.service_name, info.profile))

    def _clean_up(self) -> None:
        """Remove from the keyring what a run that was cut short has left there."""
        info = self._left
        if info is None or info.reason == "no_keyring":
            return
        try:
            _bounded(lambda: self._keyring.delete(info.service_name, info.profile))
        except SessionStoreError as error:
            if info.persisted or error.reason == "timeout":
                self._report.warning(
                    f"The keyring could not be cleaned up ({error.reason}). "
                    f"If it holds an item named {info.service_name!r}, remove it."
                )


def _told(call: Callable[..., Future[T]]) -> T:
    """Return a call's result once everybody has been told of it.

    A call's own callback comes after the listeners', so that their lines stand before ours.
    """
    told = threading.Event()
    future = call(on_success=lambda _: told.set(), on_error=lambda _: told.set())
    told.wait(_CALL_LIMIT)
    return future.result(_CALL_LIMIT)


def _bounded(operation: Callable[[], T]) -> T:
    """Return what a store answers, on the thread for it and within the limit.

    Raises:
        SessionStoreError: If it failed, or did not answer in time.
    """
    ticket = Ticket(operation, _KEYRING_LIMIT)
    ticket.block()
    return ticket.take()
