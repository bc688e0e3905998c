"""What the emulator refuses: codes, statuses, envelopes, and which complaint comes first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cometchat_auth.emulator import Emulator

from .test_emulator_http import ask

CALLS = [
    ("POST", "/v3/users"),
    ("GET", "/v3/users"),
    ("PUT", "/v3/users"),
    ("DELETE", "/v3/users"),
    ("GET", "/v3/users/cometchat-uid-1"),
    ("PUT", "/v3/users/cometchat-uid-1"),
    ("DELETE", "/v3/users/cometchat-uid-1"),
    ("POST", "/v3/users/cometchat-uid-1/auth_tokens"),
    ("GET", "/v3/users/cometchat-uid-1/auth_tokens"),
    ("DELETE", "/v3/users/cometchat-uid-1/auth_tokens"),
    ("GET", "/v3/users/cometchat-uid-1/auth_tokens/t"),
    ("PUT", "/v3/users/cometchat-uid-1/auth_tokens/t"),
    ("DELETE", "/v3/users/cometchat-uid-1/auth_tokens/t"),
    ("POST", "/v3/apikeys"),
    ("GET", "/v3/apikeys"),
    ("GET", "/v3/apikeys/k"),
    ("PUT", "/v3/apikeys/k"),
    ("DELETE", "/v3/apikeys/k"),
    ("POST", "/v3/roles"),
    ("GET", "/v3/roles"),
    ("GET", "/v3/roles/r"),
    ("PUT", "/v3/roles/r"),
    ("DELETE", "/v3/roles/r"),
]
OPEN_TO_AUTH_KEYS = {
    ("POST", "/v3/users"),
    ("PUT", "/v3/users/cometchat-uid-1"),
    ("POST", "/v3/users/cometchat-uid-1/auth_tokens"),
}
ME = [("GET", "/v3/me"), ("PUT", "/v3/me"), ("DELETE", "/v3/me")]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator."""
    with Emulator() as service:
        yield service


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_e3_rest_calls_need_a_known_key(emulator: Emulator, method: str, path: str) -> None:
    """Without a key, with an empty and with an unknown one, a call must be 401 by its code."""
    assert ask(emulator, method, path).refusal == (401, "AUTH_ERR_EMPTY_APIKEY")
    assert ask(emulator, method, path, apikey="").refusal == (401, "AUTH_ERR_EMPTY_APIKEY")
    unknown = ask(emulator, method, path, apikey="f" * 40)
    assert unknown.refusal == (401, "AUTH_ERR_APIKEY_NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), ME)
def test_e3_client_calls_need_a_live_token(emulator: Emulator, method: str, path: str) -> None:
    """Without a token, with an empty and with an unknown one, /me must be 401 by its code."""
    assert ask(emulator, method, path).refusal == (401, "AUTH_ERR_EMPTY_AUTH_TOKEN")
    empty = ask(emulator, method, path, authToken="")
    assert empty.refusal == (401, "AUTH_ERR_EMPTY_AUTH_TOKEN")
    unknown = ask(emulator, method, path, authToken="cometchat-uid-1_" + "0" * 40)
    assert unknown.refusal == (401, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_auth_keys_may_log_in_and_write_users(emulator: Emulator, method: str, path: str) -> None:
    """The auth key must reach creation, update and minting only; the REST key everything."""
    answer = ask(emulator, method, path, apikey=emulator.auth_key)
    if (method, path) in OPEN_TO_AUTH_KEYS:
        assert answer.status != 403
    else:
        assert answer.refusal == (403, "AUTH_ERR_NO_ACCESS")
    assert ask(emulator, method, path, apikey=emulator.rest_api_key).status not in {401, 403}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_strict_auth_keys_only_mint(method: str, path: str) -> None:
    """With the strict switch the auth key must be good for minting tokens, and nothing else."""
    with Emulator(strict_auth_key=True) as service:
        answer = ask(service, method, path, apikey=service.auth_key)
    if (method, path) == ("POST", "/v3/users/cometchat-uid-1/auth_tokens"):
        assert answer.status == 200
    else:
        assert answer.refusal == (403, "AUTH_ERR_NO_ACCESS")


@pytest.mark.parametrize(("method", "path"), CALLS + ME)
def test_another_app_is_refused(emulator: Emulator, method: str, path: str) -> None:
    """An empty appId and another app's must be 401 by their codes; the right one is no matter."""
    assert ask(emulator, method, path, appId="").refusal == (401, "AUTH_ERR_EMPTY_APPID")
    assert ask(emulator, method, path, appId="other").refusal == (401, "AUTH_ERR_INVALID_APPID")
    right = ask(emulator, method, path, appId=emulator.app_id)
    assert right.refusal[1] in {"AUTH_ERR_EMPTY_APIKEY", "AUTH_ERR_EMPTY_AUTH_TOKEN"}


def test_complaints_come_in_the_services_order(emulator: Emulator) -> None:
    """Path, app, key, scope, body, uid, token: of several troubles the first must be told."""
    bad = {"permanent": "perhaps", "platform": 1}
    key = emulator.rest_api_key
    where = "/v3/users/nobody/auth_tokens/nothing"
    steps = [
        (ask(emulator, "PUT", "/v2/none", bad, appId="no"), "ERR_INVALID_API_VERSION"),
        (ask(emulator, "PUT", "/v3/none", bad, appId="no"), "ERR_API_NOT_FOUND"),
        (ask(emulator, "PUT", where, bad, appId="no"), "AUTH_ERR_INVALID_APPID"),
        (ask(emulator, "PUT", where, bad), "AUTH_ERR_EMPTY_APIKEY"),
        (ask(emulator, "PUT", where, bad, apikey="no"), "AUTH_ERR_APIKEY_NOT_FOUND"),
        (ask(emulator, "PUT", where, bad, apikey=emulator.auth_key), "AUTH_ERR_NO_ACCESS"),
        (ask(emulator, "PUT", where, bad, apikey=key), "ERR_BAD_REQUEST"),
        (ask(emulator, "PUT", where, apikey=key), "ERR_UID_NOT_FOUND"),
        (
            ask(emulator, "PUT", where.replace("nobody", "cometchat-uid-1"), apikey=key),
            "ERR_AUTH_TOKEN_NOT_FOUND",
        ),
    ]
    assert [answer.refusal[1] for answer, _ in steps] == [code for _, code in steps]


def test_a_bad_key_is_told_before_a_bad_uid(emulator: Emulator) -> None:
    """A login with both a wrong key and a wrong uid must complain about the key."""
    answer = ask(emulator, "POST", "/v3/users/nobody/auth_tokens", apikey="a" * 40)
    assert answer.refusal == (401, "AUTH_ERR_APIKEY_NOT_FOUND")


def test_a_dead_token_is_told_before_a_bad_body(emulator: Emulator) -> None:
    """PUT /me with a dead token and an unusable body must complain about the token."""
    answer = ask(emulator, "PUT", "/v3/me", {"name": 5}, authToken="dead")
    assert answer.refusal == (401, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")


def test_the_envelope_is_the_services(emulator: Emulator) -> None:
    """An error must be JSON with message, devMessage, source and code, in that order."""
    answer = ask(emulator, "POST", "/v3/users", apikey="a" * 40)
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.body) == ["error"]
    assert list(answer.body["error"]) == ["message", "devMessage", "source", "code"]
    assert answer.body["error"]["source"] == "chat-api"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("1" * 32, "11111" + "*" * 22 + "11111"),
        ("abcdefghijk", "abcde*ghijk"),
        ("abcdefghij", "*" * 10),
        ("abc", "***"),
    ],
)
def test_secrets_are_masked(emulator: Emulator, secret: str, shown: str) -> None:
    """Keys and tokens in sentences must show their ends only, and short ones nothing."""
    answers = [
        ask(emulator, "POST", "/v3/users", apikey=secret),
        ask(emulator, "GET", "/v3/me", authToken=secret),
        ask(
            emulator,
            "GET",
            f"/v3/users/cometchat-uid-1/auth_tokens/{secret}",
            apikey=emulator.rest_api_key,
        ),
    ]
    for answer in answers:
        assert f" {shown}" in answer.body["error"]["message"]
        assert secret not in answer.text


