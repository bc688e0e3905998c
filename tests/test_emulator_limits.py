"""What an app may not exceed: the quota of users in its plan, and the requests of a minute."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth import AppSettings, CometChat, MemoryStore, RateLimitError, User
from cometchat_auth.emulator import Emulator

from .test_emulator_http import Answer, ask
from .tools import error_of

NAMES = ("x-rate-limit", "x-rate-limit-remaining", "x-rate-limit-reset")
OTHER_NAMES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@attrs.define
class Clock:
    """A clock that stands still until it is told the time.

    Attributes:
        time: Unix time in seconds.
    """

    time: float = 1_700_000_000.25

    def __call__(self) -> float:
        """Return the time."""
        return self.time


def create(service: Emulator, uid: str) -> Answer:
    """Create a user with the auth key."""
    body = {"uid": uid, "name": "N"}
    return ask(service, "POST", "/v3/users", body, apikey=service.auth_key)


def look(service: Emulator) -> Answer:
    """Make a call that changes nothing."""
    return ask(service, "GET", "/v3/users/cometchat-uid-1", apikey=service.rest_api_key)


def told(answer: Answer) -> dict[str, str]:
    """Return what an answer says about the rate limit."""
    named = {*NAMES, *OTHER_NAMES, "retry-after"}
    return {name: value for name, value in answer.headers.items() if name in named}


def test_the_quota_ends_the_creation_of_users() -> None:
    """A user beyond the quota must be 402 by its code, and not exist; one less makes room."""
    with Emulator(user_quota=6) as service:
        assert create(service, "sixth").status == 200
        answer = create(service, "seventh")
        assert answer.refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
        assert "6 users" in answer.body["error"]["message"]
        assert len(service.users()) == 6
        service.delete_user("sixth")
        assert create(service, "seventh").status == 200


def test_the_quota_counts_deactivated_users() -> None:
    """A deactivated user keeps its uid, and must keep its place as well."""
    with Emulator(user_quota=5) as service:
        service.deactivate_user("cometchat-uid-1")
        assert create(service, "sixth").refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
        service.reactivate_user("cometchat-uid-1")


def test_a_taken_uid_is_told_before_the_quota() -> None:
    """Creating somebody who exists adds nobody, and must be refused for that reason."""
    with Emulator(user_quota=5) as service:
        assert create(service, "cometchat-uid-1").refusal == (400, "ERR_UID_ALREADY_EXISTS")


def test_the_quota_is_for_creating_only() -> None:
    """With the quota used up, and even exceeded, everything else must go on."""
    with Emulator(user_quota=0) as service:
        service.create_user("kevin", "Kevin")
        assert create(service, "other").refusal == (402, "ERR_PLAN_QUOTA_RESTRICTION")
        assert look(service).status == 200
        path = "/v3/users/kevin/auth_tokens"
        assert ask(service, "POST", path, apikey=service.auth_key).status == 200


def test_the_quota_holds_for_many_threads() -> None:
    """Of many creations at once exactly those within the quota must succeed."""
    with Emulator(user_quota=15) as service:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: statuses.append(create(service, f"u{n}").status))
            for n in range(30)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(statuses) == [200] * 10 + [402] * 20
        assert len(service.users()) == 15


def test_without_a_limit_no_answer_speaks_of_one() -> None:
    """An app without a rate limit must send none of the headers."""
    with Emulator() as service:
        assert told(look(service)) == {}
        assert told(ask(service, "GET", "/v3/none")) == {}


def test_n3_answers_say_what_is_left_of_the_minute() -> None:
    """Each request must use one up, as its answer says, until there is none left."""
    with Emulator(requests_per_minute=3, clock=Clock()) as service:
        assert [told(look(service)) for _ in range(3)] == [
            {"x-rate-limit": "3", "x-rate-limit-remaining": left} for left in ("2", "1", "0")
        ]
        refused = look(service)
    assert refused.refusal == (429, "ERR_TOO_MANY_REQUESTS")
    assert told(refused) == {
        "x-rate-limit": "3",
        "x-rate-limit-remaining": "0",
        # The minute began at 1,700,000,000.25: its end is told in whole seconds, never too early.
        "x-rate-limit-reset": "1700000061",
        "retry-after": "60",
    }
    assert "60 seconds" in refused.body["error"]["devMessage"]


def test_n3_who_waits_as_told_is_let_in() -> None:
    """After Retry-After seconds, or at the second of the reset, requests must be answered."""
    clock = Clock()
    with Emulator(requests_per_minute=1, clock=clock) as service:
        look(service)
        clock.time += 44.5
        refused = told(look(service))
        assert refused["retry-after"] == "16"
        clock.time += 15
        assert look(service).status == 429
        clock.time += 1
        assert look(service).status == 200
        refused = told(look(service))
        clock.time = float(refused["x-rate-limit-reset"])
        assert look(service).status == 200


def test_n3_a_refused_request_is_not_carried_out() -> None:
    """A request beyond the limit must change nothing, whatever it asks for."""
    with Emulator(requests_per_minute=1, clock=Clock()) as service:
        look(service)
        assert create(service, "kevin").status == 429
        with pytest.raises(LookupError):
            service.user("kevin")


def test_the_limit_is_for_every_call_together() -> None:
    """Both keys and every user's token must draw on the same requests."""
    with Emulator(requests_per_minute=3, clock=Clock()) as service:
        token = service.create_auth_token("cometchat-uid-1")
        assert look(service).status == 200
        assert create(service, "kevin").status == 200
        assert ask(service, "GET", "/v3/me", authToken=token).status == 200
        refused = ask(service, "PUT", "/v3/me", authToken=token)
        assert refused.refusal == (429, "ERR_TOO_MANY_REQUESTS")


