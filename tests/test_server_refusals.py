"""What the service refuses on the server side, and what is refused before it is asked."""

from __future__ import annotations

from typing import Any, Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth import (
    AppSettings,
    AuthenticationError,
    CometChatException,
    InvalidParameterError,
    RateLimitError,
    ServiceError,
    User,
)
from cometchat_auth.emulator import Emulator
from cometchat_auth.server import CometChatServer

from . import canary
from .network import data, refusal
from .server_calls import ALICE, CASES, REST_KEY, TOKEN, Case, server_of
from .tools import scripted

# Contract 3.4, as far as it concerns users and tokens: code, status, class, worth another try.
CODES: Final = [
    ("AUTH_ERR_EMPTY_APPID", 401, AuthenticationError, False),
    ("AUTH_ERR_INVALID_APPID", 401, AuthenticationError, False),
    ("AUTH_ERR_EMPTY_APIKEY", 401, AuthenticationError, False),
    ("AUTH_ERR_APIKEY_NOT_FOUND", 401, AuthenticationError, False),
    ("AUTH_ERR_NO_ACCESS", 403, AuthenticationError, False),
    ("AUTH_ERR_EMPTY_AUTH_TOKEN", 401, AuthenticationError, False),
    ("AUTH_ERR_AUTH_TOKEN_NOT_FOUND", 401, AuthenticationError, False),
    ("ERR_UNAUTHORIZED", 401, AuthenticationError, False),
    ("ERR_AUTHTOKEN_UNAVAILABLE", 400, AuthenticationError, False),
    ("ERR_AUTHTOKEN_NOT_ACCESSIBLE", 400, AuthenticationError, False),
    ("ERR_AUTH_TOKEN_NOT_FOUND", 404, ServiceError, False),
    ("ERR_AUTH_TOKEN_DELETE_FAILED", 500, ServiceError, False),
    ("ERR_AUTH_TOKENS_DELETE_FAILED", 500, ServiceError, False),
    ("ERR_UID_NOT_FOUND", 404, ServiceError, False),
    ("ERR_UID_ALREADY_EXISTS", 400, ServiceError, False),
    ("ERR_UID_ALREADY_EXISTS", 409, ServiceError, False),
    ("ERR_UID_DELETE_FAILED", 500, ServiceError, False),
    ("ERR_ROLE_NOT_FOUND", 404, ServiceError, False),
    ("ERR_PLAN_RESTRICTION", 402, ServiceError, False),
    ("ERR_PLAN_QUOTA_RESTRICTION", 402, ServiceError, False),
    ("ERR_SUBSCRIPTION_EXPIRED", 402, ServiceError, False),
    ("ERR_BAD_REQUEST", 400, ServiceError, False),
    ("ERR_TOO_MANY_REQUESTS", 429, RateLimitError, True),
    ("ERR_INVALID_API_VERSION", 404, ServiceError, False),
    ("ERR_API_NOT_FOUND", 404, ServiceError, False),
    ("ERR_OPERATION_FAILED", 500, ServiceError, False),
    ("ERR_MISSION_FAILED", 500, ServiceError, False),
    ("ERR_EXCEPTION", 500, ServiceError, False),
    ("ERR_BAD_ERROR_RESPONSE", 417, ServiceError, False),
    ("ERR_WS_USER_CREATION_FAILED", 500, ServiceError, False),
    ("ERR_SOMETHING_NEW", 418, ServiceError, False),
]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize(("code", "status", "kind", "retryable"), CODES)
def test_every_refusal_arrives_as_its_class(
    code: str, status: int, kind: type[ServiceError], retryable: bool, case: Case
) -> None:
    """Code, status, sentence and class must tell what was refused, without a second request."""
    answer = attrs.evolve(refusal(code, status, "Because."), headers=(("Retry-After", "60"),))
    with scripted(lambda _: answer) as server, pytest.raises(CometChatException) as caught:
        case.call(server_of(server.url))
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.http_status, error.retryable) == (code, status, retryable)
    assert "Because." in error.message
    assert len(server.seen) == 1


@pytest.fixture
def ours(emulator: Emulator) -> CometChatServer:
    """Return the server side of the emulator."""
    return CometChatServer(
        emulator.app_id, AppSettings.for_emulator(emulator.url), emulator.rest_api_key
    )


