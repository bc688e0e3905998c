"""X4: any value for any public argument; the limits are those of CometChat's own page."""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    InvalidParameterError,
    LoginListener,
    MemoryStore,
    User,
)

from .network import KEY, client, good
from .tools import LIMIT, ScriptedServer, error_of, scripted

_MANY: Final = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# Any value of any type that a program might hand in.
_SCALAR: Final = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=9) | st.text()
)
_ANYTHING: Final = st.recursive(
    _SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
_TEXT: Final = st.text() | st.sampled_from(["a", "us", "alice", "https://127.0.0.1:9", "http://x"])
_VALUE: Final = _TEXT | _ANYTHING


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[ScriptedServer, CometChat]]:
    """Run one counting server and one client for many examples."""
    with scripted(good) as server, client(server.url) as chat:
        yield server, chat


def _outcome(call: Any) -> str:
    """Return what becomes of a call; only what may become of one is returned."""
    try:
        result = call()
        error = result.exception(LIMIT) if hasattr(result, "exception") else None
    except TypeError:
        return "type"
    except InvalidParameterError:
        return "invalid"
    assert error is None or isinstance(error, CometChatException), error
    assert error is None or error.code != "INTERNAL_ERROR"
    return "invalid" if isinstance(error, InvalidParameterError) else "sent"


def _fields(*names: str, value: Any = _VALUE) -> Any:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, value))


_CALL: Final = ("timeout", "on_success", "on_error")


@_MANY
@given(args=st.lists(_VALUE, max_size=3), named=_fields("uid", "auth_key", "auth_token", *_CALL))
def test_x4_any_login(world: Any, args: list[Any], named: dict[str, Any]) -> None:
    """Any arguments of `login` are a login, our error or a TypeError; if not, nothing is sent."""
    server, chat = world
    server.seen.clear()
    if _outcome(lambda: chat.login(*args, **named)) != "sent":
        assert server.seen == []


@_MANY
@given(method=st.sampled_from(["logout", "check_session", "warm_up"]), named=_fields(*_CALL))
def test_x4_any_argument_of_a_call(world: Any, method: str, named: dict[str, Any]) -> None:
    """Any time-out and any callback of any other call are taken, refused or a TypeError."""
    server, chat = world
    chat.login("t").result(LIMIT)  # so that there would be something to send
    server.seen.clear()
    if _outcome(lambda: getattr(chat, method)(**named)) != "sent":
        assert server.seen == []


_USER: Final = (
    *("uid", "name", "avatar", "link", "role", "metadata", "status", "status_message", "tags"),
    *("last_active_at", "created_at", "deactivated_at", "has_blocked_me", "blocked_by_me", "extra"),
)


@_MANY
@given(named=_fields(*_USER), key=st.just(KEY) | _VALUE)
def test_x4_any_user(world: Any, named: dict[str, Any], key: Any) -> None:
    """Any fields of a user and any key are a request, our error or a TypeError."""
    server, chat = world
    server.seen.clear()
    if (
        _outcome(lambda: chat.create_user(User(**{"uid": "a", "name": "A", **named}), key))
        != "sent"
    ):
        assert server.seen == []


_SETTINGS: Final = (
    *("region", "client_host", "admin_host", "timeout", "keyring_read_timeout"),
    *("keyring_write_timeout", "proxies", "verify", "cert", "platform"),
)


@_MANY
@given(named=_fields(*_SETTINGS), url=_VALUE)
def test_x4_any_settings(named: dict[str, Any], url: Any) -> None:
    """Any settings are settings, our error or a TypeError, and so is any URL of an emulator."""
    _outcome(lambda: AppSettings(**named))
    _outcome(lambda: AppSettings(**{"region": "us", **named}))
    _outcome(lambda: AppSettings.for_emulator(url, **named))


