"""Calls that race with each other, each race a thousand times (C1, C7, C8, C9)."""

from __future__ import annotations

import itertools
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from cometchat_auth import (
    AppSettings,
    CallCancelledError,
    ClientClosedError,
    CometChat,
    LoginInProgressError,
    LoginListener,
    MemoryStore,
    User,
)
from cometchat_auth._record import decode

from .tools import LIMIT, Diary, Reply, ScriptedServer, Seen, error_of, settle

ROUNDS = 1000
CHANCE = random.Random(8)  # noqa: S311

# Events, requests and who is logged in afterwards: what may be seen of one round.
History = tuple[list[str], str, str | None]


@pytest.fixture(autouse=True)
def frequent_switches() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Service:
    """A service of logins with a memory, which writes down what it was asked."""

    def __init__(self) -> None:
        self.live: dict[str, str] = {}
        self.asked: list[str] = []
        self._numbers = itertools.count()

    def token(self, uid: str) -> str:
        """Return a new token."""
        token = f"{uid}_{next(self._numbers)}"
        self.live[token] = uid
        return token

    def script(self, seen: Seen) -> Reply:
        """Answer a request."""
        self.asked.append(seen.method)
        if seen.path.endswith("/auth_tokens"):
            uid = seen.path.split("/")[-2]
            return _reply({"uid": uid, "authToken": self.token(uid)})
        token = seen.headers["authToken"]
        if (uid := self.live.get(token, "")) == "":
            error = {"code": "AUTH_ERR_AUTH_TOKEN_NOT_FOUND", "message": "dead"}
            return Reply(401, json.dumps({"error": error}).encode())
        if seen.method == "DELETE":
            del self.live[token]
        return _reply({"uid": uid, "name": uid})


def _reply(data: dict[str, str]) -> Reply:
    return Reply(body=json.dumps({"data": data}).encode())


class Kept(MemoryStore):
    """A store that is served on the storage thread, as a keyring is."""


