"""Exactly one outcome for each call, in one order, whatever goes wrong (C1, C2, C4, C7)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    LoginListener,
    MemoryStore,
    SessionStoreError,
    User,
)
from cometchat_auth.emulator import Emulator

from .tools import LIMIT, Diary, error_of, settle


class BrokenStore:
    """A store that fails at everything."""

    name = "broken"

    def load(self, _service: str, _profile: str) -> str | None:
        """Fail."""
        raise OSError("no store today")

    def save(self, _service: str, _profile: str, _record: str) -> None:
        """Fail."""
        raise OSError("no store today")

    def delete(self, _service: str, _profile: str) -> None:
        """Fail."""
        raise OSError("no store today")


Start = Callable[[CometChat, Emulator, dict[str, Any]], Any]

CALLS: dict[str, Start] = {
    "login_key": lambda c, e, cb: c.login("cometchat-uid-1", e.auth_key, **cb),
    "login_unknown_uid": lambda c, e, cb: c.login("nobody", e.auth_key, **cb),
    "login_bad_key": lambda c, _, cb: c.login("cometchat-uid-1", "0" * 40, **cb),
    "login_bad_token": lambda c, _, cb: c.login("no-token", **cb),
    "login_good_token": lambda c, e, cb: c.login(e.create_auth_token("cometchat-uid-2"), **cb),
    "login_empty": lambda c, _, cb: c.login("", **cb),
    "login_none": lambda c, _, cb: c.login("cometchat-uid-1", None, **cb),
    "login_bad_uid": lambda c, e, cb: c.login("../users/x?y=", e.auth_key, **cb),
    "logout": lambda c, _, cb: c.logout(**cb),
    "create": lambda c, e, cb: c.create_user(User("kim", "Kim"), e.auth_key, **cb),
    "create_twice": lambda c, e, cb: c.create_user(
        User("cometchat-uid-1", "Again"), e.auth_key, **cb
    ),
    "create_bad_key": lambda c, _, cb: c.create_user(User("kim", "Kim"), "f" * 40, **cb),
    "create_nameless": lambda c, e, cb: c.create_user(User("kim"), e.auth_key, **cb),
    "check": lambda c, _, cb: c.check_session(**cb),
    "reload": lambda c, _, cb: c.reload(**cb),
    "warm_up": lambda c, _, cb: c.warm_up(**cb),
    "bad_timeout": lambda c, e, cb: c.login("cometchat-uid-1", e.auth_key, timeout=-1, **cb),
}


def _client(world: str, emulator: Emulator) -> CometChat:
    app_id, settings = emulator.app_id, AppSettings.for_emulator(emulator.url)
    store: Any = MemoryStore()
    if world == "wrong_app":
        app_id = "another-app"
    elif world == "network_down":
        settings = AppSettings.for_emulator("http://127.0.0.1:9")
    elif world == "store_broken":
        store = BrokenStore()
    client = CometChat(app_id, settings, session_store=store)
    if world == "closed":
        client.close()
    return client


@pytest.mark.parametrize("world", ["good", "wrong_app", "network_down", "store_broken", "closed"])
@pytest.mark.parametrize("call", CALLS)
def test_c1_exactly_one_outcome(emulator: Emulator, world: str, call: str) -> None:
    """The future completes, and exactly the one callback that agrees with it runs, once."""
    diary = Diary()
    client = _client(world, emulator)
    future = CALLS[call](
        client,
        emulator,
        {"on_success": diary.note("success"), "on_error": diary.note("error")},
    )
    error = future.exception(LIMIT)
    settle(client)
    client.close()
    assert error is None or isinstance(error, CometChatException)
    assert diary.entries == (
        [("error", error)] if error is not None else [("success", future.result())]
    )


@pytest.fixture
def busy(emulator: Emulator) -> Iterator[None]:
    """Keep three of the four workers busy with another client's calls."""
    stop = threading.Event()
    with CometChat(
        emulator.app_id, AppSettings.for_emulator(emulator.url), session_store=MemoryStore()
    ) as other:

        def load() -> None:
            while not stop.is_set():
                other.create_user(User("cometchat-uid-1", "x"), emulator.auth_key).exception(LIMIT)

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        yield
        stop.set()
        for thread in threads:
            thread.join(LIMIT)