def test_the_limit_comes_after_the_scope_and_before_the_body() -> None:
    """Wrong paths and keys must be told first and cost nothing; bad bodies and uids cost one."""
    with Emulator(requests_per_minute=2, clock=Clock()) as service:
        free = [
            ask(service, "GET", "/v3/none"),
            ask(service, "GET", "/v3/users", appId="other"),
            ask(service, "GET", "/v3/users"),
            ask(service, "GET", "/v3/users", apikey="f" * 40),
            ask(service, "GET", "/v3/users", apikey=service.auth_key),
            ask(service, "GET", "/v3/me", authToken="dead"),
        ]
        assert [answer.status for answer in free] == [404, 401, 401, 401, 403, 401]
        expected = {"x-rate-limit": "2", "x-rate-limit-remaining": "2"}
        assert [told(answer) for answer in free] == [expected] * len(free)
        bad = ask(service, "POST", "/v3/users", {}, apikey=service.auth_key)
        nobody = ask(service, "GET", "/v3/users/nobody", apikey=service.rest_api_key)
        assert (bad.status, nobody.status) == (400, 404)
        bad = ask(service, "POST", "/v3/users", raw=b"{", apikey=service.auth_key)
        assert bad.refusal == (429, "ERR_TOO_MANY_REQUESTS")
        wrong = ask(service, "GET", "/v3/users", apikey="f" * 40)
        assert wrong.refusal == (401, "AUTH_ERR_APIKEY_NOT_FOUND")


def test_preflights_cost_nothing() -> None:
    """A browser's question whether it may ask must not count, nor speak of the limit."""
    with Emulator(requests_per_minute=1, clock=Clock()) as service:
        asked = ask(service, "OPTIONS", "/v3/users")
        assert (asked.status, told(asked)) == (204, {})
        assert told(look(service))["x-rate-limit-remaining"] == "0"


def test_the_headers_have_two_spellings() -> None:
    """With the switch the headers must be spelled as on the REST API's page, and only so."""
    with Emulator(requests_per_minute=1, other_rate_limit_headers=True, clock=Clock()) as service:
        assert told(look(service)) == dict(zip(OTHER_NAMES, ("1", "0"), strict=False))
        assert told(look(service)) == {
            **dict(zip(OTHER_NAMES, ("1", "0", "1700000061"), strict=True)),
            "retry-after": "60",
        }