def test_validation_errors_carry_details(emulator: Emulator) -> None:
    """A refused body must name each field with its sentences, under the observed message."""
    answer = ask(emulator, "POST", "/v3/users", {"tags": 1}, apikey=emulator.auth_key)
    error = answer.body["error"]
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert error["message"] == "Failed to validate the data sent with the request."
    assert error["details"] == {
        "uid": ["The uid field is required."],
        "name": ["The name field is required."],
        "tags": ["The tags must be an array."],
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uid", "with space"),
        ("uid", "with.dot"),
        ("uid", "übel"),
        ("uid", "\u212aelvin"),
        ("uid", "line\n"),
        ("uid", "a" * 101),
        ("uid", 7),
        ("uid", ""),
        ("uid", None),
        ("name", "n" * 101),
        ("name", "   "),
        ("name", ["n"]),
        ("avatar", "no url"),
        ("avatar", "https://"),
        ("avatar", "http://[bad"),
        ("avatar", "https://example.com/" + "a" * 3000),
        ("avatar", 1),
        ("link", "example.com"),
        ("role", "unheard-of"),
        ("role", 1),
        ("statusMessage", {}),
        ("metadata", "text"),
        ("metadata", {"key": "v" * 5200}),
        ("tags", ["t"] * 26),
        ("tags", ["t" * 101]),
        ("tags", [""]),
        ("tags", [1]),
        ("withAuthToken", "yes"),
    ],
)
def test_each_field_has_its_limits(emulator: Emulator, field: str, value: object) -> None:
    """A field beyond its limit must be refused by its name, and nothing be created."""
    body = {"uid": "fresh", "name": "Fresh", field: value}
    answer = ask(emulator, "POST", "/v3/users", body, apikey=emulator.auth_key)
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert list(answer.body["error"]["details"]) == [field]
    with pytest.raises(LookupError):
        emulator.auth_tokens("fresh")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uid", "a" * 100),
        ("uid", "under_score-DASH-09"),
        ("name", "n" * 100),
        ("name", "\U0001f642" * 100),
        ("avatar", "https://example.com/" + "a" * 2980),
        ("statusMessage", "s" * 5000),
        ("metadata", {"key": "v" * 5000, "@private": {"email": "a@example.com"}}),
        ("tags", ["t" * 100] * 25),
        ("avatar", None),
        ("link", ""),
        ("hasBlockedMe", False),
        ("blockedByMe", False),
        ("deactivatedAt", 0),
        ("inventedHere", [1, 2]),
    ],
)
def test_what_is_within_the_limits_is_taken(emulator: Emulator, field: str, value: object) -> None:
    """Values at their limits, absent ones and unknown fields must not be in the way."""
    body = {"uid": "fresh", "name": "Fresh", field: value}
    assert ask(emulator, "POST", "/v3/users", body, apikey=emulator.auth_key).status == 200


