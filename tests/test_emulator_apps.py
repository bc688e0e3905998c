"""Several apps in one emulator: whose a request is, what each has of its own, and the reset."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator

from .test_emulator_http import Answer, ask
from .tools import LIMIT, error_of

UNKNOWN_KEY = (401, "AUTH_ERR_APIKEY_NOT_FOUND")
UNKNOWN_TOKEN = (401, "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Run an emulator of two apps; only the second one has a user named other."""
    with Emulator(app_id="first") as service:
        service.add_app("second").create_user("other", "Other")
        yield service


def find(service: Emulator, uid: str, **headers: Any) -> Answer:
    """Ask for a user."""
    return ask(service, "GET", f"/v3/users/{uid}", **headers)


def test_a_key_leads_to_its_app(emulator: Emulator) -> None:
    """Without an appId header a request must be for the app that its key belongs to."""
    second = emulator.apps["second"]
    assert find(emulator, "other", apikey=second.rest_api_key).data["name"] == "Other"
    assert find(emulator, "other", apikey=emulator.rest_api_key).status == 404


def test_a_token_leads_to_its_app(emulator: Emulator) -> None:
    """Without an appId header /me must be of the app that the auth token belongs to."""
    token = emulator.apps["second"].create_auth_token("other")
    me = ask(emulator, "PUT", "/v3/me", authToken=token).data
    assert (me["uid"], me["wsChannel"]["identity"]) == ("other", "second_other")


def test_the_header_names_the_app(emulator: Emulator) -> None:
    """With an appId header the keys and tokens of that app alone must be known."""
    second = emulator.apps["second"]
    assert find(emulator, "other", apikey=second.rest_api_key, appId="second").status == 200
    for key, app_id in ((second.rest_api_key, "first"), (emulator.rest_api_key, "second")):
        assert find(emulator, "other", apikey=key, appId=app_id).refusal == UNKNOWN_KEY
    token = second.create_auth_token("other")
    assert ask(emulator, "GET", "/v3/me", authToken=token, appId="second").status == 200
    wrong = ask(emulator, "GET", "/v3/me", authToken=token, appId="first")
    assert wrong.refusal == UNKNOWN_TOKEN
    assert token not in wrong.text


def test_the_log_says_whose_a_request_was(emulator: Emulator) -> None:
    """Each entry of the log must name the app that the header, the key or the token led to."""
    second = emulator.apps["second"]
    token = second.create_auth_token("other")
    find(emulator, "other", apikey=second.rest_api_key)
    ask(emulator, "GET", "/v3/me", authToken=token)
    find(emulator, "other", apikey="nonsense")
    find(emulator, "other", apikey=second.rest_api_key, appId="third")
    assert [entry.app_id for entry in emulator.requests] == ["second", "second", "first", "third"]


def test_the_credential_that_a_call_asks_for_counts(emulator: Emulator) -> None:
    """With a key and a token of two apps a call must be for the app of the one that it needs."""
    token = emulator.apps["second"].create_auth_token("other")
    both: dict[str, Any] = {"apikey": emulator.rest_api_key, "authToken": token}
    assert ask(emulator, "GET", "/v3/me", **both).data["uid"] == "other"
    assert find(emulator, "cometchat-uid-1", **both).status == 200


def test_whose_a_request_is_is_looked_up_once(emulator: Emulator) -> None:
    """The log, the gate and the call must not each search for the owner of the same token."""
    token = emulator.create_auth_token("cometchat-uid-1")
    statements: list[str] = []
    with emulator._database.reading() as connection:
        connection.set_trace_callback(statements.append)
    assert ask(emulator, "GET", "/v3/me", authToken=token).status == 200
    assert sum("SELECT app," in each for each in statements) == 1


@pytest.mark.parametrize(
    ("app_id", "code"), [("third", "AUTH_ERR_INVALID_APPID"), ("", "AUTH_ERR_EMPTY_APPID")]
)
def test_an_app_that_is_not_there_is_told_first(emulator: Emulator, app_id: str, code: str) -> None:
    """An unknown or empty appId must be refused before the key is looked at."""
    assert find(emulator, "other", apikey="nonsense", appId=app_id).refusal == (401, code)


