"""Imports: what becomes of a row, whatever the service answers and whatever gets lost."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import pytest

from cometchat_auth import CometChatException, NoAnswerError, User
from cometchat_auth.server._bulk_tries import TRIES, is_as_sent

from .bulk_tools import (
    EXISTS,
    MISSING,
    Fate,
    Model,
    away,
    back_off_briefly,
    busy,
    imported,
    importing,
    lost,
    people,
    refusal,
    statuses,
    threads,
    until_it_ends,
)

SEND, LOOK = "send", "look"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing that the service does not ask for."""
    back_off_briefly(monkeypatch)


@pytest.mark.parametrize(
    ("fates", "status", "asked"),
    [
        (["well"], "created", [SEND]),
        ([busy()], "created", [SEND] * 2),
        ([busy(None), busy(None)], "created", [SEND] * 3),
        ([refusal("ERR_X", 503, after=0.0)], "created", [SEND] * 2),
        ([refusal("ERR_X", 502)], "created", [SEND] * 2),
        ([away(), away("dns"), away("timeout")], "created", [SEND] * 4),
        (["before"], "created", [SEND, LOOK, SEND]),
        (["after"], "created", [SEND, LOOK]),
        ([lost(500)], "created", [SEND, LOOK, SEND]),
        (["after", "before", busy(), "well"], "created", [SEND, LOOK, LOOK, LOOK]),
        (["before", "well", "after"], "created", [SEND, LOOK, SEND, LOOK]),
        (["before", "well", refusal(EXISTS)], "exists", [SEND, LOOK, SEND, LOOK]),
        ([refusal(EXISTS)], "exists", [SEND]),
        ([busy(), refusal(EXISTS)], "exists", [SEND] * 2),
        ([away(), refusal(EXISTS)], "exists", [SEND] * 2),
        ([refusal("ERR_BAD_REQUEST")], "refused", [SEND]),
        (["before", "well", refusal("ERR_BAD_REQUEST")], "refused", [SEND, LOOK, SEND]),
        (["before", refusal("ERR_BAD_REQUEST")], "unknown", [SEND, LOOK]),
        ([lost(500), "well"] * 99, "unknown", [SEND, LOOK] * TRIES + [SEND]),
    ],
)
def test_what_becomes_of_a_row(fates: list[Fate], status: str, asked: list[str]) -> None:
    """Each course of events must lead to its status by these requests, and to one user at most."""
    model = Model({"user-0": list(fates)})
    (outcome,) = imported(model, people(1))
    assert outcome.status == status
    assert model.of("user-0") == asked
    assert model.created.count("user-0") == (status == "created")
    assert (outcome.error is not None) == (status in {"refused", "unknown"})


def test_503_after_the_user_was_created() -> None:
    """If a request that a gateway gave up on was carried out, the user must count as created."""

    class Gateway(Model):
        def send(self, user: User, seconds: float) -> User:
            created = super().send(user, seconds)
            if self.of(user.uid) == [SEND]:
                raise refusal("ERR_GATEWAY", 504)
            return created

    model = Gateway()
    (outcome,) = imported(model, people(1))
    assert (outcome.status, outcome.user) == ("created", model.users["user-0"])
    assert model.of("user-0") == [SEND, SEND, LOOK]


def test_lost_answer_for_a_user_who_was_there() -> None:
    """After a lost answer a user who is not as in the row must count as there before."""
    model = Model({"user-0": ["before"]})
    model.users["user-0"] = User("user-0", "Somebody else")
    (outcome,) = imported(model, people(1))
    assert (outcome.status, outcome.user) == ("exists", model.users["user-0"])


def test_lost_answer_for_a_deactivated_user() -> None:
    """A deactivated user is neither found nor created: that must end, as one who exists."""
    model = Model({"user-0": ["before"]})
    model.deactivated.add("user-0")
    (outcome,) = imported(model, people(1))
    assert (outcome.status, outcome.user, outcome.error) == ("exists", None, None)
    assert model.of("user-0") == [SEND, LOOK, SEND, LOOK]


def test_a_row_that_always_fails_does_not_hold_up_the_import() -> None:
    """A row that fails again and again while others are answered must be given up."""
    error = refusal("ERR_SERVER", 502)
    failed = threading.Semaphore(0)

    class Stubborn(Model):
        def send(self, user: User, seconds: float) -> User:
            if user.uid == "user-3":
                failed.release()
                raise error
            failed.acquire(timeout=0.05)  # not all before it fails again
            return super().send(user, seconds)

    outcomes = imported(Stubborn(), people(50), in_flight=2)
    assert statuses(outcomes).count("created") == 49
    assert (outcomes[3].status, outcomes[3].error) == ("unknown", error)


FATAL = [
    refusal("AUTH_ERR_APIKEY_NOT_FOUND", 401),
    refusal("AUTH_ERR_NO_ACCESS", 403),
    refusal("ERR_INVALID_API_KEY", 401),
    refusal("ERR_PLAN_RESTRICTION", 403),
    refusal("ERR_PLAN_QUOTA_RESTRICTION", 402),
    refusal("ERR_SUBSCRIPTION_EXPIRED", 402),
    refusal("ERR_API_NOT_FOUND", 404),
    refusal("ERR_INVALID_API_VERSION", 400),
    away("tls", retryable=False),
    away("proxy"),
    away("redirect", retryable=False, http_status=302),
    away("not_json", retryable=False, http_status=200),
    away("unexpected", retryable=False, http_status=403),
    away("unexpected", retryable=False),
]