class Tracked:
    """A call, and the callbacks that it leads to."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self.told: list[tuple[str, Any]] = []
        self.future: Any = None

    def __call__(self) -> None:
        """Make the call."""
        self.future = self._call(
            on_success=lambda value: self.told.append(("success", value)),
            on_error=lambda error: self.told.append(("error", error)),
        )

    def outcome(self) -> Any:
        """Return its one outcome; future and callback have to agree."""
        ((kind, value),) = self.told
        if self.future.cancelled():
            assert (kind, type(value)) == ("error", CallCancelledError)
        elif error := self.future.exception(0):
            assert (kind, value) == ("error", error)
        else:
            assert (kind, value) == ("success", self.future.result(0))
        return value


class Arena:
    """A client whose calls race, and everything that can be seen of it."""

    def __init__(self, url: str, service: Service, pool: ThreadPoolExecutor) -> None:
        self.service = service
        self.store = Kept()
        self._pool = pool
        self._url = url
        self.chat = self.client(self.store)
        self.diary = Diary()
        self.chat.add_login_listener("diary", self.diary.listener())

    def client(self, store: MemoryStore) -> CometChat:
        """Return a client of the service."""
        return CometChat("app", AppSettings.for_emulator(self._url), session_store=store)

    def race(self, *steps: Callable[[], object]) -> None:
        """Take these steps at once, each on a thread of its own."""
        start = threading.Barrier(len(steps))

        def run(step: Callable[[], object]) -> None:
            start.wait(LIMIT)
            dawdle()
            step()

        for future in [self._pool.submit(run, step) for step in steps]:
            future.result(2 * LIMIT)

    def start_round(self, session_of: str | None = None) -> None:
        """Forget what was seen, with somebody logged in or nobody."""
        if session_of is None:
            self.chat.logout().result(LIMIT)
        else:
            self.chat.login(self.service.token(session_of)).result(LIMIT)
        self.settle()
        self.diary.entries.clear()
        self.service.asked.clear()

    def settle(self) -> None:
        """Wait until everything is over and told, what goes on in the background included."""
        assert self.chat._engine.outbox.under_way.wait(LIMIT)
        settle(self.chat)

    def history(self, *calls: Tracked) -> History:
        """Return what was seen of a round, when it is over."""
        assert not wait([call.future for call in calls], LIMIT).not_done
        self.settle()
        user = self.chat.get_logged_in_user()
        return self.diary.names, " ".join(self.service.asked), user.uid if user else None

    def is_consistent(self) -> bool:
        """Return whether store, memory and the last event say the same."""
        user = self.chat.get_logged_in_user()
        stored = [decode(record).user.uid for record in self.store._records.values()]
        changes = [entry for entry in self.diary.entries if entry[0].endswith("success")]
        last = changes[-1][1].uid if changes and changes[-1][1] else None
        return stored == ([user.uid] if user else []) and last == (user and user.uid)


@pytest.fixture
def arena() -> Iterator[Arena]:
    """Return a client of a service of its own."""
    service = Service()
    with ScriptedServer(service.script) as server, ThreadPoolExecutor(3) as pool:
        arena = Arena(server.url, service, pool)
        with arena.chat:
            yield arena


def dawdle() -> None:
    """Be late by something between nothing and a whole call, so that all stages are met."""
    for _ in range(int(10 ** CHANCE.uniform(0, 5.3))):
        pass


@contextmanager
def round_of(arena: Arena, number: int, *calls: Tracked) -> Iterator[None]:
    """Say of what fails which round it was and what was seen."""
    try:
        yield
    except BaseException as error:
        told = [call.told for call in calls]
        seen = f"told {told}, events {arena.diary.names}, requests {arena.service.asked}"
        raise AssertionError(f"round {number}: {error!r}; {seen}") from error


def test_c8_login_and_logout(arena: Arena) -> None:
    """Of a login and a logout at once both happen, one after the other, the last one lasting."""
    allowed: dict[bool, list[History]] = {
        False: [
            (["login_success", "logout_success"], "POST PUT DELETE", None),
            (["login_success"], "POST PUT", "u1"),
        ],
        True: [
            (["logout_success"], "PUT DELETE", None),
            (["logout_success", "login_success"], "DELETE POST PUT", "u1"),
        ],
    }
    logged_in = False
    for number in range(ROUNDS):
        arena.diary.entries.clear()
        arena.service.asked.clear()
        login = Tracked(lambda **told: arena.chat.login("u1", "key", **told))
        logout = Tracked(arena.chat.logout)
        with round_of(arena, number, login, logout):
            arena.race(login, logout)
            history = arena.history(login, logout)
            assert history in allowed[logged_in], (logged_in, history)
            assert (login.outcome().uid, logout.outcome()) == ("u1", None)
            assert arena.is_consistent()
        logged_in = history[2] is not None


def test_c8_two_logins_of_one_user(arena: Arena) -> None:
    """The same login twice at once is one event, and mints one token; both are told the user."""
    for number in range(ROUNDS):
        arena.start_round()
        calls = [Tracked(lambda **told: arena.chat.login("u1", "key", **told)) for _ in range(2)]
        with round_of(arena, number, *calls):
            arena.race(*calls)
            events, requests, uid = arena.history(*calls)
            assert (events, uid) == (["login_success"], "u1")
            assert requests in {"POST PUT", "POST PUT PUT"}  # joined, or verified by the second
            assert [call.outcome().uid for call in calls] == ["u1", "u1"]
            assert arena.is_consistent()


def test_c8_logins_of_two_users(arena: Arena) -> None:
    """Of two different logins at once one is refused, or the later one replaces the earlier."""
    for number in range(ROUNDS):
        arena.start_round()
        calls = [
            Tracked(lambda uid=uid, **told: arena.chat.login(uid, "key", **told))
            for uid in ("u1", "u2")
        ]
        with round_of(arena, number, *calls):
            arena.race(*calls)
            events, requests, uid = arena.history(*calls)
            outcomes = [call.outcome() for call in calls]
            users = [outcome.uid for outcome in outcomes if isinstance(outcome, User)]
            refused = [each for each in outcomes if isinstance(each, LoginInProgressError)]
            assert uid in users
            assert (len(users), len(refused)) in {(1, 1), (2, 0)}
            assert events == ["login_success"] * len(users)
            assert requests == ("POST PUT" if refused else "POST PUT POST PUT DELETE")
            assert arena.is_consistent()


def test_c8_close_during_login(arena: Arena) -> None:
    """A login that a close meets is over when it returns, or refused; nothing is sent after it."""
    service = arena.service
    for number in range(ROUNDS):
        chat, token = arena.client(MemoryStore()), service.token("u1")
        login = Tracked(lambda **told: chat.login(token, **told))  # noqa: B023 - used at once
        asked: list[int] = []

        def close() -> None:
            chat.close(LIMIT)  # noqa: B023
            asked.append(len(service.asked))  # noqa: B023

        with round_of(arena, number, login):
            arena.race(login, close)
            assert login.future.done()
            settle(chat)
            outcome = login.outcome()
            assert isinstance(outcome, (User, ClientClosedError))
            assert asked == [len(service.asked)]
            assert isinstance(error_of(chat.login("x")), ClientClosedError)


def test_c8_first_look_and_login(arena: Arena) -> None:
    """Whoever looks for the first time while somebody logs in does not undo the login."""
    for number in range(ROUNDS):
        store = CHANCE.choice([MemoryStore, Kept])()
        chat, token = arena.client(store), arena.service.token("u1")
        login = Tracked(lambda **told: chat.login(token, **told))  # noqa: B023 - used at once
        with round_of(arena, number, login):
            arena.race(login, chat.get_logged_in_user, chat.session_info)
            assert login.future.result(LIMIT).uid == "u1"
            user, info = chat.get_logged_in_user(), chat.session_info()
            assert (user and user.uid, info.reason) == ("u1", "memory")
            assert [decode(record).user.uid for record in store._records.values()] == ["u1"]
            chat.close()


@pytest.mark.parametrize("other", ["check_session", "reload"])
@pytest.mark.parametrize("dead", [False, True], ids=["live", "dead"])
def test_c8_logout_and_another_look(arena: Arena, other: str, dead: bool) -> None:
    """A logout at the same time as a check or a reload, be the token dead or not, is one event."""
    asks = other == "check_session"
    for number in range(ROUNDS):
        arena.start_round("u1")
        if dead:
            arena.service.live.clear()
        calls = Tracked(arena.chat.logout), Tracked(getattr(arena.chat, other))
        with round_of(arena, number, *calls):
            arena.race(*calls)
            events, requests, uid = arena.history(*calls)
            gone, found = (call.outcome() for call in calls)
            after_it = "PUT" if dead and asks else "PUT DELETE" if asks else "DELETE"
            assert (gone, events, uid) == (None, ["logout_success"], None)
            assert requests in {after_it, "DELETE"}
            assert found is None or (found.uid, requests) == ("u1", after_it)
            assert arena.is_consistent()


def test_c8_logout_and_login_with_a_dead_token(arena: Arena) -> None:
    """A logout and a login with the same dead token end the session once, and fail the login."""
    for number in range(ROUNDS):
        arena.start_round("u1")
        (token,) = arena.service.live
        arena.service.live.clear()
        login = Tracked(lambda **told: arena.chat.login(token, **told))  # noqa: B023
        logout = Tracked(arena.chat.logout)
        with round_of(arena, number, login, logout):
            arena.race(login, logout)
            events, requests, uid = arena.history(login, logout)
            assert (sorted(events), uid) == (["login_failure", "logout_success"], None)
            assert requests in {"PUT", "DELETE PUT"}
            assert login.outcome().code == "AUTH_ERR_AUTH_TOKEN_NOT_FOUND"
            assert logout.outcome() is None
            assert arena.is_consistent()


def test_c9_cancelled_while_it_starts(arena: Arena) -> None:
    """A call cancelled while it starts is either not sent or not cancelled."""
    arena.start_round("u1")
    for number in range(2 * ROUNDS):
        arena.service.asked.clear()
        check = Tracked(arena.chat.check_session)
        with round_of(arena, number, check):
            check()
            dawdle()
            cancelled = check.future.cancel()
            arena.settle()
            assert check.future.cancelled() == cancelled
            assert isinstance(check.outcome(), CallCancelledError if cancelled else User)
            assert arena.service.asked == ([] if cancelled else ["PUT"])


def test_c9_cancelled_while_another_joins(arena: Arena) -> None:
    """A login that joins another while that is cancelled is carried out, and told the user."""
    arena.start_round("u1")
    (token,) = arena.service.live
    for number in range(ROUNDS):
        arena.service.asked.clear()
        calls = [Tracked(lambda **told: arena.chat.login(token, **told)) for _ in range(2)]
        cancelled: list[bool] = []

        def change_of_mind(call: Tracked) -> None:
            call()
            dawdle()
            cancelled.append(call.future.cancel())  # noqa: B023 - joined in the same round

        with round_of(arena, number, *calls):
            arena.race(partial(change_of_mind, calls[0]), calls[1])
            arena.settle()
            outcomes = [call.outcome() for call in calls]
            kinds = [type(outcome) for outcome in outcomes]
            assert kinds == [CallCancelledError if cancelled[0] else User, User]
            assert arena.service.asked in ([["PUT"]] if cancelled[0] else [["PUT"], ["PUT"] * 2])
            assert arena.diary.names == []


class Watch:
    """A listener, and between which moments it was added and removed."""

    def __init__(self) -> None:
        self.added = self.removed = (sys.maxsize, sys.maxsize)
        self.told: list[Any] = []

    def login_failure(self, error: Any) -> None:
        """Write it down."""
        self.told.append(error)

    def agrees(self, error: Any, begin: int, end: int) -> bool:
        """Return whether it was told of an event between these moments if, and only if, due."""
        count = self.told.count(error)
        if self.added[1] < begin and end < self.removed[0]:
            return count == 1
        return count <= (self.added[0] < end and begin < self.removed[1])


def test_c7_listeners_changed_from_another_thread(arena: Arena) -> None:
    """A listener is told of what happens between its being added and replaced or removed, once."""
    chat, moments = arena.chat, itertools.count()
    watches = [Watch()]
    events: list[tuple[Any, int, int]] = []

    def fail() -> None:
        for _ in range(ROUNDS):
            begin, future = next(moments), chat.login("")
            events.append((future.exception(0), begin, next(moments)))

    def change() -> None:
        for _ in range(ROUNDS):
            watch, adds, begin = Watch(), CHANCE.random() < 0.7, next(moments)
            if adds:
                chat.add_login_listener("watch", watch)
            else:
                chat.remove_login_listener("watch")
            watches[-1].removed = (begin, next(moments))
            watch.added = watches[-1].removed if adds else watch.added
            watches.append(watch)

    arena.race(fail, change)
    arena.settle()
    assert [error for _, error in arena.diary.entries] == [error for error, _, _ in events]
    for number, event in enumerate(events):
        assert all(watch.agrees(*event) for watch in watches), f"event {number}: {event}"


def test_c7_listeners_changed_from_inside_callbacks(arena: Arena) -> None:
    """Who is added, replaced or removed while an event is told is, or is not, told the next one."""
    chat, told = arena.chat, Diary()
    numbers = itertools.count()

    def change(_: object) -> None:
        number = next(numbers)
        if number % 3 == 0:
            chat.remove_login_listener("second")
        else:
            chat.add_login_listener("second", told.listener(f"{number}:"))
        chat.add_login_listener("first", LoginListener(login_failure=change))

    chat.add_login_listener("first", LoginListener(login_failure=change))
    for number in range(ROUNDS):
        told.entries.clear()
        chat.login("")
        settle(chat)
        present = [f"{number - 1}:login_failure"] if number > 1 and number % 3 != 1 else []
        assert told.names == present, f"round {number}"
    assert arena.diary.names == ["login_failure"] * ROUNDS