@pytest.mark.parametrize(
    ("path", "method", "body", "field"),
    [
        ("/v3/users?page=0", "GET", None, "page"),
        ("/v3/users?perPage=1001", "GET", None, "perPage"),
        ("/v3/users?status=online", "GET", None, "status"),
        ("/v3/users?searchIn=name,role", "GET", None, "searchIn"),
        ("/v3/users?count=yes", "GET", None, "count"),
        ("/v3/users?withTags=True", "GET", None, "withTags"),
        ("/v3/users?withDeactivated=2", "GET", None, "withDeactivated"),
        ("/v3/users?onlyDeactivated=no", "GET", None, "onlyDeactivated"),
        ("/v3/users", "PUT", None, "uidsToActivate"),
        ("/v3/users", "PUT", {"uidsToActivate": []}, "uidsToActivate"),
        ("/v3/users", "PUT", {"uidsToDeactivate": ["a"]}, "uidsToActivate"),
        ("/v3/users", "DELETE", {"uidsToDeactivate": "a"}, "uidsToDeactivate"),
        ("/v3/users", "DELETE", {"uidsToDeactivate": ["a", 1]}, "uidsToDeactivate"),
        ("/v3/users/cometchat-uid-1", "PUT", {"name": ""}, "name"),
        ("/v3/users/cometchat-uid-1", "PUT", {"unset": ["uid"]}, "unset"),
        ("/v3/users/cometchat-uid-1", "PUT", {"unset": "avatar"}, "unset"),
        ("/v3/users/cometchat-uid-1", "DELETE", {"permanent": 3}, "permanent"),
        ("/v3/users/cometchat-uid-1/auth_tokens", "POST", {"force": "x"}, "force"),
        ("/v3/users/cometchat-uid-1/auth_tokens", "POST", {"appInfo": "x"}, "appInfo"),
        ("/v3/users/cometchat-uid-1/auth_tokens?page=0", "GET", None, "page"),
        ("/v3/users/cometchat-uid-1/auth_tokens?perPage=1001", "GET", None, "perPage"),
        ("/v3/users/cometchat-uid-1/auth_tokens?perPage=x", "GET", None, "perPage"),
    ],
)
def test_other_calls_check_their_fields(
    emulator: Emulator, path: str, method: str, body: object, field: str
) -> None:
    """Every call must refuse what it cannot use, by the name of the field."""
    answer = ask(emulator, method, path, body, apikey=emulator.rest_api_key)
    assert answer.refusal == (400, "ERR_BAD_REQUEST")
    assert list(answer.body["error"]["details"]) == [field]
