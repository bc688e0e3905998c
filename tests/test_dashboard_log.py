"""The dashboard's live log in a real browser, beside clients that do something."""

from __future__ import annotations

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator

from .browser.plain import get
from .browser.visitor import Visitor
from .test_emulator_http import ask
from .tools import error_of

pytest_plugins = ("tests.browser.fixtures",)

UID = "cometchat-uid-1"

# The script plans its next look at the log each time that it was its turn.
_COUNT_LOOKS = """
const real = window.setTimeout;
window.looks = 0;
window.setTimeout = (...planned) => { window.looks += 1; return real(...planned); };
"""


def test_the_log_is_live(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """What a client does must appear on the open page, newest first, with its outcome."""
    visitor.open("/dashboard/requests")
    assert "No request yet" in visitor.text
    chat.login(UID, emulator.auth_key).result()
    visitor.wait(lambda: len(visitor.rows) == 2)
    assert "PUT /v3.0/me 200" in visitor.rows[0]
    assert f"POST /v3.0/users/{UID}/auth_tokens 200" in visitor.rows[1]
    assert error_of(chat.login("nobody", emulator.auth_key)).code == "ERR_UID_NOT_FOUND"
    visitor.wait(lambda: len(visitor.rows) == 3)
    assert "404 ERR_UID_NOT_FOUND" in visitor.rows[0]
    assert not visitor.find("Clear").get_attribute("hidden")


def test_the_log_holds_still_while_paused(visitor: Visitor, emulator: Emulator) -> None:
    """Nothing must be added while the log is paused, and nothing be lost afterwards."""
    visitor.open("/dashboard/requests")
    visitor.find("Pause").click()
    assert "Paused" in visitor.text
    for _ in range(3):
        ask(emulator, "GET", "/v3/users", apikey=emulator.rest_api_key)
    visitor.script(_COUNT_LOOKS)
    visitor.wait(lambda: visitor.script("return window.looks > 2"))
    assert visitor.rows == []
    visitor.find("Resume").click()
    visitor.wait(lambda: len(visitor.rows) == 3)


def test_the_log_is_filtered(visitor: Visitor, emulator: Emulator) -> None:
    """The filter must hold for what is there and for what comes."""
    key = emulator.rest_api_key
    ask(emulator, "GET", "/v3/users/nobody", apikey=key)
    ask(emulator, "GET", f"/v3/users/{UID}", apikey=key)
    visitor.open("/dashboard/requests")
    visitor.field("Path, uid, status or error code contains").send_keys("NOBODY")
    visitor.fill(Outcome="Failed")
    visitor.click("Filter")
    assert len(visitor.rows) == 1
    ask(emulator, "GET", f"/v3/users/{UID}", apikey=key)
    ask(emulator, "DELETE", "/v3/users/nobody", apikey=key)
    visitor.wait(lambda: len(visitor.rows) == 2)
    assert "DELETE /v3/users/nobody" in visitor.rows[0]


def test_the_log_is_cleared(visitor: Visitor, emulator: Emulator) -> None:
    """Clearing must empty the log, also for Python, and go on with what comes."""
    ask(emulator, "GET", "/v3/users", apikey=emulator.rest_api_key)
    visitor.open("/dashboard/requests")
    visitor.click("Clear")
    assert visitor.note == "The log was cleared."
    assert len(emulator.requests) == 0
    ask(emulator, "GET", "/v3/me")
    visitor.wait(lambda: len(visitor.rows) == 1)


def test_x2_details_of_a_request_are_masked(visitor: Visitor, emulator: Emulator) -> None:
    """A request's page must have its bodies and outcome, with every secret masked."""
    token = emulator.create_auth_token(UID)
    ask(emulator, "GET", "/v3/me", authToken=token)
    ask(emulator, "PUT", "/v3/me", {"platform": "<b>web</b>"}, authToken=token)
    ask(emulator, "GET", f"/v3/users/{UID}/auth_tokens/{token}", apikey=emulator.rest_api_key)
    for number in (1, 2, 3):
        visitor.open("/dashboard/requests")
        assert token not in visitor.driver.page_source
        visitor.open(f"/dashboard/requests/{number}")
        assert "Andrew" in visitor.text or number == 3
        for secret in (token, emulator.rest_api_key):
            assert secret not in visitor.driver.page_source
    visitor.open("/dashboard/requests/2")
    assert "<b>web</b>" in visitor.text


def test_the_log_of_another_emulator_begins_anew(emulator: Emulator) -> None:
    """A page of an emulator that ran here before must be told everything, and from where on."""
    ask(emulator, "GET", "/v3/me")
    answer = get(emulator, "/dashboard/requests/rows?after=500")
    assert answer.headers["x-last-number"] == "1"
    assert answer.page.count("<tr") == 1
    assert "<tr" not in get(emulator, "/dashboard/requests/rows?after=1").page


def test_the_log_survives_a_restart(visitor: Visitor, emulator: Emulator) -> None:
    """An open log must say that the emulator is gone, and go on when it is back."""
    visitor.open("/dashboard/requests")
    emulator.stop()
    visitor.wait(lambda: "does not answer" in visitor.text)
    emulator.start()
    ask(emulator, "GET", "/v3/me")
    visitor.wait(lambda: len(visitor.rows) == 1)
    assert "Live" in visitor.text