@pytest.mark.usefixtures("busy")
def test_c2_order_under_load(chat: CometChat, emulator: Emulator, store: MemoryStore) -> None:
    """State, store, future, listeners in the order they were added, then the call's callback."""
    seen: list[str] = []
    futures: list[Any] = []
    ready = threading.Event()

    def witness(name: str) -> Callable[..., None]:
        def note(*_: object) -> None:
            assert ready.wait(LIMIT)
            user = chat.get_logged_in_user()
            stored = any("authToken" in record for record in store._records.values())
            seen.append(f"{name}:{user is not None}:{stored}:{futures[-1].done()}")

        return note

    for name in ("second", "first", "third"):
        chat.add_login_listener(
            name, LoginListener(login_success=witness(name), logout_success=witness(name))
        )
    for _ in range(25):
        ready.clear()
        futures.append(chat.login("cometchat-uid-1", emulator.auth_key, on_success=witness("own")))
        ready.set()
        futures[-1].result(LIMIT)
        settle(chat)
        ready.clear()
        futures.append(chat.logout(on_success=witness("own")))
        ready.set()
        futures[-1].result(LIMIT)
        settle(chat)
    names = ("second", "first", "third", "own")
    once = [f"{n}:True:True:True" for n in names] + [f"{n}:False:False:True" for n in names]
    assert seen == once * 25


def test_c2_never_on_the_callers_thread(chat: CometChat) -> None:
    """Even where the arguments are refused at once, callbacks run on the dispatcher."""
    names: list[str] = []
    chat.login("", on_error=lambda _: names.append(threading.current_thread().name))
    settle(chat)
    assert names == ["cometchat-dispatcher"]


