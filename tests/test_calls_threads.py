"""Re-entrancy, concurrency, cancelling, forking, and how few threads it takes (C3, C6, C8-C10)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, wait
from pathlib import Path
from typing import Any

import pytest

from cometchat_auth import (
    AppSettings,
    CallCancelledError,
    ClientClosedError,
    CometChat,
    CometChatException,
    LoginInProgressError,
    LoginListener,
    MemoryStore,
    User,
    _threads,
)
from cometchat_auth.emulator import Emulator

from .tools import LIMIT, Diary, Reply, Seen, error_of, scripted, settle

ROOT = Path(__file__).parent.parent


@pytest.fixture
def pool_of_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the library one single request worker."""
    _threads.REQUESTS.reset()
    monkeypatch.setattr(_threads.REQUESTS, "_size", 1)
    yield
    _threads.REQUESTS.reset()


METHODS: dict[str, Callable[[CometChat, Emulator], Any]] = {
    "login": lambda c, e: c.login("cometchat-uid-2", e.auth_key).exception(LIMIT),
    "login_token": lambda c, e: c.login(e.create_auth_token("cometchat-uid-3")).exception(LIMIT),
    "logout": lambda c, _: c.logout().exception(LIMIT),
    "create_user": lambda c, e: c.create_user(User("kim", "Kim"), e.auth_key).exception(LIMIT),
    "check_session": lambda c, _: c.check_session().exception(LIMIT),
    "reload": lambda c, _: c.reload().exception(LIMIT),
    "warm_up": lambda c, _: c.warm_up().exception(LIMIT),
    "get_logged_in_user": lambda c, _: c.get_logged_in_user(),
    "session_info": lambda c, _: c.session_info(),
    "add_listener": lambda c, _: c.add_login_listener("late", LoginListener()),
    "remove_listener": lambda c, _: c.remove_login_listener("diary"),
    "close": lambda c, _: c.close(),
}


def _from_success(c: CometChat, e: Emulator, act: Callable[..., None]) -> None:
    c.login("cometchat-uid-1", e.auth_key, on_success=act)


def _from_error(c: CometChat, _: Emulator, act: Callable[..., None]) -> None:
    c.login("", on_error=act)


def _from_done(c: CometChat, e: Emulator, act: Callable[..., None]) -> None:
    c.login("cometchat-uid-1", e.auth_key).add_done_callback(act)


def _from_event(event: str) -> Callable[..., None]:
    def start(c: CometChat, e: Emulator, act: Callable[..., None]) -> None:
        c.add_login_listener("acting", LoginListener(**{event: act}))
        if event == "login_failure":
            c.login("", "")
        else:
            c.login("cometchat-uid-1", e.auth_key)
        if event == "logout_failure":
            c.check_session().result(LIMIT)
            e.stop()
        if event.startswith("logout"):
            c.logout(timeout=2)

    return start


PLACES: dict[str, Callable[..., None]] = {
    "on_success": _from_success,
    "on_error": _from_error,
    "done_callback": _from_done,
    **{
        event: _from_event(event)
        for event in ("login_success", "login_failure", "logout_success", "logout_failure")
    },
}


@pytest.mark.usefixtures("pool_of_one")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", PLACES)
def test_c3_every_method_from_every_callback(
    chat: CometChat, emulator: Emulator, place: str, method: str
) -> None:
    """Any method may be called, and waited for, from any callback, with a pool of one."""
    outcome: list[Any] = []
    over = threading.Event()

    def act(*_: object) -> None:
        if outcome:
            return
        outcome.append("begun")
        try:
            outcome.append(METHODS[method](chat, emulator))
        except BaseException as error:
            outcome.append(error)
        over.set()

    PLACES[place](chat, emulator, act)
    assert over.wait(LIMIT)
    assert not isinstance(outcome[1], BaseException) or isinstance(outcome[1], CometChatException)


def test_c3_waiting_on_a_worker_raises_at_once(emulator: Emulator) -> None:
    """With a dispatcher that runs callbacks on the spot, what could never finish raises."""
    outcome: list[Any] = []
    with CometChat(
        emulator.app_id,
        AppSettings.for_emulator(emulator.url),
        session_store=MemoryStore(),
        dispatcher=lambda function: function(),
    ) as chat:

        def act(_: object) -> None:
            try:
                chat.check_session().result(LIMIT)
            except CometChatException as error:
                outcome.append(error.code)

        chat.login("cometchat-uid-1", emulator.auth_key, on_success=act).result(LIMIT)
        assert chat.check_session().result(LIMIT) is not None
    assert outcome == ["WOULD_BLOCK_FOREVER"]


