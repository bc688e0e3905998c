"""The dashboard in a real browser: faults, switched on by typing and met by clients."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator

from .browser.plain import post
from .browser.visitor import Visitor
from .test_emulator_http import ask
from .tools import error_of

pytest_plugins = ("tests.browser.fixtures",)

UID = "cometchat-uid-1"


def _slow(visitor: Visitor) -> None:
    visitor.field("Wait, in seconds").send_keys("0.01")


def _cut(visitor: Visitor) -> None:
    visitor.fill(When="After it was carried out")
    visitor.field("By a reset").click()


def _hang(visitor: Visitor) -> None:
    visitor.fill(When="Before the request is carried out")


def _drip(visitor: Visitor) -> None:
    visitor.fill(Seconds_between_two_bytes="0.001", What_drips="Everything, headers included")


def _status(visitor: Visitor) -> None:
    visitor.fill(Status="502", Headers="X-Gateway: down\nRetry-After: 7", Body="<h1>Bad</h1>")
    visitor.field("Carry the request out first").click()


def _limit(visitor: Visitor) -> None:
    visitor.field("Retry after, in seconds").clear()
    visitor.field("Retry after, in seconds").send_keys("3")


FORMS: dict[str, tuple[Callable[[Visitor], None], str]] = {
    "Slow answer": (_slow, "Waits 0.01 s"),
    "Cut connection": (_cut, "Connection cut after the request was carried out, by a reset"),
    "No answer": (_hang, "No answer, nothing is carried out"),
    "Dripping answer": (_drip, "Everything drips, 0.001 s for each byte"),
    "Another answer": (_status, "Answers 502, although the request is carried out"),
    "Too many requests": (_limit, "Answers 429, to be tried again after 3 s"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_each_kind_of_fault_is_added(visitor: Visitor, emulator: Emulator, kind: str) -> None:
    """A fault described by typing must be among the emulator's, as described."""
    fill, told = FORMS[kind]
    visitor.click("Faults")
    visitor.click(next(name for name in _links(visitor) if name.startswith(kind)))
    fill(visitor)
    visitor.fill(Call="put_me", Method="PUT", Path="/me", User="Kevin", How_many_times="2")
    visitor.fill(Requests_that_go_well_first="1", Probability="0.5", Seed="9")
    visitor.click("Add fault")
    assert visitor.note == "Fault 1 was added. It holds from the next request on."
    (row,) = visitor.rows
    assert told in row
    assert "PUT · /me · put_me · user kevin" in row
    assert "2 times, with probability 0.5, after 1 that go well, seed 9" in row
    (active,) = emulator.faults
    fault = active.fault
    assert (fault.call, fault.method, fault.path, fault.uid) == ("put_me", "PUT", "/me", "kevin")
    assert (fault.times, fault.skip, fault.probability, fault.seed) == (2, 1, 0.5, 9)


def _links(visitor: Visitor) -> list[str]:
    return [
        link.accessible_name for link in visitor.driver.find_elements("css selector", ".kinds a")
    ]


def test_e4_a_fault_is_met_by_a_client(
    visitor: Visitor, emulator: Emulator, chat: CometChat
) -> None:
    """A client must meet the fault that was switched on by clicking, until it is removed."""
    visitor.open("/dashboard/faults/new/status")
    visitor.fill(Status="403", Headers="X-Why: fault", Body='{"error": {"code": "ERR_CHOSEN"}}')
    visitor.fill(Call="create_auth_token")
    visitor.click("Add fault")
    assert error_of(chat.login(UID, emulator.auth_key)).code == "ERR_CHOSEN"
    refused = ask(emulator, "POST", f"/v3/users/{UID}/auth_tokens", apikey=emulator.auth_key)
    assert (refused.status, refused.headers["x-why"]) == (403, "fault")
    visitor.open("/dashboard/requests?outcome=fault")
    assert len(visitor.rows) == 2
    assert "fault 1" in visitor.rows[0]
    visitor.open("/dashboard/faults")
    assert visitor.rows[0].split()[-4] == "2"
    visitor.click("Remove fault 1")
    assert visitor.note == "Fault 1 was removed."
    assert chat.login(UID, emulator.auth_key).result().uid == UID


def test_all_faults_are_removed(visitor: Visitor, emulator: Emulator) -> None:
    """One click must end every fault, and the page then say that there is none."""
    for path in ("latency", "cut"):
        post(emulator, f"/dashboard/faults/new/{path}", latency="60", cut="before")
    visitor.open("/dashboard/faults")
    visitor.click("Remove all")
    assert len(emulator.faults) == 0
    assert "No fault: every request is answered as it should be." in visitor.text


def test_a_wrong_fault_is_said_beside_the_field(visitor: Visitor, emulator: Emulator) -> None:
    """What cannot be used must be told beside its field, and the rest stay as typed."""
    visitor.open("/dashboard/faults/new/status")
    visitor.fill(Status="99", Body="kept", Probability="0.5")
    visitor.click("Add fault")
    assert "Status: must be from 200 to 599, not 99." in visitor.note
    assert visitor.field("Status").get_attribute("aria-invalid") == "true"
    assert visitor.field("Body").get_attribute("value") == "kept"
    visitor.fill(Status="many", How_many_times="1.5")
    visitor.click("Add fault")
    assert "Status: must be a whole number." in visitor.note
    assert "How many times: must be a whole number." in visitor.note
    assert len(emulator.faults) == 0


@pytest.mark.parametrize(
    ("kind", "typed", "field", "told"),
    [
        ("latency", {}, "latency", "Wait, in seconds: a number above 0 is needed."),
        ("latency", {"latency": "0"}, "latency", "Wait, in seconds: a number above 0 is needed."),
        ("drip", {"latency": "1"}, "drip", "Seconds between two bytes: a number is needed."),
        ("status", {"latency": "1"}, "status", "Status: a number is needed."),
        ("rate_limit", {"jitter": "1"}, "rate_limit", "Retry after, in seconds: a number is"),
    ],
)
def test_a_fault_without_its_number_is_told_so(
    emulator: Emulator, kind: str, typed: dict[str, str], field: str, told: str
) -> None:
    """A form must not add another fault than its title says, and name the field that is empty."""
    answer = post(emulator, f"/dashboard/faults/new/{kind}", **typed)
    assert answer.status == 400
    assert f'<li><a href="#{field}">{told}' in answer.page
    assert len(emulator.faults) == 0