def test_a_clock_set_back_locks_nobody_out() -> None:
    """When the time is before the minute's beginning, a new minute must begin."""
    clock = Clock()
    with Emulator(requests_per_minute=1, clock=clock) as service:
        look(service)
        clock.time -= 3600
        assert look(service).status == 200


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(1, 4),
    steps=st.lists(st.floats(0, 90).map(lambda step: round(step, 2)), max_size=12),
)
def test_no_minute_has_more_than_the_limit(limit: int, steps: list[float]) -> None:
    """However requests come, at most so many a minute are let in; none is refused without need."""
    clock = Clock(1_700_000_000.0)
    began, used = clock.time, 0
    with Emulator(requests_per_minute=limit, clock=clock) as service:
        for step in steps:
            clock.time += step
            if used == 0 or clock.time >= began + 60:
                began, used = clock.time, 0
            answer = look(service)
            assert answer.status == (200 if used < limit else 429)
            used = min(limit, used + 1)
            assert told(answer)["x-rate-limit-remaining"] == str(limit - used)


def test_the_clock_is_the_apps_clock() -> None:
    """Users and tokens must be dated by the clock that was given."""
    clock = Clock()
    service = Emulator(clock=clock)
    assert service.user("cometchat-uid-1")["createdAt"] == 1_700_000_000
    clock.time += 100
    assert service.create_auth_token("cometchat-uid-1").startswith("cometchat-uid-1_1700000100")
    service.deactivate_user("cometchat-uid-1")
    (gone,) = service.users(deactivated=True)
    assert gone["deactivatedAt"] == 1_700_000_100


@pytest.mark.parametrize(("name", "number"), [("user_quota", -1), ("requests_per_minute", 0)])
def test_limits_below_the_least_are_refused(name: str, number: int) -> None:
    """A limit that means nothing must be a ValueError that names it and says what to do."""
    options: dict[str, int] = {name: number}
    with pytest.raises(ValueError, match=f"{name} must be {number + 1} or more"):
        Emulator(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"user_quota": "5"},
        {"user_quota": True},
        {"requests_per_minute": 1.5},
        {"port": "8080"},
        {"roles": "teacher"},
        {"strict_auth_key": "no"},
        {"reuse_auth_tokens": 1},
        {"settings": ["MODE"]},
        {"settings": {"MODE": object()}},
    ],
)
def test_options_of_the_wrong_type_are_refused(options: dict[str, Any]) -> None:
    """A value that would be misunderstood, now or by a request, must be a TypeError by its name."""
    with pytest.raises(TypeError, match=f"^{next(iter(options))} must be "):
        Emulator(**options)


@pytest.mark.parametrize("port", [-1, 65536])
def test_ports_that_there_are_not_are_refused(port: int) -> None:
    """A port out of range must be a ValueError when the emulator is made."""
    with pytest.raises(ValueError, match=f"port must be from 0 to 65535, not {port}"):
        Emulator(port=port)


def test_n3_the_client_says_how_long_to_wait(store: MemoryStore) -> None:
    """A login that meets the limit must fail with the seconds to wait, if it has not so many."""
    with (
        Emulator(requests_per_minute=1, clock=Clock()) as service,
        CometChat(
            service.app_id, AppSettings.for_emulator(service.url), session_store=store
        ) as chat,
    ):
        error = error_of(chat.login("cometchat-uid-1", service.auth_key))
        assert isinstance(error, RateLimitError)
        assert (error.code, error.http_status) == ("ERR_TOO_MANY_REQUESTS", 429)
        assert error.retry_after == 60


def test_the_client_says_that_the_quota_is_used_up(store: MemoryStore) -> None:
    """A user that the plan has no room for must fail by the service's code."""
    with (
        Emulator(user_quota=5) as service,
        CometChat(
            service.app_id, AppSettings.for_emulator(service.url), session_store=store
        ) as chat,
    ):
        error = error_of(chat.create_user(User(uid="sixth", name="N"), service.auth_key))
        assert (error.code, error.http_status) == ("ERR_PLAN_QUOTA_RESTRICTION", 402)