def test_c3_no_lock_is_held_while_callbacks_run(chat: CometChat, emulator: Emulator) -> None:
    """While one callback blocks, every method still works from other threads."""
    blocked, go_on = threading.Event(), threading.Event()

    def block(_: object) -> None:
        blocked.set()
        go_on.wait(LIMIT)

    chat.login("cometchat-uid-1", emulator.auth_key, on_success=block)
    assert blocked.wait(LIMIT)
    try:
        assert chat.get_logged_in_user() is not None
        assert chat.check_session().result(LIMIT) is not None
        assert chat.logout().result(LIMIT) is None
        chat.add_login_listener("x", LoginListener())
        chat.remove_login_listener("x")
    finally:
        go_on.set()


def test_c6_callbacks_go_where_the_dispatcher_says(emulator: Emulator) -> None:
    """With `list.append` as dispatcher nothing runs until the application runs it, in order."""
    posted: list[Callable[[], None]] = []
    diary = Diary()
    with CometChat(
        emulator.app_id,
        AppSettings.for_emulator(emulator.url),
        session_store=MemoryStore(),
        dispatcher=posted.append,
    ) as chat:
        chat.add_login_listener("diary", diary.listener())
        chat.login("cometchat-uid-1", emulator.auth_key, on_success=diary.note("own")).result(LIMIT)
        settled = threading.Event()
        chat._outbox.send(settled.set)
        assert diary.names == []
        for function in posted:
            function()
    assert diary.names == ["login_success", "own"]
    assert settled.is_set()


def test_c6_asyncio_gets_callbacks_on_its_loop(emulator: Emulator) -> None:
    """With `loop.call_soon_threadsafe` callbacks run on the loop's thread."""

    async def main() -> list[str]:
        names: list[str] = []
        loop = asyncio.get_running_loop()
        told = asyncio.Event()

        def note(_: object) -> None:
            names.append(threading.current_thread().name)
            told.set()

        with CometChat(
            emulator.app_id,
            AppSettings.for_emulator(emulator.url),
            session_store=MemoryStore(),
            dispatcher=loop.call_soon_threadsafe,
        ) as chat:
            future = chat.login("cometchat-uid-1", emulator.auth_key, on_success=note)
            await asyncio.wait_for(asyncio.wrap_future(future), LIMIT)
            await asyncio.wait_for(told.wait(), LIMIT)
        return names

    assert asyncio.run(main()) == [threading.current_thread().name]


def test_k6_futures_can_be_awaited(chat: CometChat, emulator: Emulator) -> None:
    """`await asyncio.wrap_future(chat.login(...))` yields the user, or raises."""

    async def main() -> tuple[str, str]:
        future = asyncio.wrap_future(chat.login("cometchat-uid-1", emulator.auth_key))
        user = await asyncio.wait_for(future, LIMIT)
        with pytest.raises(CometChatException) as caught:
            await asyncio.wait_for(asyncio.wrap_future(chat.login("")), LIMIT)
        return user.uid, caught.value.code

    assert asyncio.run(main()) == ("cometchat-uid-1", "MISSING_PARAMETERS")