@pytest.mark.parametrize("error", FATAL, ids=lambda error: error.reason or error.code)
def test_what_every_row_would_get_ends_the_import(error: CometChatException) -> None:
    """The import must end with that error, after what is known, and send nothing further."""
    model = Model({"user-40": [error]})
    outcomes, end = until_it_ends(importing(model, people(5_000), in_flight=4))
    assert end is error
    assert set(statuses(outcomes)) == {"created"}
    assert [o.uid for o in outcomes] == [u.uid for u in people(5_000) if u.uid in model.users]
    # The three others may each have been about to send an earlier row, or gone on for a moment.
    assert 37 <= len(outcomes) < 1_000
    assert threads() == []


def test_fatal_while_looking() -> None:
    """The row whose request may have arrived must come out as unknown, with the error."""
    error = away("not_json", retryable=False, http_status=200)
    model = Model({"user-0": ["after", error]})
    (outcome,), end = until_it_ends(importing(model, people(1)))
    assert (outcome.status, outcome.error, end) == ("unknown", error, error)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_gateways_page_while_looking_is_not_the_end(status: int) -> None:
    """A page of HTML with a status of 500 and more must be waited out."""
    page = NoAnswerError("ERROR_JSON_EXCEPTION", "HTML", http_status=status, reason="not_json")
    model = Model({"user-0": ["after", page, page]})
    assert statuses(imported(model, people(1))) == ["created"]


@attrs.define
class Silent:
    """A service that is not there."""

    error: CometChatException

    def send(self, _user: User, _seconds: float) -> User:
        """Fail."""
        raise self.error

    def look(self, _uid: str, _seconds: float) -> User:
        """Fail likewise."""
        raise away()


def test_patience_ends_for_rows_that_were_never_sent() -> None:
    """Where no connection comes about rows must have no outcome; the import raises the error."""
    model = Silent(away())
    outcomes, end = until_it_ends(importing(model, people(100), patience=0.1, in_flight=4))
    assert (outcomes, end) == ([], model.error)


def test_patience_ends_for_rows_that_may_have_arrived() -> None:
    """Rows whose request may have arrived must come out as unknown, all others not at all."""
    outcomes, end = until_it_ends(importing(Silent(lost()), people(100), patience=0.1, in_flight=4))
    assert statuses(outcomes) == ["unknown"] * len(outcomes)
    assert 1 <= len(outcomes) <= 4
    assert isinstance(end, CometChatException)
    assert all(outcome.error is not None for outcome in outcomes)


def test_a_wait_that_the_service_asks_for_is_no_silence() -> None:
    """Retry-After must be waited for however little patience there is."""
    fates: list[Fate] = [busy(0.05), refusal("ERR_X", 503, after=0.05)] * 2
    model = Model({"user-0": fates})
    assert statuses(imported(model, people(1), patience=0.02)) == ["created"]


def test_progress_says_what_is_waited_for() -> None:
    """While the service asks to wait the reports must say for how long, and why."""
    reports: list[Any] = []
    model = Model({"user-0": [busy(0.5)]})
    assert len(imported(model, people(1), on_progress=reports.append)) == 1
    waiting = [report for report in reports if report.waiting]
    assert waiting
    assert {report.reason for report in waiting} == {"ERR_TOO_MANY_REQUESTS"}
    assert max(report.waiting for report in waiting) <= 0.5


@pytest.mark.parametrize("defect", [TypeError("bug"), SystemExit(3), KeyboardInterrupt()])
def test_a_defect_in_a_thread_is_raised_in_the_callers(defect: BaseException) -> None:
    """Whatever is raised in a thread of the import must reach the caller, and hang nothing."""

    class Defective(Model):
        def send(self, user: User, seconds: float) -> User:
            if user.uid == "user-7":
                raise defect
            return super().send(user, seconds)

    with pytest.raises(type(defect)) as caught:
        imported(Defective(), people(1_000))
    assert caught.value is defect
    assert threads() == []


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"created_at": 1, "status": "offline"}, True),
        ({"name": "B"}, False),
        ({"avatar": None}, False),
        ({"link": "https://example.com/2"}, False),
        ({"role": "Editor"}, True),
        ({"role": "default"}, False),
        ({"role": None}, False),
        ({"status_message": None}, True),
        ({"status_message": "bye"}, False),
        ({"tags": ()}, True),
        ({"tags": ("b", "a")}, True),
        ({"tags": ("a",)}, False),
        ({"metadata": None}, True),
        ({"metadata": {"b": [1], "a": 2}}, True),
        ({"metadata": {"a": 2}}, False),
    ],
)
def test_whether_a_user_is_the_one_that_was_sent(change: dict[str, Any], same: bool) -> None:
    """Every field that was given and that the service tells of must be as it was sent."""
    sent = User(
        "a",
        "A",
        avatar="https://example.com/1",
        link="https://example.com/1",
        role="editor",
        status_message="hi",
        tags=("a", "b"),
        metadata={"a": 2, "b": (1,)},
    )
    assert is_as_sent(sent, attrs.evolve(sent, **change)) is same


def test_fields_that_were_not_given_may_be_anything() -> None:
    """What the row does not have must not matter."""
    found = User("a", "A", avatar="https://x.y", role="z", tags=("t",), metadata={"m": 1})
    assert is_as_sent(User("a", "A"), attrs.evolve(found, status_message="hi", link="https://x"))


def test_looks_are_not_made_without_need() -> None:
    """Where every answer arrives the import must send one request for each row."""
    model = Model({"user-1": [refusal(EXISTS)], "user-2": [refusal(MISSING, 404)]})
    assert statuses(imported(model, people(4))) == ["created", "exists", "refused", "created"]
    assert len(model.asked) == 4