def test_c2_done_callbacks_run_on_the_dispatcher(chat: CometChat, emulator: Emulator) -> None:
    """A future's done-callback runs on the dispatcher, added before or after it is done."""
    names: list[str] = []
    future = chat.login("cometchat-uid-1", emulator.auth_key)
    future.add_done_callback(lambda _: names.append(threading.current_thread().name))
    future.result(LIMIT)
    future.add_done_callback(lambda _: names.append(threading.current_thread().name))
    settle(chat)
    assert names == ["cometchat-dispatcher"] * 2


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_c4_raising_callbacks(
    emulator: Emulator, kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """A thousand raising callbacks are logged and reported, and change nothing else."""
    reported: list[BaseException] = []
    caplog.set_level(logging.ERROR, "cometchat_auth")

    def bad(*_: object) -> None:
        raise kind("a bug of the application")

    with CometChat(
        emulator.app_id,
        AppSettings.for_emulator(emulator.url),
        session_store=MemoryStore(),
        on_callback_error=reported.append,
    ) as chat:
        chat.add_login_listener("bad", LoginListener(login_success=bad, login_failure=bad))
        diary = Diary()
        chat.add_login_listener("good", diary.listener())
        for _ in range(500):
            chat.login("", on_error=bad)
        user = chat.login("cometchat-uid-1", emulator.auth_key, on_success=bad).result(LIMIT)
        settle(chat)
        assert chat.get_logged_in_user() == user
    assert diary.names == ["login_failure"] * 500 + ["login_success"]
    assert len(reported) == 1002
    assert {type(error) for error in reported} == {kind}
    assert sum(record.exc_info is not None for record in caplog.records) == 1002


def test_c4_raising_error_hook(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """Where `on_callback_error` raises itself, that is logged and the dispatcher lives on."""

    def bad(*_: object) -> None:
        raise ValueError("a bug")

    with CometChat(
        emulator.app_id,
        AppSettings.for_emulator(emulator.url),
        session_store=MemoryStore(),
        on_callback_error=bad,
    ) as chat:
        chat.login("", on_error=bad)
        settle(chat)
    assert any("on_callback_error" in record.message for record in caplog.records)


def test_c7_listeners_replaced_and_removed(chat: CometChat, emulator: Emulator) -> None:
    """The same id replaces a listener; removing is idempotent and holds from the next event on."""
    old, new = Diary(), Diary()
    chat.add_login_listener("id", old.listener())
    chat.add_login_listener("id", new.listener())
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    settle(chat)
    chat.remove_login_listener("id")
    chat.remove_login_listener("id")
    chat.logout().result(LIMIT)
    settle(chat)
    assert (old.names, new.names) == ([], ["login_success"])


def test_c7_listener_removes_itself(chat: CometChat, emulator: Emulator, diary: Diary) -> None:
    """A listener may remove itself from inside its callback; the others are told all the same."""
    calls: list[User] = []

    def once(user: User) -> None:
        calls.append(user)
        chat.remove_login_listener("once")

    chat.add_login_listener("once", LoginListener(login_success=once))
    for uid in ("cometchat-uid-1", "cometchat-uid-2"):
        chat.login(uid, emulator.auth_key).result(LIMIT)
        settle(chat)  # the next event's audience is who listens when it happens
    assert [user.uid for user in calls] == ["cometchat-uid-1"]
    assert diary.names == ["login_success"] * 2


def test_c7_one_event_for_each_real_change(
    chat: CometChat, emulator: Emulator, diary: Diary
) -> None:
    """Verifying a live session and logging out nobody fire nothing; a switch fires once."""
    chat.logout().result(LIMIT)
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    chat.check_session().result(LIMIT)
    chat.login("cometchat-uid-2", emulator.auth_key).result(LIMIT)
    chat.logout().result(LIMIT)
    chat.logout().result(LIMIT)
    settle(chat)
    assert diary.names == ["login_success", "login_success", "logout_success"]


def test_every_listener_callback_fires(chat: CometChat, emulator: Emulator, diary: Diary) -> None:
    """All four events really fire, `logout_failure` included."""
    chat.login("cometchat-uid-1", "0" * 40).exception(LIMIT)
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    chat.logout().result(LIMIT)
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    emulator.stop()
    error = error_of(chat.logout(timeout=2))
    settle(chat)
    assert diary.names == [
        "login_failure",
        "login_success",
        "logout_success",
        "login_success",
        "logout_failure",
    ]
    assert error.details["not_achieved"] == ["server"]
    assert chat.get_logged_in_user() is None


def test_an_object_with_the_methods_is_a_listener(chat: CometChat, emulator: Emulator) -> None:
    """Any object with methods of the events' names serves; a subclass may override them."""
    told: list[str] = []

    class Window:
        def login_success(self, user: User) -> None:
            told.append(f"window {user.uid}")

    class Mine(LoginListener):
        def login_success(self, user: User) -> None:
            told.append(f"mine {user.uid}")

    chat.add_login_listener("window", Window())
    chat.add_login_listener("mine", Mine())
    chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
    settle(chat)
    assert told == ["window cometchat-uid-1", "mine cometchat-uid-1"]


def test_broken_store_is_no_login_failure(emulator: Emulator) -> None:
    """With a store that fails at everything a login succeeds; the store is what could not look."""
    with CometChat(
        emulator.app_id, AppSettings.for_emulator(emulator.url), session_store=BrokenStore()
    ) as chat:
        with pytest.raises(SessionStoreError) as caught:
            chat.get_logged_in_user()
        assert caught.value.reason == "error"
        assert isinstance(caught.value.__cause__, OSError)
        chat.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)
        info = chat.session_info()
        assert (info.persisted, info.reason, info.backend) == (False, "error", "broken")
