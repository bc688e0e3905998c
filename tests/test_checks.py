"""X4: what cannot be used is refused before anything is sent or stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    InvalidParameterError,
    MemoryStore,
    User,
    _checks,
)

from .network import KEY, client, good
from .tools import LIMIT, Diary, ScriptedServer, error_of, scripted

_circular: Final[dict[str, Any]] = {}
_circular["self"] = _circular


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """Run a server that must not hear of anything."""
    with scripted(good) as running:
        yield running


@pytest.fixture
def strict(server: ScriptedServer) -> Iterator[CometChat]:
    """Return a client of it, and see to it that nothing was sent and nothing stored."""
    server.seen.clear()
    with client(server.url) as chat:
        yield chat
        assert server.seen == []
        assert chat.get_logged_in_user() is None


def _user(**fields: Any) -> Callable[[CometChat], Any]:
    return lambda chat: chat.create_user(User(**{"uid": "a", "name": "A", **fields}), KEY)


def _login(*args: Any, **kwargs: Any) -> Callable[[CometChat], Any]:
    return lambda chat: chat.login(*args, **kwargs)


# The call, the code, and what the text must name: field, limit, and what was found.
_BAD: Final[list[tuple[Callable[[CometChat], Any], str, tuple[str, ...]]]] = [
    (_login("", KEY), "MISSING_PARAMETERS", ("uid", "empty")),
    (_login(None, KEY), "MISSING_PARAMETERS", ("uid", "None")),
    (_login("a", ""), "MISSING_PARAMETERS", ("auth_key", "empty")),
    (_login("a", None), "MISSING_PARAMETERS", ("auth_key", "None")),
    (_login(""), "MISSING_PARAMETERS", ("auth_token", "empty")),
    (_login(None), "MISSING_PARAMETERS", ("auth_token", "None")),
    (_login("a" * 101, KEY), "ERROR_UID_EXCEEDED", ("uid", "100", "101")),
    (_login("a b", KEY), "INVALID_UID", ("uid", "a space", "position 2")),
    (_login("a\n", KEY), "INVALID_UID", ("uid", "a line break", "position 2")),
    (_login("caf\u00e9", KEY), "INVALID_UID", ("uid", "'\u00e9'", "position 4")),
    (_login("\u0661", KEY), "INVALID_UID", ("uid", "position 1")),
    (_login("a.b", KEY), "INVALID_UID", ("uid", "'.'")),
    (_login("a\x00", KEY), "INVALID_UID", ("uid", "U+0000")),
    (_login("a", "k\n"), "INVALID_AUTH_KEY", ("auth_key", "a line break", "position 2 of 2")),
    (_login("a", "k k"), "INVALID_AUTH_KEY", ("auth_key", "a space")),
    (_login("a", "k\u2028"), "INVALID_AUTH_KEY", ("auth_key", "U+2028")),
    (_login("a", "k" * 4097), "ERROR_AUTH_KEY_EXCEEDED", ("auth_key", "4,096", "4,097")),
    (_login("t\r\nX: y"), "INVALID_AUTH_TOKEN", ("auth_token", "a line break")),
    (_login("\ud800"), "INVALID_AUTH_TOKEN", ("auth_token", "U+D800")),
    (_login("t" * 4097), "ERROR_AUTH_TOKEN_EXCEEDED", ("auth_token", "4,096", "4,097")),
    (_login("t", timeout=0), "INVALID_TIMEOUT", ("timeout", "above 0", "0")),
    (_login("t", timeout=-1.5), "INVALID_TIMEOUT", ("timeout", "-1.5")),
    (_login("t", timeout=float("nan")), "INVALID_TIMEOUT", ("timeout", "nan")),
    (_login("t", timeout=float("inf")), "ERROR_TIMEOUT_EXCEEDED", ("timeout", "inf")),
    (_login("t", timeout=10**5000), "ERROR_TIMEOUT_EXCEEDED", ("timeout", "1,000,000", "huge")),
    (_user(uid=""), "MISSING_PARAMETERS", ("uid", "empty")),
    (_user(uid="a/b"), "INVALID_UID", ("uid", "'/'")),
    (_user(name=None), "MISSING_PARAMETERS", ("name", "None")),
    (_user(name=""), "MISSING_PARAMETERS", ("name", "empty")),
    (_user(name="  "), "MISSING_PARAMETERS", ("name", "spaces")),
    (_user(name="n" * 101), "ERROR_NAME_EXCEEDED", ("name", "100", "101")),
    (_user(name="a\ud800"), "INVALID_NAME", ("name", "U+D800", "position 2")),
    (_user(avatar="ftp://x/y"), "INVALID_AVATAR", ("avatar", "https://", "'ftp://x/y'")),
    (_user(avatar=""), "INVALID_AVATAR", ("avatar", "''")),
    (_user(avatar="http://["), "INVALID_AVATAR", ("avatar",)),
    (_user(avatar="https://x/a b"), "INVALID_AVATAR", ("avatar", "a space", "position 12")),
    (_user(avatar="https://x/" + "y" * 3000), "ERROR_AVATAR_EXCEEDED", ("3,000", "3,010")),
    (_user(link="javascript:alert(1)"), "INVALID_LINK", ("link", "http://")),
    (_user(link="https://x/\n"), "INVALID_LINK", ("link", "a line break")),
    (_user(role="a b"), "INVALID_ROLE", ("role", "a space")),
    (_user(role=""), "MISSING_PARAMETERS", ("role", "empty")),
    (_user(role="r" * 101), "ERROR_ROLE_EXCEEDED", ("role", "100", "101")),
    (_user(metadata={"x": object()}), "INVALID_METADATA", ("metadata", "object")),
    (_user(metadata={"x": {1, 2}}), "INVALID_METADATA", ("metadata", "set")),
    (_user(metadata={(1, 2): 3}), "INVALID_METADATA", ("metadata", "tuple")),
    (_user(metadata={"x": float("nan")}), "INVALID_METADATA", ("metadata",)),
    (_user(metadata={"x": float("inf")}), "INVALID_METADATA", ("metadata",)),
    (_user(metadata={"x": b"y"}), "INVALID_METADATA", ("metadata", "bytes")),
    (_user(metadata={"x": "\ud800"}), "INVALID_METADATA", ("metadata", "surrogate")),
    (_user(metadata=_circular), "INVALID_METADATA", ("metadata", "Circular")),
    (_user(metadata={"x": "y" * 5120}), "ERROR_METADATA_EXCEEDED", ("metadata", "5,120", "5,128")),
    (_user(metadata={"x": "\U0001f600" * 1300}), "ERROR_METADATA_EXCEEDED", ("5,120", "5,208")),
    (_user(tags=["t"] * 26), "ERROR_TAGS_EXCEEDED", ("tags", "25", "26")),
    (_user(tags=["ok", "t" * 101]), "ERROR_TAGS_EXCEEDED", ("tags", "100", "entry 2", "101")),
    (_user(tags=["ok", ""]), "INVALID_TAGS", ("tags", "entry 2")),
    (_user(tags=["\udfff"]), "INVALID_TAGS", ("tags", "U+DFFF")),
    (_user(status_message="\ud83d"), "INVALID_STATUS_MESSAGE", ("status_message", "U+D83D")),
    (_user(status_message="s" * 10240), "ERROR_USER_EXCEEDED", ("user", "10,240")),
    (lambda chat: chat.create_user(User("a", "A"), ""), "MISSING_PARAMETERS", ("auth_key",)),
    (lambda chat: chat.logout(timeout=0), "INVALID_TIMEOUT", ("timeout", "0")),
    (lambda chat: chat.check_session(timeout=0), "INVALID_TIMEOUT", ("timeout", "0")),
]


@pytest.mark.parametrize(("call", "code", "named"), _BAD)
def test_x4_bad_values(
    strict: CometChat, call: Callable[[CometChat], Any], code: str, named: tuple[str, ...]
) -> None:
    """A value that cannot be used is our error, which says what, and nothing is sent."""
    diary = Diary()
    strict.add_login_listener("diary", diary.listener())
    error = error_of(call(strict))
    assert isinstance(error, InvalidParameterError)
    assert (error.code, error.http_status, error.retryable) == (code, None, False)
    assert [word for word in named if word not in error.message] == []
    assert len(error.message) < 400


@pytest.mark.parametrize(
    "call",
    [
        _login(),
        _login(7),
        _login(b"token"),
        _login("a", 7),
        _login("a", "b", "c"),
        _login(uid="a"),
        _login(auth_key="k"),
        _login(uid="a", auth_key="k", auth_token="t"),
        _login("t", timeout="1"),
        _login("t", timeout=True),
        _login("t", on_success=7),
        lambda chat: chat.create_user({"uid": "a"}, KEY),
        lambda chat: chat.create_user(User("a", "A"), 7),
        lambda chat: chat.create_user(User("a", "A"), KEY, timeout=[]),
    ],
)
def test_x4_mistakes(strict: CometChat, call: Callable[[CometChat], Any]) -> None:
    """A mistake in the program is a TypeError in the caller's frame, and nothing is sent."""
    with pytest.raises(TypeError):
        call(strict)


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"region": "moon"}, "INVALID_REGION", ("us, eu, in", "'moon'")),
        ({"region": ""}, "MISSING_PARAMETERS", ("region",)),
        ({"region": "x" * 999}, "INVALID_REGION", ("999 characters",)),
        ({}, "MISSING_PARAMETERS", ("region", "client_host", "admin_host")),
        ({"client_host": "a.example.com"}, "MISSING_PARAMETERS", ("admin_host",)),
        ({"client_host": "http://a.example.com"}, "INVALID_CLIENT_HOST", ("https", "'http'")),
        ({"client_host": "ftp://127.0.0.1"}, "INVALID_CLIENT_HOST", ("https", "'ftp'")),
        ({"client_host": "http://127.0.0.1.evil.com"}, "INVALID_CLIENT_HOST", ("https",)),
        ({"client_host": "http://127.0.0.999"}, "INVALID_CLIENT_HOST", ("https",)),
        ({"client_host": "http://localhost@evil.com"}, "INVALID_CLIENT_HOST", ("user name",)),
        ({"client_host": "https://a.com?x=y"}, "INVALID_CLIENT_HOST", ("query",)),
        ({"client_host": "https://a.com/#x"}, "INVALID_CLIENT_HOST", ("fragment",)),
        ({"client_host": "a..b"}, "INVALID_CLIENT_HOST", ("'a..b'",)),
        ({"client_host": ".a.b"}, "INVALID_CLIENT_HOST", ("'.a.b'",)),
        ({"client_host": "a b.com"}, "INVALID_CLIENT_HOST", ("a space", "position 2")),
        ({"client_host": "a.com\n"}, "INVALID_CLIENT_HOST", ("a line break",)),
        ({"client_host": "b\u00fccher.de"}, "INVALID_CLIENT_HOST", ("'\u00fc'",)),
        ({"client_host": "a.com:99999"}, "INVALID_CLIENT_HOST", ("ort",)),
        ({"client_host": "a.com:x"}, "INVALID_CLIENT_HOST", ("ort",)),
        ({"client_host": "https://[::1"}, "INVALID_CLIENT_HOST", ("client_host",)),
        ({"client_host": "https://"}, "INVALID_CLIENT_HOST", ("''",)),
        ({"client_host": ""}, "MISSING_PARAMETERS", ("client_host",)),
        ({"admin_host": "a" * 3001}, "ERROR_ADMIN_HOST_EXCEEDED", ("3,000", "3,001")),
        ({"timeout": 0}, "INVALID_TIMEOUT", ("timeout",)),
        ({"keyring_read_timeout": -1}, "INVALID_KEYRING_READ_TIMEOUT", ("-1",)),
        ({"keyring_write_timeout": float("nan")}, "INVALID_KEYRING_WRITE_TIMEOUT", ("nan",)),
        ({"verify": ""}, "MISSING_PARAMETERS", ("verify",)),
        ({"cert": ""}, "MISSING_PARAMETERS", ("cert",)),
        ({"cert": ("a", "")}, "MISSING_PARAMETERS", ("cert",)),
        ({"platform": "PY THON"}, "INVALID_PLATFORM", ("platform", "a space")),
        ({"platform": ""}, "MISSING_PARAMETERS", ("platform",)),
        ({"platform": "P" * 51}, "ERROR_PLATFORM_EXCEEDED", ("50", "51")),
    ],
)
def test_x4_settings(fields: dict[str, Any], code: str, named: tuple[str, ...]) -> None:
    """Settings that cannot be used are refused where they are made, with what was found."""
    given_fields = (
        fields if set(fields) <= {"region", "client_host"} else {"region": "us", **fields}
    )
    with pytest.raises(InvalidParameterError) as caught:
        AppSettings(**given_fields)
    assert caught.value.code == code
    assert [word for word in named if word not in caught.value.message] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"region": 7},
        {"client_host": 7},
        {"timeout": "30"},
        {"timeout": None},
        {"timeout": True},
        {"proxies": "http://x"},
        {"proxies": {"https": 7}},
        {"proxies": {7: "http://x"}},
        {"verify": None},
        {"verify": 7},
        {"cert": 7},
        {"cert": ("a", "b", "c")},
        {"cert": ("a", 7)},
        {"platform": 7},
    ],
)
def test_x4_settings_of_a_wrong_type(fields: dict[str, Any]) -> None:
    """A setting of a wrong type is a TypeError."""
    with pytest.raises(TypeError):
        AppSettings(**{"region": "us", **fields})


