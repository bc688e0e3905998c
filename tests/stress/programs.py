"""What the processes do that are killed: programs with a real client, which say each step."""

from __future__ import annotations

import json
import logging
import os
import queue
import random
import signal
import threading
import time
from typing import Any, Final

from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener
from cometchat_auth._record import decode, encode
from cometchat_auth.models import User

from .stores import Reporting, everything, fingerprint, open_store

USERS: Final = [f"cometchat-uid-{number}" for number in range(1, 6)]
STORE_LIMIT: Final = 20.0  # seconds; for a store that is merely busy


def say(event: str, *values: object) -> None:
    """Write one line at once and in one piece, whoever else writes: event, time, values."""
    os.write(1, json.dumps([event, time.monotonic_ns(), *values]).encode() + b"\n")


class Told(logging.Handler):
    """Says what the library logs as a warning or worse."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        say("log", self.format(record))


class Program:
    """A client and its user, who does things at random.

    Args:
        request: ``url``, ``app_id``, ``auth_key``, ``place`` and ``seed``.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self._place = str(request["place"])
        self._key = str(request["auth_key"])
        self._chance = random.Random(request["seed"])  # noqa: S311
        self._ended = threading.Event()
        self._believed: str | None = None
        self._callbacks: queue.SimpleQueue[None] = queue.SimpleQueue()
        signal.signal(signal.SIGTERM, lambda *_: self._ended.set())
        logging.getLogger("cometchat_auth").addHandler(Told(logging.WARNING))
        settings = AppSettings.for_emulator(
            str(request["url"]),
            keyring_read_timeout=STORE_LIMIT,
            keyring_write_timeout=STORE_LIMIT,
        )
        store = Reporting(open_store(self._place), say)
        self._chat = CometChat(str(request["app_id"]), settings, session_store=store)

    def look(self) -> None:
        """Say what a program finds at its start, and what is stored."""
        user = self._chat.get_logged_in_user()
        session = self._chat._engine.state.session
        token = session.token.reveal() if session is not None else ""
        say(
            "found",
            user and user.uid,
            session and fingerprint(encode(session)),
            fingerprint(token),
            user is None or token.startswith(f"{user.uid}_"),
        )
        say("stored", [_name_of(record) for record in everything(self._place)])

    def steps(self, *, at_most: int = 1_000_000, reloads: bool = False) -> None:
        """Log in, switch, check and log out, until told to end."""
        self._listen()
        for _ in range(at_most):
            if self._ended.is_set():
                break
            self._step(self._chance.random(), reloads=reloads)
        self._chat.close()
        say("closed")

    def watch(self) -> None:
        """Look at the store again and again, until told to end; then once more."""
        self._listen()
        while not self._ended.is_set():
            self._reload()
        self._reload()
        session = self._chat._engine.state.session
        say("last", session and fingerprint(encode(session)))
        self._chat.close()

    def _step(self, dice: float, *, reloads: bool) -> None:
        if reloads and dice < 0.2:
            self._reload()
        elif reloads and dice < 0.35:
            self._check()
        elif dice < 0.75:
            self._log_in(self._chance.choice(USERS))
        else:
            self._log_out()

    def _log_in(self, uid: str) -> None:
        say("begins", "login", uid)
        try:
            self._chat.login(uid, self._key, **self._over()).result()
        except CometChatException as error:
            say("fails", "login", uid, error.code, error.reason)
        else:
            info, session = self._chat.session_info(), self._chat._engine.state.session
            assert session is not None
            record = fingerprint(encode(session))
            say("ends", "login", uid, record, "saved" if info.persisted else info.reason)
        self._compare()

    def _log_out(self) -> None:
        say("begins", "logout", None)
        try:
            self._chat.logout(**self._over()).result()
        except CometChatException as error:
            say("fails", "logout", None, error.code, error.reason)
        else:
            say("ends", "logout", None, None, "out")
        self._compare()

    def _check(self) -> None:
        say("begins", "check", None)
        try:
            self._chat.check_session(**self._over()).result()
        except CometChatException as error:
            say("fails", "check", None, error.code, error.reason)
        else:
            say("ends", "check", None, None, "checked")
        self._compare()

    def _reload(self) -> None:
        say("begins", "reload", None)
        before = self._believed
        try:
            user = self._chat.reload(**self._over()).result()
        except CometChatException as error:
            say("fails", "reload", None, error.code, error.reason)
        else:
            news = (user and user.uid) != before
            say("ends", "reload", user and user.uid, None, "news" if news else "no news")
        self._compare()

    def _listen(self) -> None:
        user = self._chat.get_logged_in_user()
        self._believe(user)
        self._chat.add_login_listener(
            "program",
            LoginListener(
                login_success=self._believe,
                logout_success=lambda: self._believe(None),
                logout_failure=lambda _: self._believe(None),
            ),
        )
        say("ready")

    def _believe(self, user: User | None) -> None:
        self._believed = None if user is None else user.uid

    def _over(self) -> dict[str, Any]:
        """Return callbacks that say when the listeners have been told."""
        over = self._callbacks.put
        return {"on_success": lambda _: over(None), "on_error": lambda _: over(None)}

    def _compare(self) -> None:
        """Say so if listeners were told something else than what the client reports."""
        self._callbacks.get(timeout=4 * STORE_LIMIT)
        user = self._chat.get_logged_in_user()
        if (user and user.uid) != self._believed:
            say("disagrees", self._believed, user and user.uid)


def _name_of(record: str) -> list[str]:
    """Return a record's user and fingerprint; or why it is no session."""
    try:
        return [decode(record).user.uid, fingerprint(record)]
    except ValueError as problem:
        return ["torn", str(problem)]


def run(request: dict[str, Any]) -> None:
    """Run the program that a request names."""
    program = Program(request)
    role = request["role"]
    if role == "look":
        program.look()
    elif role == "watch":
        program.watch()
    elif role == "script":
        program.steps(at_most=3)
    else:
        program.steps(reloads=role == "desktop")
