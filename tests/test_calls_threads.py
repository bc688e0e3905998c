"""Re-entrancy, concurrency, cancelling, and other threads to be told on (C3, C6, C8, C9)."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from cometchat_auth import (
    AppSettings,
    CallCancelledError,
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


@pytest.fixture
def pool_of_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the library one single request worker."""
    send_workers_away()
    monkeypatch.setattr(_threads.REQUESTS, "_size", 1)
    yield
    send_workers_away()


def send_workers_away() -> None:
    """End the library's request workers, so that those of the next test are all there are."""
    tasks, members = _threads.REQUESTS._queue, _threads.REQUESTS._members
    _threads.REQUESTS.reset()
    for _ in members:
        tasks.put(None)
    for member in members:
        member.join(LIMIT)
        assert not member.is_alive()


_NAMES = (f"kim-{number}" for number in itertools.count())

# By the method's name, and what is special about this way of calling it.
METHODS: dict[str, Callable[[CometChat, Emulator], Any]] = {
    "login: uid and key": lambda c, e: c.login("cometchat-uid-2", e.auth_key).exception(LIMIT),
    "login: by keywords": lambda c, e: c.login(
        uid="cometchat-uid-1", auth_key=e.auth_key
    ).exception(LIMIT),
    "login: token": lambda c, e: c.login(e.create_auth_token("cometchat-uid-3")).exception(LIMIT),
    "login: token by keyword": lambda c, e: c.login(
        auth_token=e.create_auth_token("cometchat-uid-1")
    ).exception(LIMIT),
    "login: refused at once": lambda c, _: c.login("").exception(LIMIT),
    "login: without a key": lambda c, _: c.login("cometchat-uid-1", None).exception(LIMIT),
    "login: twice": lambda c, e: [
        future.exception(LIMIT)
        for future in [c.login("cometchat-uid-4", e.auth_key) for _ in range(2)]
    ][1],
    "logout": lambda c, _: c.logout().exception(LIMIT),
    "create_user": lambda c, e: c.create_user(User(next(_NAMES), "K"), e.auth_key).exception(LIMIT),
    "check_session": lambda c, _: c.check_session().exception(LIMIT),
    "reload": lambda c, _: c.reload().exception(LIMIT),
    "warm_up": lambda c, _: c.warm_up().exception(LIMIT),
    "get_logged_in_user": lambda c, _: c.get_logged_in_user(),
    "session_info": lambda c, _: c.session_info(),
    "add_login_listener": lambda c, _: c.add_login_listener("late", LoginListener()),
    "remove_login_listener": lambda c, _: c.remove_login_listener("acting"),
    "close": lambda c, _: c.close(60),
    "future: cancel": lambda c, _: c.check_session().cancel(),
    "future: result": lambda c, _: c.check_session().result(LIMIT),
    "future: exception": lambda c, _: c.check_session().exception(),
    "future: done-callback": lambda c, _: c.warm_up().add_done_callback(lambda _: None),
}
REFUSED = {"login: refused at once", "login: without a key"}
NEVER_WAIT = REFUSED | {
    *("get_logged_in_user", "session_info", "add_login_listener", "remove_login_listener"),
    *("close", "future: cancel", "future: done-callback"),
}

Make = Callable[..., CometChat]
Act = Callable[..., None]
Place = Callable[[Make, Emulator, Act], object]


def _from_cancelled(make: Make, _: Emulator, act: Act) -> None:
    go_on = threading.Event()
    _threads.start()
    _threads.REQUESTS.submit(go_on.wait)  # keeps the only worker busy
    assert make().check_session(on_error=act).cancel()
    go_on.set()


def _from_done_late(make: Make, e: Emulator, act: Act) -> None:
    future = make().login("cometchat-uid-1", e.auth_key)
    future.result(LIMIT)
    future.add_done_callback(act)


def _from_error_hook(make: Make, _: Emulator, act: Act) -> None:
    def fail(_: object) -> None:
        raise ValueError("a bug of the application")

    make(on_callback_error=act).login("", on_error=fail)


def _from_refusing_dispatcher(make: Make, e: Emulator, act: Act) -> None:
    def refuse(_: object) -> None:
        raise ValueError("no main loop any more")

    chat = make(dispatcher=refuse, on_callback_error=act)
    chat.login("cometchat-uid-1", e.auth_key, on_success=act)