def test_apps_share_nothing(emulator: Emulator) -> None:
    """The same uid, the same role and the same name of a key must be another's in another app."""
    second = emulator.apps["second"]
    emulator.create_user("other", "Of the first")
    second.delete_user("other")
    assert emulator.user("other")["name"] == "Of the first"
    tokens = [app.create_auth_token("cometchat-uid-1") for app in (emulator, second)]
    second.flush_auth_tokens("cometchat-uid-1")
    assert emulator.auth_tokens("cometchat-uid-1") == tokens[:1]
    assert second.auth_tokens("cometchat-uid-1") == []
    emulator.deactivate_user("cometchat-uid-2")
    assert second.user("cometchat-uid-2")
    body = {"role": "teacher", "name": "T"}
    for app in (emulator, second):
        assert ask(emulator, "POST", "/v3/roles", body, apikey=app.rest_api_key).status == 200


def test_every_app_has_its_own_limits() -> None:
    """Quota, rate limit, strictness, settings and reuse of tokens must be those of each app."""
    with Emulator(user_quota=5, requests_per_minute=1000) as service:
        body = {"uid": "sixth", "name": "N"}
        second = service.add_app(
            "second",
            strict_auth_key=True,
            settings={"REGION": "eu"},
            reuse_auth_tokens=True,
            requests_per_minute=3,
            other_rate_limit_headers=True,
        )
        full = ask(service, "POST", "/v3/users", body, apikey=service.auth_key)
        assert full.refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
        strict = ask(service, "POST", "/v3/users", body, apikey=second.auth_key)
        assert strict.refusal == (403, "AUTH_ERR_NO_ACCESS")
        assert strict.headers["x-ratelimit-limit"] == "3"
        path = "/v3/users/cometchat-uid-1/auth_tokens"
        tokens = {
            ask(service, "POST", path, apikey=second.auth_key).data["authToken"] for _ in range(2)
        }
        (token,) = tokens
        me = ask(service, "PUT", "/v3/me", authToken=token)
        assert me.data["settings"]["REGION"] == "eu"
        assert ask(service, "PUT", "/v3/me", authToken=token).status == 429
        assert ask(service, "POST", path, apikey=service.auth_key).status == 200


def test_apps_are_listed_first_one_first(emulator: Emulator) -> None:
    """The apps must be there by their ids, and the first one must be the emulator itself."""
    assert list(emulator.apps) == ["first", "second"]
    assert emulator.apps["first"] is emulator
    second = emulator.apps["second"]
    assert second is emulator.apps["second"]
    assert second.app_id == "second"
    keys = {app.auth_key for app in emulator.apps.values()}
    keys |= {app.rest_api_key for app in emulator.apps.values()}
    assert len(keys) == 4
    assert not any(key in repr(second) for key in keys)
    with pytest.raises(TypeError):
        emulator.apps["third"] = second  # type: ignore[index]


@pytest.mark.parametrize("app_id", ["", "a b", "a/b", "é", "a" * 101, "a\n"])
def test_unusable_app_ids_are_value_errors(emulator: Emulator, app_id: str) -> None:
    """An id that no host and no header could carry must be refused, in both places."""
    with pytest.raises(ValueError, match="app_id must be"):
        emulator.add_app(app_id)
    if app_id:
        with pytest.raises(ValueError, match="app_id must be"):
            Emulator(app_id=app_id)
    assert list(emulator.apps) == ["first", "second"]


def test_an_app_is_added_once(emulator: Emulator) -> None:
    """The id of an app that is there must be refused, and change nothing."""
    for app_id in ("first", "second"):
        with pytest.raises(ValueError, match=f"There is an app {app_id} already"):
            emulator.add_app(app_id, seed={})
    assert emulator.apps["second"].user("other")


def test_keys_are_of_one_app_only(emulator: Emulator) -> None:
    """A key of another app must be refused without being told, and the app not be there."""
    with pytest.raises(ValueError, match="third belongs to another app already") as caught:
        emulator.add_app("third", auth_key=emulator.rest_api_key)
    assert emulator.rest_api_key not in str(caught.value)
    assert list(emulator.apps) == ["first", "second"]
    assert find(emulator, "other", apikey="x", appId="third").status == 401
    emulator.add_app("third")


@pytest.mark.parametrize(
    "options",
    [
        {"auth_key": "same", "rest_api_key": "same"},
        {"auth_key": ""},
        {"auth_key": "with space"},
        {"rest_api_key": "k" * 257},
        {"user_quota": -1},
        {"requests_per_minute": 0},
        {"roles": ["no role"]},
    ],
)
def test_what_an_app_cannot_have_is_a_value_error(
    emulator: Emulator, options: dict[str, Any]
) -> None:
    """Keys, limits and roles that make no sense must be refused, for the first app as well."""
    with pytest.raises(ValueError, match=r"must be|may only"):
        emulator.add_app("third", **options)
    with pytest.raises(ValueError, match=r"must be|may only"):
        Emulator(**options)