@_MANY
@given(app_id=_VALUE, named=_fields("profile", "session_store", "dispatcher", "on_callback_error"))
def test_x4_any_client(app_id: Any, named: dict[str, Any]) -> None:
    """Any arguments of the constructor are a client, our error or a TypeError."""
    ours = {"session_store": MemoryStore(), **named}
    for settings_ in (AppSettings(region="us"), named.get("profile")):
        _outcome(lambda given=settings_: CometChat(app_id, given, **ours))


@_MANY
@given(listener_id=_VALUE, listener=_VALUE | st.just(LoginListener()), limit=_VALUE)
def test_x4_any_listener(world: Any, listener_id: Any, listener: Any, limit: Any) -> None:
    """Any id, any listener and any limit of `close` are taken, refused or a TypeError."""
    _, chat = world
    added = _outcome(lambda: chat.add_login_listener(listener_id, listener))
    removed = _outcome(lambda: chat.remove_login_listener(listener_id))
    assert added == "sent" or removed == "sent" or not isinstance(listener_id, str)
    other = client("http://127.0.0.1:9")
    expected = "sent" if _is_seconds(limit) else {"invalid", "type"}
    assert _outcome(lambda: other.close(limit)) in expected


def _is_seconds(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return not math.isnan(value) and 0 < value <= 1_000_000


# -- the limits, told once more, and the other way round -----------------------------------------

_ALPHA_DASH: Final = string.ascii_letters + string.digits + "-_"
_TIDY: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
_NAME_MAY_BE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")


@_MANY
@given(uid=st.text(_ALPHA_DASH, max_size=120) | st.text(_ALPHA_DASH + " ./%\u00e9", max_size=5))
def test_x4_uid_limit(world: Any, uid: str) -> None:
    """A uid is sent if it has 1 to 100 letters, digits, '-' and '_', and only then."""
    _agrees(world, {"uid": uid}, _NAME_MAY_BE.fullmatch(uid) is not None)


@_MANY
@given(name=_TIDY)
def test_x4_name_limit(world: Any, name: str) -> None:
    """A name is sent if it has 1 to 100 characters that are not all white space."""
    _agrees(world, {"name": name}, bool(name.strip()) and len(name) <= 100)


@_MANY
@given(tags=st.lists(_TIDY, max_size=4) | st.lists(st.just("t"), min_size=20, max_size=30))
def test_x4_tags_limit(world: Any, tags: list[str]) -> None:
    """Tags are sent if there are at most 25, each of 1 to 100 characters."""
    _agrees(world, {"tags": tags}, len(tags) <= 25 and all(1 <= len(tag) <= 100 for tag in tags))


@_MANY
@given(
    size=st.integers(0, 5200) | st.integers(5090, 5130), char=st.sampled_from("a\u00e9\U0001f600")
)
def test_x4_metadata_limit(world: Any, size: int, char: str) -> None:
    """Metadata is sent if it has at most 5 KB of JSON in UTF-8."""
    value = {"x": char * (size // len(char.encode()))}
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    _agrees(world, {"metadata": value}, len(written) <= 5 * 1024)


@_MANY
@given(field=st.sampled_from(["avatar", "link"]), length=st.integers(2985, 3015))
def test_x4_url_limit(world: Any, field: str, length: int) -> None:
    """An avatar and a link are sent if they have at most 3,000 characters."""
    url = "https://example.com/".ljust(length, "x")
    _agrees(world, {field: url}, length <= 3000)


def _agrees(world: Any, fields: dict[str, Any], fits: bool) -> None:
    """See to it that a user is created if the field fits, and else refused by its name."""
    server, chat = world
    server.seen.clear()
    future = chat.create_user(User(**{"uid": "a", "name": "A", **fields}), KEY)
    if fits:
        assert future.exception(LIMIT) is None
        assert len(server.seen) == 1
        return
    error = error_of(future)
    assert isinstance(error, InvalidParameterError)
    assert server.seen == []
    (field,) = fields
    assert error.message.startswith(field)
    assert re.search(r"\d|empty|space|None|http", error.message)  # the limit, or what was found