def _from_event(event: str) -> Place:
    def start(make: Make, e: Emulator, act: Act) -> None:
        chat = make()
        chat.add_login_listener("acting", LoginListener(**{event: act}))
        if event == "login_failure":
            chat.login("", "")
        else:
            chat.login("cometchat-uid-1", e.auth_key)
        if event.startswith("logout"):
            chat.logout(timeout=1e-6 if event == "logout_failure" else None)

    return start


PLACES: dict[str, Place] = {
    "on_success": lambda make, e, act: make().login("cometchat-uid-1", e.auth_key, on_success=act),
    "on_error": lambda make, _, act: make().login("", on_error=act),
    "on_error of a cancelled call": _from_cancelled,
    "done-callback": lambda make, e, act: (
        make().login("cometchat-uid-1", e.auth_key).add_done_callback(act)
    ),
    "done-callback added late": _from_done_late,
    "on_callback_error": _from_error_hook,
    "a thread of the application's own": lambda make, e, act: make(dispatcher="pump").login(
        "cometchat-uid-1", e.auth_key, on_success=act
    ),
    **{
        event: _from_event(event)
        for event in ("login_success", "login_failure", "logout_success", "logout_failure")
    },
}
# Here callbacks run on the spot, where waiting for a call could never finish.
ON_A_WORKER: dict[str, Place] = {
    "on_success on the spot": lambda make, e, act: make(
        dispatcher=lambda function: function()
    ).login("cometchat-uid-1", e.auth_key, on_success=act),
    "a dispatcher refused": _from_refusing_dispatcher,
}


@pytest.fixture(scope="module")
def service() -> Iterator[Emulator]:
    """Run one emulator for the whole matrix."""
    with Emulator() as service:
        yield service


@pytest.fixture
def make(service: Emulator) -> Iterator[Make]:
    """Return what makes a client, for whose dispatcher ``"pump"`` a thread runs callbacks."""
    waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
    made: list[CometChat] = []

    def pump() -> None:
        while (function := waiting.get()) is not None:
            function()

    def make(*, dispatcher: Any = None, **more: Any) -> CometChat:
        settings = AppSettings.for_emulator(service.url)
        own = waiting.put if dispatcher == "pump" else dispatcher
        made.append(
            CometChat(service.app_id, settings, session_store=MemoryStore(), dispatcher=own, **more)
        )
        return made[-1]

    thread = threading.Thread(target=pump)
    thread.start()
    yield make
    for client in made:
        client.close()
    waiting.put(None)
    thread.join(LIMIT)


def _acted(make: Make, service: Emulator, place: Place, method: str) -> Any:
    """Return what a method returned or raised where it was called in that place."""
    client: list[CometChat] = []
    ready, over = threading.Event(), threading.Event()
    outcome: list[Any] = []

    def made(**options: Any) -> CometChat:
        client.append(make(**options))
        ready.set()
        return client[0]

    def act(*_: object) -> None:
        if outcome:
            return
        outcome.append("begun")
        try:
            outcome.append(METHODS[method](client[0], service))
        except BaseException as error:
            outcome.append(("raised", error))
        over.set()

    place(made, service, act)
    assert over.wait(LIMIT)
    return outcome[1]


def test_c3_the_matrix_is_complete() -> None:
    """Every public method of the client has to be in the matrix."""
    public = {name for name in dir(CometChat) if not name.startswith("_")}
    assert {name.partition(":")[0] for name in METHODS} - {"future"} == public


@pytest.mark.usefixtures("pool_of_one")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", PLACES)
def test_c3_every_method_from_every_callback(
    make: Make, service: Emulator, place: str, method: str
) -> None:
    """Any method may be called, and waited for, from any callback, with a pool of one."""
    outcome = _acted(make, service, PLACES[place], method)
    assert not isinstance(outcome, tuple), outcome
    assert getattr(outcome, "code", None) == ("MISSING_PARAMETERS" if method in REFUSED else None)


@pytest.mark.usefixtures("pool_of_one")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ON_A_WORKER)
def test_c3_every_method_on_the_only_worker(
    make: Make, service: Emulator, place: str, method: str
) -> None:
    """On the thread that does the work every method works, and waiting for it raises at once."""
    outcome = _acted(make, service, ON_A_WORKER[place], method)
    assert isinstance(outcome, tuple) == (method not in NEVER_WAIT), outcome
    if isinstance(outcome, tuple):
        assert outcome[1].code == "WOULD_BLOCK_FOREVER"


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
        chat._engine.outbox.send(settled.set)
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