def _code(call: Any) -> str:
    with pytest.raises(CometChatException) as caught:
        call()
    return caught.value.code


def test_a_wrong_kind_of_key_is_said_in_so_many_words(emulator: Emulator) -> None:
    """Who gives the auth key must read that the REST API key is needed, and where it belongs."""
    settings = AppSettings.for_emulator(emulator.url)
    wrong = CometChatServer(emulator.app_id, settings, emulator.auth_key)
    with pytest.raises(AuthenticationError) as caught:
        wrong.get_user("cometchat-uid-1")
    assert caught.value.code == "AUTH_ERR_NO_ACCESS"
    assert "is an Auth Key (scope authOnly)" in caught.value.message
    assert "REST API Key (scope fullAccess)" in caught.value.message


def test_refusals_of_the_emulator(ours: CometChatServer) -> None:
    """What is not there, and what is there already, must be told by the service's codes."""
    token = ours.create_auth_token("cometchat-uid-1").auth_token
    assert _code(lambda: ours.create_user(User("cometchat-uid-1", "x"))) == (
        "ERR_UID_ALREADY_EXISTS"
    )
    assert _code(lambda: ours.create_user(User("x", "x", role="none"))) == "ERR_BAD_REQUEST"
    for call in (
        lambda: ours.get_user("nobody"),
        lambda: ours.update_user("nobody", name="x"),
        lambda: ours.delete_user("nobody"),
        lambda: ours.create_auth_token("nobody"),
        lambda: list(ours.list_auth_tokens("nobody")),
        lambda: ours.get_auth_token("nobody", token),
        lambda: ours.update_auth_token("nobody", token, platform="x"),
        lambda: ours.delete_auth_token("nobody", token),
        lambda: ours.flush_auth_tokens("nobody"),
    ):
        assert _code(call) == "ERR_UID_NOT_FOUND"
    for call in (
        lambda: ours.get_auth_token("cometchat-uid-2", token),
        lambda: ours.update_auth_token("cometchat-uid-2", token, platform="x"),
        lambda: ours.delete_auth_token("cometchat-uid-2", token),
    ):
        assert _code(call) == "ERR_AUTH_TOKEN_NOT_FOUND"
    ours.delete_auth_token("cometchat-uid-1", token)
    assert _code(lambda: ours.delete_auth_token("cometchat-uid-1", token)) == (
        "ERR_AUTH_TOKEN_NOT_FOUND"
    )


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda s: s.create_user(User("", "x")), "MISSING_PARAMETERS"),
        (lambda s: s.create_user(User("a", None)), "MISSING_PARAMETERS"),
        (
            lambda s: s.create_user(User("a", "x", metadata={"a": "b" * 6000})),
            "ERROR_METADATA_EXCEEDED",
        ),
        (lambda s: s.get_user("a" * 101), "ERROR_UID_EXCEEDED"),
        (lambda s: s.get_user("a", on_behalf_of="b c"), "INVALID_ON_BEHALF_OF"),
        (lambda s: s.update_user("a"), "MISSING_PARAMETERS"),
        (lambda s: s.update_user("a", name=""), "MISSING_PARAMETERS"),
        (lambda s: s.update_user("a", avatar="x"), "INVALID_AVATAR"),
        (lambda s: s.update_user("a", tags=["x"] * 26), "ERROR_TAGS_EXCEEDED"),
        (lambda s: s.update_user("a", unset=["name"]), "INVALID_UNSET"),
        (lambda s: s.update_user("a", avatar="http://x/", unset=["avatar"]), "INVALID_UNSET"),
        (lambda s: s.list_users(search_key=""), "MISSING_PARAMETERS"),
        (lambda s: s.list_users(search_key="\ud800"), "INVALID_SEARCH_KEY"),
        (lambda s: s.list_users(search_in=["tags"]), "INVALID_SEARCH_IN"),
        (lambda s: s.list_users(status="online"), "INVALID_STATUS"),
        (lambda s: s.list_users(per_page=1001), "INVALID_PER_PAGE"),
        (lambda s: s.list_users(per_page=0), "INVALID_PER_PAGE"),
        (lambda s: s.list_users(timeout=0), "INVALID_TIMEOUT"),
        (lambda s: s.deactivate_users([]), "MISSING_PARAMETERS"),
        (lambda s: s.reactivate_users(["a b"]), "INVALID_UID"),
        (lambda s: s.get_auth_token("a", ""), "MISSING_PARAMETERS"),
        (lambda s: s.update_auth_token("a", "t"), "MISSING_PARAMETERS"),
        (lambda s: s.update_auth_token("a", "t", app_info={"a": float("nan")}), "INVALID_BODY"),
        (lambda s: s.list_auth_tokens(""), "MISSING_PARAMETERS"),
    ],
)
def test_x4_what_cannot_be_used_is_never_sent(call: Any, code: str) -> None:
    """An argument beyond the service's limits must be named in an error at the call itself."""
    with scripted(lambda _: data(ALICE)) as server:
        with pytest.raises(InvalidParameterError) as caught:
            call(server_of(server.url))
        assert server.seen == []
    assert caught.value.code == code


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.create_user({"uid": "a", "name": "A"}),
        lambda s: s.get_user(5),
        lambda s: s.update_user("a", name=5),
        lambda s: s.update_user("a", metadata=[]),
        lambda s: s.update_user("a", tags="abc"),
        lambda s: s.update_user("a", unset="avatar"),
        lambda s: s.list_users(with_tags="yes"),
        lambda s: s.list_users(per_page=1.5),
        lambda s: s.list_users(roles="staff"),
        lambda s: s.deactivate_users("alice"),
        lambda s: s.deactivate_users([1]),
        lambda s: s.delete_user("a", permanent=1),
        lambda s: s.create_auth_token("a", force="no"),
        lambda s: s.update_auth_token("a", "t", app_info="x"),
        lambda s: s.get_user("a", timeout="1"),
        lambda _: CometChatServer("app", {"region": "us"}, "key"),  # type: ignore[arg-type]
        lambda _: CometChatServer("app", AppSettings(region="us"), 5),  # type: ignore[arg-type]
    ],
)
def test_mistakes_of_the_program_are_type_errors(call: Any) -> None:
    """A value of a wrong type must be a ``TypeError`` at the call, and nothing be sent."""
    with scripted(lambda _: data(ALICE)) as server:
        with pytest.raises(TypeError):
            call(server_of(server.url))
        assert server.seen == []