class Gate:
    """A service that holds back every answer until the test lets it go."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self.requests: list[str] = []

    def script(self, seen: Seen) -> Reply:
        """Answer as the service would, once the gate is open."""
        self.requests.append(f"{seen.method} {seen.path.removeprefix('/v3.0')}")
        self.arrived.release()
        self.open.wait(LIMIT)
        if seen.path.endswith("/auth_tokens"):
            body = b'{"data": {"uid": "u1", "authToken": "u1_token"}}'
        else:
            body = b'{"data": {"uid": "u1", "name": "One"}}'
        return Reply(body=body)


@pytest.fixture
def gate() -> Iterator[tuple[Gate, CometChat]]:
    """Return a gate and a client of the service behind it."""
    gate = Gate()
    with scripted(gate.script) as server:
        client = CometChat("app", AppSettings.for_emulator(server.url), session_store=MemoryStore())
        yield gate, client
        gate.open.set()
        client.close()


def test_c8_two_identical_logins_are_one(gate: tuple[Gate, CometChat]) -> None:
    """Two identical logins at once are one on the wire and one event, with two outcomes."""
    service, chat = gate
    diary = Diary()
    chat.add_login_listener("diary", diary.listener())
    futures = [chat.login("u1", "key", on_success=diary.note("own")) for _ in range(2)]
    assert service.arrived.acquire(timeout=LIMIT)
    futures.append(chat.login("U1", "key", on_success=diary.note("own")))
    service.open.set()
    assert {future.result(LIMIT).uid for future in futures} == {"u1"}
    settle(chat)
    assert service.requests == ["POST /users/u1/auth_tokens", "PUT /me"]
    assert diary.names == ["login_success", "own", "own", "own"]


def test_c8_another_login_meanwhile_is_refused(gate: tuple[Gate, CometChat]) -> None:
    """A different login meanwhile ends with `LOGIN_IN_PROGRESS`, without an event."""
    service, chat = gate
    diary = Diary()
    chat.add_login_listener("diary", diary.listener())
    first = chat.login("u1", "key")
    assert service.arrived.acquire(timeout=LIMIT)
    for other in (chat.login("u2", "key"), chat.login("u1", "other-key"), chat.login("token")):
        error = error_of(other)
        assert isinstance(error, LoginInProgressError)
        assert error.code == "LOGIN_IN_PROGRESS"
    service.open.set()
    first.result(LIMIT)
    settle(chat)
    assert diary.names == ["login_success"]


def test_c8_the_last_intent_wins(gate: tuple[Gate, CometChat]) -> None:
    """A logout waits for the login before it, and a login after it waits for the logout."""
    service, chat = gate
    diary = Diary()
    chat.add_login_listener("diary", diary.listener())
    chat.login("u1", "key")
    assert service.arrived.acquire(timeout=LIMIT)
    out = chat.logout()
    again = chat.login("u1", "key")
    service.open.set()
    assert out.result(LIMIT) is None
    assert again.result(LIMIT).uid == "u1"
    settle(chat)
    assert diary.names == ["login_success", "logout_success", "login_success"]
    assert chat.get_logged_in_user() is not None


def test_c8_a_logout_that_ran_out_of_time_waiting_still_happens(
    gate: tuple[Gate, CometChat],
) -> None:
    """A logout whose time is over before its turn says so in time, and still logs out."""
    service, chat = gate
    diary = Diary()
    chat.add_login_listener("diary", diary.listener())
    login = chat.login("u1", "key")
    assert service.arrived.acquire(timeout=LIMIT)
    assert error_of(chat.logout(timeout=0.2)).code == "TIMEOUT"
    service.open.set()
    login.result(LIMIT)
    assert [diary.next()[0] for _ in range(3)] == [
        "logout_failure",
        "login_success",
        "logout_success",
    ]
    assert chat.get_logged_in_user() is None


def test_c8_races(emulator: Emulator, store: MemoryStore) -> None:
    """A thousand races of logins and logouts: each one outcome; store and last event agree."""
    settings = AppSettings.for_emulator(emulator.url)
    with CometChat(emulator.app_id, settings, session_store=store) as chat:
        diary = Diary()
        chat.add_login_listener("diary", diary.listener())
        for number in range(1000):
            outcomes = Diary()
            futures: list[Any] = []
            start = threading.Barrier(3)
            calls: list[Callable[..., Any]] = [
                lambda **cb: chat.login("cometchat-uid-1", emulator.auth_key, **cb),
                (lambda **cb: chat.logout(**cb))
                if number % 2
                else (lambda **cb: chat.login("cometchat-uid-2", emulator.auth_key, **cb)),
            ]

            def race(call: Callable[..., Any]) -> None:
                start.wait(LIMIT)  # noqa: B023 - joined before the next round
                note = outcomes.note("outcome")  # noqa: B023
                futures.append(call(on_success=note, on_error=note))  # noqa: B023

            threads = [threading.Thread(target=race, args=(call,)) for call in calls]
            for thread in threads:
                thread.start()
            start.wait(LIMIT)
            for thread in threads:
                thread.join(LIMIT)
            assert not wait(futures, LIMIT).not_done
            settle(chat)
            assert outcomes.names == ["outcome"] * 2
            logged_in = chat.get_logged_in_user() is not None
            assert logged_in == bool(store._records)
            told = [name for name in diary.names if name.endswith("success")]
            assert logged_in == (bool(told) and told[-1] == "login_success")


def test_c8_close_during_login(emulator: Emulator) -> None:
    """A close during a login lets it finish and be told, and refuses what comes after."""
    for _ in range(100):
        diary = Diary()
        chat = CometChat(
            emulator.app_id, AppSettings.for_emulator(emulator.url), session_store=MemoryStore()
        )
        future = chat.login("cometchat-uid-1", emulator.auth_key, on_success=diary.note("own"))
        chat.close(LIMIT)
        assert future.done()
        assert diary.names == ["own"]
        assert isinstance(error_of(chat.login("x")), ClientClosedError)
        with pytest.raises(ClientClosedError):
            chat.get_logged_in_user()


@pytest.mark.usefixtures("pool_of_one")
def test_c9_cancelled_before_the_start(gate: tuple[Gate, CometChat]) -> None:
    """A call cancelled before it began sends nothing; its error callback gets `CANCELLED`."""
    service, chat = gate
    diary = Diary()
    first = chat.create_user(User("u1", "One"), "key")
    assert service.arrived.acquire(timeout=LIMIT)
    chat.add_login_listener("diary", diary.listener())
    second = chat.login("u1", "key", on_error=diary.note("own"))
    assert second.cancel()
    assert second.cancel()
    service.open.set()
    first.result(LIMIT)
    chat.check_session().result(LIMIT)
    settle(chat)
    with pytest.raises(CancelledError):
        second.result(LIMIT)
    assert service.requests == ["POST /users"]
    ((name, error),) = diary.entries
    assert name == "own"
    assert isinstance(error, CallCancelledError)
    assert error.code == "CANCELLED"


@pytest.mark.usefixtures("pool_of_one")
def test_c9_cancelling_one_of_two_joined_logins(gate: tuple[Gate, CometChat]) -> None:
    """Cancelling one of two joined logins detaches only that one."""
    service, chat = gate
    chat.create_user(User("u1", "One"), "key")
    assert service.arrived.acquire(timeout=LIMIT)
    first, second = chat.login("u1", "key"), chat.login("u1", "key")
    assert first.cancel()
    service.open.set()
    assert second.result(LIMIT).uid == "u1"
    assert first.cancelled()


def test_c9_a_running_call_cannot_be_cancelled(gate: tuple[Gate, CometChat]) -> None:
    """Once a call has begun it cannot be cancelled, and ends as usual."""
    service, chat = gate
    future = chat.login("u1", "key")
    assert service.arrived.acquire(timeout=LIMIT)
    assert not future.cancel()
    service.open.set()
    assert future.result(LIMIT).uid == "u1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_c9_a_forked_child_works(emulator: Emulator) -> None:
    """After a fork the child logs in with threads and connections of its own."""
    code = """