def test_an_unknown_option_is_a_type_error(emulator: Emulator) -> None:
    """An option that apps do not have must be refused by its name."""
    with pytest.raises(TypeError, match="port"):
        emulator.add_app("third", port=1)


def test_clients_of_two_apps_meet_their_own_users(emulator: Emulator) -> None:
    """Two clients at one emulator must log in to their own app, and not to the other."""
    second = emulator.apps["second"]
    settings = AppSettings.for_emulator(emulator.url)
    with (
        CometChat("first", settings, session_store=MemoryStore()) as one,
        CometChat("second", settings, session_store=MemoryStore()) as two,
    ):
        assert two.login("other", second.auth_key).result(LIMIT).name == "Other"
        assert error_of(one.login("other", emulator.auth_key)).code == "ERR_UID_NOT_FOUND"
        assert error_of(one.login("other", second.auth_key)).code == "AUTH_ERR_APIKEY_NOT_FOUND"
        assert one.login("cometchat-uid-1", emulator.auth_key).result(LIMIT)


def test_a_reset_undoes_everything() -> None:
    """Users, tokens, keys and roles must be as they were at the beginning, and the log empty."""
    with Emulator(roles=["teacher"], seed={"users": [{"uid": "kevin", "name": "K"}]}) as service:
        before = service.export(secrets=True)
        key = service.rest_api_key
        service.create_user("new", "New", role="teacher")
        token = service.create_auth_token("kevin")
        service.delete_user("kevin")
        made = ask(service, "POST", "/v3/apikeys", {"name": "N", "scope": "fullAccess"}, apikey=key)
        other = made.data["apiKey"]
        assert ask(service, "DELETE", f"/v3/apikeys/{key}", apikey=other).status == 200
        ask(service, "POST", "/v3/roles", {"role": "r", "name": "R"}, apikey=other)
        service.reset()
        assert service.export(secrets=True) == before
        assert len(service.requests) == 0
        assert ask(service, "GET", "/v3/me", authToken=token).refusal == UNKNOWN_TOKEN
        assert ask(service, "GET", "/v3/roles", apikey=other).refusal == UNKNOWN_KEY
        assert find(service, "kevin", apikey=key).status == 200


def test_a_reset_leaves_the_apps_of_the_beginning() -> None:
    """Apps added before the start must be there as they began; those added since must be gone."""
    service = Emulator()
    early = service.add_app("early", seed={"users": [{"uid": "kevin", "name": "K"}]})
    early.delete_user("kevin")
    with service:
        late = service.add_app("late")
        service.reset()
        assert list(service.apps) == ["emulator-app", "early"]
        assert service.apps["early"] is early
        assert [user["uid"] for user in early.users()] == ["kevin"]
        assert find(service, "cometchat-uid-1", apikey=late.rest_api_key).refusal == UNKNOWN_KEY
        refused = find(service, "cometchat-uid-1", apikey=late.rest_api_key, appId="late")
        assert refused.refusal == (401, "AUTH_ERR_INVALID_APPID")
        assert service.add_app("late").users()


def test_an_app_that_is_gone_says_so(emulator: Emulator) -> None:
    """Whoever still holds an app that a reset took away must learn it, and not meet a database."""
    late = emulator.add_app("late")
    emulator.reset()
    with pytest.raises(LookupError, match="The app is gone: a reset took it away"):
        late.create_user("new", "New")


def test_a_reset_begins_a_minute_anew() -> None:
    """After a reset the limit of requests must be unused."""
    with Emulator(requests_per_minute=1, clock=lambda: 1_700_000_000.0) as service:
        key = service.rest_api_key
        assert [find(service, "cometchat-uid-1", apikey=key).status for _ in range(2)] == [200, 429]
        service.reset()
        assert find(service, "cometchat-uid-1", apikey=key).status == 200


def test_resets_tear_nothing_apart() -> None:
    """Requests in the middle of many resets must meet the app before or after, never between."""
    with Emulator() as service:
        stop = threading.Event()
        seen: set[tuple[int, int]] = set()

        def look() -> None:
            while not stop.is_set():
                answer = ask(service, "GET", "/v3/users", apikey=service.rest_api_key)
                seen.add((answer.status, len(answer.body["data"])))

        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            service.create_user("new", "N")
            service.reset()
        stop.set()
        for thread in threads:
            thread.join(LIMIT)
        assert (200, 5) in seen
        assert seen <= {(200, 5), (200, 6)}
