"""Wrong input at every public method: a clear error, nothing sent, nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cometchat_auth import (
    AppSettings,
    CometChat,
    InvalidParameterError,
    LoginListener,
    MemoryStore,
    User,
)

from .tools import Reply, ScriptedServer, error_of, scripted, settle

KIM = User("kim", "Kim")


class World:
    """A client whose every request and record would be seen."""

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.store = MemoryStore()
        self.chat = CometChat("app", AppSettings.for_emulator(server.url), session_store=self.store)


@pytest.fixture
def world() -> Iterator[World]:
    """Give a client, and see afterwards that it sent and stored nothing."""
    with scripted(lambda _: Reply(500)) as server:
        world = World(server)
        yield world
        settle(world.chat)
        world.chat.close()
        assert server.seen == []
        assert world.store._records == {}


Act = Callable[[Any], Any]

MISTAKES: dict[str, Act] = {
    "login()": lambda c: c.login(),
    "login(1)": lambda c: c.login(1),
    "login(b'token')": lambda c: c.login(b"token"),
    "login('u', 7)": lambda c: c.login("u", 7),
    "login('u', 'k', 't')": lambda c: c.login("u", "k", "t"),
    "login(uid)": lambda c: c.login(uid="u"),
    "login(auth_key)": lambda c: c.login(auth_key="k"),
    "login(uid, token)": lambda c: c.login(uid="u", auth_token="t"),
    "login(all)": lambda c: c.login(uid="u", auth_key="k", auth_token="t"),
    "login('t', auth_token)": lambda c: c.login("t", auth_token="t"),
    "login('u', uid)": lambda c: c.login("u", uid="u"),
    "login('u', 'k', uid)": lambda c: c.login("u", "k", uid="u"),
    "login(on_success=1)": lambda c: c.login("t", on_success=1),
    "login(on_error='x')": lambda c: c.login("t", on_error="x"),
    "login(timeout='1')": lambda c: c.login("t", timeout="1"),
    "login(timeout=True)": lambda c: c.login("t", timeout=True),
    "logout(on_success=1)": lambda c: c.logout(on_success=1),
    "logout(timeout=[])": lambda c: c.logout(timeout=[]),
    "create_user()": lambda c: c.create_user(),
    "create_user('kim')": lambda c: c.create_user("kim", "key"),
    "create_user(dict)": lambda c: c.create_user({"uid": "kim"}, "key"),
    "create_user(key=1)": lambda c: c.create_user(KIM, 1),
    "create_user(on_error=1)": lambda c: c.create_user(KIM, "key", on_error=1),
    "check_session(timeout='x')": lambda c: c.check_session(timeout="x"),
    "check_session(on_error=1)": lambda c: c.check_session(on_error=1),
    "reload(on_success=1)": lambda c: c.reload(on_success=1),
    "warm_up(on_error=1)": lambda c: c.warm_up(on_error=1),
    "add_login_listener(1, ..)": lambda c: c.add_login_listener(1, LoginListener()),
    "add_login_listener('x', None)": lambda c: c.add_login_listener("x", None),
    "add_login_listener('x', print)": lambda c: c.add_login_listener("x", print),
    "remove_login_listener(1)": lambda c: c.remove_login_listener(1),
    "close('now')": lambda c: c.close("now"),
    "LoginListener(1)": lambda _: LoginListener(login_success=1),  # type: ignore[arg-type]
    "User()": lambda _: User(),  # type: ignore[call-arg]
    "User(5)": lambda _: User(5),  # type: ignore[arg-type]
    "User(None)": lambda _: User(None),  # type: ignore[arg-type]
    "User(name=5)": lambda _: User("kim", 5),  # type: ignore[arg-type]
    "User(tags='vip')": lambda _: User("kim", tags="vip"),
    "User(tags=[1])": lambda _: User("kim", tags=[1]),  # type: ignore[list-item]
    "User(metadata=[])": lambda _: User("kim", metadata=[]),  # type: ignore[arg-type]
    "CometChat(1)": lambda _: CometChat(1, AppSettings(region="us")),  # type: ignore[arg-type]
    "CometChat(settings=dict)": lambda _: CometChat("app", {}),  # type: ignore[arg-type]
    "CometChat(store)": lambda _: CometChat(
        "app",
        AppSettings(region="us"),
        session_store=object(),  # type: ignore[arg-type]
    ),
    "CometChat(dispatcher)": lambda _: CometChat(
        "app",
        AppSettings(region="us"),
        dispatcher=1,  # type: ignore[arg-type]
    ),
    "AppSettings(region=1)": lambda _: AppSettings(region=1),
    "AppSettings(timeout='1')": lambda _: AppSettings(region="us", timeout="1"),
    "AppSettings(proxies='x')": lambda _: AppSettings(region="us", proxies="http://x"),
    "AppSettings(verify=1)": lambda _: AppSettings(region="us", verify=1),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_program_is_a_type_error(world: World, mistake: str) -> None:
    """A wrong kind of argument is a `TypeError` in the caller's own frame."""
    with pytest.raises(TypeError):
        MISTAKES[mistake](world.chat)