@pytest.mark.parametrize(
    ("app_id", "code"),
    [
        ("", "MISSING_PARAMETERS"),
        (None, "MISSING_PARAMETERS"),
        ("a.b", "INVALID_APP_ID"),
        ("evil.com/", "INVALID_APP_ID"),
        ("a\n", "INVALID_APP_ID"),
        ("a" * 64, "ERROR_APP_ID_EXCEEDED"),
    ],
)
def test_x4_app_id(app_id: Any, code: str) -> None:
    """An app id that would make another host name is refused."""
    with pytest.raises(InvalidParameterError) as caught:
        CometChat(app_id, AppSettings(region="us"))
    assert caught.value.code == code


@pytest.mark.parametrize("profile", ["", "a\n", "p" * 101, "\ud800"])
def test_x4_profile(profile: str) -> None:
    """A profile that no keyring could keep is refused."""
    with pytest.raises(InvalidParameterError):
        CometChat("app", AppSettings(region="us"), profile=profile, session_store=MemoryStore())


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("chat.example.com", "https://chat.example.com/v3.0"),
        ("chat.example.com:8443", "https://chat.example.com:8443/v3.0"),
        ("https://chat.example.com/v3/", "https://chat.example.com/v3"),
        ("HTTPS://Chat.Example.com", "https://Chat.Example.com/v3.0"),
        ("http://localhost:80", "http://localhost:80/v3.0"),
        ("http://127.8.9.255", "http://127.8.9.255/v3.0"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_x4_hosts_that_can_be_used(host: str, base: str) -> None:
    """A host name becomes a URL; https is assumed, http is for this machine."""
    assert _checks.base_url("client_host", host) == base


_EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_EXAMPLES
@given(uid=st.text(), key=st.text())
def test_x4_any_text(server: ScriptedServer, uid: str, key: str) -> None:
    """Any texts at all are a login or our error, and nothing invalid is sent."""
    server.seen.clear()
    with client(server.url) as chat:
        futures = [chat.login(uid, key), chat.create_user(User(uid, key), key)]
        errors = [future.exception(LIMIT) for future in futures]
        futures += [token := chat.login(key)]
        errors += [token.exception(LIMIT)]
    for error in errors:
        assert error is None or isinstance(error, CometChatException)
        assert error is None or error.code != "INTERNAL_ERROR"
    if all(isinstance(error, InvalidParameterError) for error in errors):
        assert server.seen == []


@_EXAMPLES
@given(value=st.text())
def test_x4_any_setting(value: str) -> None:
    """Any text as any setting is a setting or our error."""
    for field in ("region", "client_host", "admin_host", "platform", "verify", "cert"):
        try:
            AppSettings(**{"region": "us", field: value})
        except InvalidParameterError:
            continue


@_EXAMPLES
@given(value=st.floats() | st.integers())
def test_x4_any_number(value: float) -> None:
    """Any number is a time limit that the system can wait for, or our error."""
    try:
        limit = _checks.seconds("timeout", value)
    except InvalidParameterError:
        return
    assert 0 < limit <= _checks.SECONDS_LIMIT