import os, sys, warnings
from cometchat_auth import AppSettings, CometChat, MemoryStore
warnings.simplefilter("ignore", DeprecationWarning)
url, app_id, key = sys.argv[1:]
chat = CometChat(app_id, AppSettings.for_emulator(url), session_store=MemoryStore())
def tell(user):
    os.write(1, (user.uid + chr(10)).encode())
tell(chat.login("cometchat-uid-1", key).result(10))
child = os.fork()
uid = "cometchat-uid-2" if child == 0 else "cometchat-uid-3"
chat.login(uid, key, on_success=tell)
chat.close()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = _run(code, emulator.url, emulator.app_id, emulator.auth_key)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["cometchat-uid-1", "cometchat-uid-2", "cometchat-uid-3"]


def test_c10_a_thousand_clients_take_six_threads(emulator: Emulator) -> None:
    """A thousand clients cost at most six threads besides the caller's; none until asked."""
    code = """
import sys, threading
from concurrent.futures import wait
from cometchat_auth import AppSettings, CometChat, MemoryStore
url, app_id, key = sys.argv[1:]
settings = AppSettings.for_emulator(url)
clients = [CometChat(app_id, settings, session_store=MemoryStore()) for _ in range(1000)]
print(threading.active_count())
futures = [c.login("cometchat-uid-1", key) for c in clients[:100]]
most = 0
while wait(futures, 0.01).not_done:
    most = max(most, threading.active_count())
print(max(most, threading.active_count()), sum(f.exception() is not None for f in futures))
"""
    done = _run(code, emulator.url, emulator.app_id, emulator.auth_key)
    assert done.returncode == 0, done.stderr
    before, most, failed = map(int, done.stdout.split())
    assert before == 1
    assert most <= 7
    assert failed == 0


def _run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