MISSING: dict[str, Act] = {
    "login('')": lambda c: c.login(""),
    "login(None)": lambda c: c.login(None),
    "login('', '')": lambda c: c.login("", ""),
    "login('', 'key')": lambda c: c.login("", "key"),
    "login('u', '')": lambda c: c.login("u", ""),
    "login('u', None)": lambda c: c.login("u", None),
    "login(None, 'key')": lambda c: c.login(None, "key"),
    "login(uid=None)": lambda c: c.login(uid=None, auth_key="key"),
    "login(auth_key=None)": lambda c: c.login(uid="u", auth_key=None),
    "login(auth_token=None)": lambda c: c.login(auth_token=None),
    "create_user('')": lambda c: c.create_user(User(""), "key"),
    "create_user(nameless)": lambda c: c.create_user(User("kim"), "key"),
    "create_user(name='')": lambda c: c.create_user(User("kim", ""), "key"),
    "create_user(key='')": lambda c: c.create_user(KIM, ""),
    "create_user(key=None)": lambda c: c.create_user(KIM, None),
}


@pytest.mark.parametrize("call", MISSING)
def test_something_missing_arrives_through_the_future(world: World, call: str) -> None:
    """An empty text or `None` is `MISSING_PARAMETERS`: no token login by accident."""
    error = error_of(MISSING[call](world.chat))
    assert isinstance(error, InvalidParameterError)
    assert error.code == "MISSING_PARAMETERS"
    assert "required" in error.message


REFUSED: dict[str, tuple[Act, str]] = {
    "login(timeout=0)": (lambda c: c.login("t", timeout=0), "INVALID_TIMEOUT"),
    "logout(timeout=-1)": (lambda c: c.logout(timeout=-1), "INVALID_TIMEOUT"),
    "check_session(nan)": (lambda c: c.check_session(timeout=float("nan")), "INVALID_TIMEOUT"),
    "warm_up(inf)": (lambda c: c.warm_up(timeout=float("inf")), "ERROR_TIMEOUT_EXCEEDED"),
    "login(newline)": (lambda c: c.login("token\n"), "INVALID_AUTH_TOKEN"),
    "login(uid)": (lambda c: c.login("a b", "key"), "INVALID_UID"),
    "login(key)": (lambda c: c.login("u", "k\u00e9y"), "INVALID_AUTH_KEY"),
    "create_user(avatar)": (
        lambda c: c.create_user(User("kim", "Kim", avatar="ftp://x"), "key"),
        "INVALID_AVATAR",
    ),
    "create_user(tags)": (
        lambda c: c.create_user(User("kim", "Kim", tags=["x"] * 26), "key"),
        "ERROR_TAGS_EXCEEDED",
    ),
    "create_user(metadata)": (
        lambda c: c.create_user(User("kim", "Kim", metadata={"x": "y" * 5200}), "key"),
        "ERROR_METADATA_EXCEEDED",
    ),
}


@pytest.mark.parametrize("call", REFUSED)
def test_an_unusable_value_arrives_through_the_future(world: World, call: str) -> None:
    """A value that cannot be used is refused by its name, before anything is sent."""
    act, code = REFUSED[call]
    error = error_of(act(world.chat))
    assert isinstance(error, InvalidParameterError)
    assert error.code == code


AT_ONCE: dict[str, tuple[Callable[[], Any], str]] = {
    "app_id ''": (lambda: CometChat("", AppSettings(region="us")), "MISSING_PARAMETERS"),
    "app_id 'a.b'": (lambda: CometChat("a.b", AppSettings(region="us")), "INVALID_APP_ID"),
    "profile ''": (
        lambda: CometChat("app", AppSettings(region="us"), profile=""),
        "MISSING_PARAMETERS",
    ),
    "profile NUL": (
        lambda: CometChat("app", AppSettings(region="us"), profile="a\0b"),
        "INVALID_PROFILE",
    ),
    "no region": (AppSettings, "MISSING_PARAMETERS"),
    "one host": (lambda: AppSettings(client_host="chat.example.com"), "MISSING_PARAMETERS"),
    "region": (lambda: AppSettings(region="mars"), "INVALID_REGION"),
    "http host": (
        lambda: AppSettings(region="us", client_host="http://chat.example.com"),
        "INVALID_CLIENT_HOST",
    ),
    "user in host": (
        lambda: AppSettings(region="us", admin_host="https://me:pw@chat.example.com"),
        "INVALID_ADMIN_HOST",
    ),
    "emulator ''": (lambda: AppSettings.for_emulator(""), "MISSING_PARAMETERS"),
    "emulator elsewhere": (
        lambda: AppSettings.for_emulator("http://192.0.2.1:80"),
        "INVALID_CLIENT_HOST",
    ),
    "timeout": (lambda: AppSettings(region="us", timeout=0), "INVALID_TIMEOUT"),
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_unusable_settings_are_refused_at_once(what: str) -> None:
    """Where there is no future yet, an unusable value is raised where it was written."""
    make, code = AT_ONCE[what]
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert caught.value.code == code


def test_an_empty_listener_id_is_refused(world: World) -> None:
    """A listener needs an id, or nobody could remove it."""
    with pytest.raises(InvalidParameterError):
        world.chat.add_login_listener("", LoginListener())


def test_every_refused_login_is_a_login_failure(world: World) -> None:
    """Refused parameters fire `login_failure` with the very error of the future."""
    told: list[Any] = []
    world.chat.add_login_listener("x", LoginListener(login_failure=told.append))
    error = error_of(world.chat.login("u", None))
    settle(world.chat)
    assert told == [error]