_VALUE: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3) | st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(sorted({case.partition("_with")[0] for case in CASES})),
    first=_VALUE,
    second=_VALUE,
    field=st.sampled_from(["name", "tags", "unset", "roles", "timeout", "force", "per_page"]),
    value=_VALUE,
)
def test_x4_any_argument_is_sent_or_refused(
    name: str, first: Any, second: Any, field: str, value: Any
) -> None:
    """Whatever is given, the outcome must be an answer, a ``TypeError`` or an error of ours."""
    ours = CometChatServer("app", AppSettings.for_emulator("http://127.0.0.1:9"), REST_KEY)
    for args in ((first,), (first, second)):
        try:
            result = getattr(ours, name)(*args, **{field: value})
            list(result or ())
        except (TypeError, CometChatException):
            pass


@pytest.mark.parametrize("how", ["refused", "lost", "html", "fine"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_x2_neither_key_nor_token_is_readable_anywhere(case: Case, how: str) -> None:
    """A token in the path is as secret as a key in a header: in logs, errors and values."""
    said = f"No {TOKEN} for {REST_KEY}."
    replies = {
        "refused": refusal("ERR_EXCEPTION", 500, said, details={"x": [said]}),
        "lost": data(case.answer),
        "html": refusal("", 502, said),
        "fine": data(case.answer),
    }
    shown: list[Any] = []
    with canary.watching() as watch, scripted(lambda _: replies[how]) as server:
        ours = server_of("http://127.0.0.1:9" if how == "lost" else server.url, timeout=0.3)
        shown.append(ours)
        try:
            shown.append(case.call(ours))
        except CometChatException as error:
            shown.append(error)
    texts = [*watch.lines, *(text for thing in shown for text in canary.everything(thing))]
    assert texts
    assert [text for text in texts if TOKEN in text or REST_KEY in text] == []
