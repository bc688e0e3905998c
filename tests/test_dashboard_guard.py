"""The dashboard's guards, over plain HTTP: who may look, who may change, what stays masked."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from cometchat_auth.emulator import Emulator, _dashboard_guard
from cometchat_auth.emulator._dashboard_notes import Note, Notes

from .browser.plain import follow, form_token, get, post, send
from .real_parts import require
from .test_emulator_hosts import has_ipv6

UID = "cometchat-uid-1"
USER = f"/dashboard/users/{UID}"

PAGES = (
    "/dashboard/users",
    "/dashboard/new-user",
    USER,
    f"{USER}/edit",
    f"{USER}/delete",
    f"{USER}/tokens/flush",
    "/dashboard/app",
    "/dashboard/requests",
    "/dashboard/requests/rows",
    "/dashboard/faults",
    "/dashboard/faults/new/latency",
    "/dashboard/data",
    "/dashboard/data/reset",
    "/dashboard/static/dashboard.css",
    "/dashboard/static/dashboard.js",
)

ACTIONS = (
    "/dashboard/new-user",
    f"{USER}/edit",
    f"{USER}/deactivate",
    f"{USER}/reactivate",
    f"{USER}/delete",
    f"{USER}/tokens",
    f"{USER}/tokens/flush",
    f"{USER}/tokens/0/reveal",
    f"{USER}/tokens/0/revoke",
    "/dashboard/app/reveal/auth-key",
    "/dashboard/requests/clear",
    "/dashboard/faults/new/latency",
    "/dashboard/faults/1/remove",
    "/dashboard/faults/clear",
    "/dashboard/data/export",
    "/dashboard/data/reset",
)


@pytest.fixture(scope="module")
def still() -> Iterator[Emulator]:
    """Run an emulator that no test of this module changes."""
    with Emulator() as service:
        yield service


def test_the_first_page_is_at_the_root(still: Emulator) -> None:
    """The dashboard's URL must lead to the users."""
    assert still.dashboard_url == f"{still.url}/"
    for path in ("/", "/dashboard", "/dashboard/"):
        answer = get(still, path)
        assert (answer.status, answer.location) == (302, "/dashboard/users")


def test_a_deactivated_user_is_deleted_at_once() -> None:
    """Its deletion must be one step, without a moment in which the user is active again."""
    with Emulator() as service:
        service.deactivate_user(UID)
        statements: list[str] = []
        with service._database.reading() as connection:
            connection.set_trace_callback(statements.append)
        follow(service, post(service, f"{USER}/delete"))
        assert UID not in {user["uid"] for user in service.users(deactivated=True)}
        changes = [each.split()[0] for each in statements if not each.startswith("SELECT")]
        assert list(dict.fromkeys(changes)) == ["BEGIN", "DELETE", "COMMIT"]


def test_the_url_needs_a_port() -> None:
    """Before the first start there is no address, and an error must say so."""
    with pytest.raises(RuntimeError, match="no port yet"):
        _ = Emulator().dashboard_url


def test_every_answer_is_hardened(still: Emulator) -> None:
    """Pages and files must forbid frames, foreign content and inline scripts, and allow no CORS."""
    for path in PAGES:
        answer = get(still, path, Origin="http://evil.example")
        assert answer.status == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "set-cookie" not in answer.headers


def test_pages_hold_no_inline_code(still: Emulator) -> None:
    """No page may need what the policy forbids: inline scripts, styles, handlers."""
    for path in PAGES[:-2]:
        page = get(still, path).page
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?! src=)", page)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "[::2]", "x@y"]
)
def test_a_rebound_name_is_refused(still: Emulator, host: str) -> None:
    """A page whose own name was made to point here must read nothing."""
    for path in ("/", *PAGES):
        answer = get(still, path, Host=host)
        assert answer.status in {400, 403}, path
        assert "users" not in answer.page.lower()
        assert form_token(still) not in answer.page


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_every_loopback_address_serves_it(host: str) -> None:
    """Wherever the emulator may listen, the dashboard must be there and carry forms out."""
    if host == "::1":
        require(None if has_ipv6() else "this machine has no IPv6 loopback address")
    with Emulator(host=host) as emulator:
        assert get(emulator, "/dashboard/users").status == 200
        post(emulator, f"{USER}/deactivate")
        assert [user["uid"] for user in emulator.users(deactivated=True)] == [UID]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.9.9.9:1", "[::1]:80", "localhost."]
)
def test_loopback_names_are_known(host: str) -> None:
    """Every name and address of this machine's own must do, whatever the port."""
    assert _dashboard_guard.wrong_host(host, ()) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_origins_change_nothing(still: Emulator, headers: dict[str, str]) -> None:
    """A form of another page must be refused, even one that knows the token."""
    before = still.export(secrets=True)
    for path in ACTIONS:
        answer = send(still, "POST", path, form={"token": form_token(still)}, headers=headers)
        assert answer.status == 403, path
        assert "emulator itself" in answer.page
    assert still.export(secrets=True) == before


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_a_form_without_the_token_is_refused(still: Emulator, token: str) -> None:
    """An action without the token of the dashboard's own forms must not be carried out."""
    before = still.export(secrets=True)
    for path in ACTIONS:
        assert post(still, path, token=token).status == 403, path
    assert still.export(secrets=True) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_actions_are_posts(still: Emulator, method: str) -> None:
    """Following a link, or prefetching it, must never change anything."""
    before = still.export(secrets=True)
    for path in ACTIONS:
        assert send(still, method, path, headers={}).status in {200, 403, 404, 405}, path
    assert still.export(secrets=True) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dashboard/nothing", 404),
        ("/dashboard/users/nobody", 404),
        ("/dashboard/users?app=none", 404),
        ("/dashboard/requests/999", 404),
        (f"/dashboard/requests/{'9' * 5000}", 404),
        ("/dashboard/requests/x", 404),
        ("/dashboard/faults/new/none", 404),
        ("/dashboard/app/ca.pem", 404),
        ("/dashboard/static/../_emulator.py", 404),
        ("/dashboard/static/%2e%2e/_emulator.py", 404),
        ("/dashboard/users?page=-3&standing=x&search=%00", 200),
        ("/dashboard/users?page=99999999999999999999", 200),
        ("/dashboard/requests?outcome=x&search=%ff", 200),
        ("/dashboard/requests/rows?after=x", 200),
        ("/dashboard/requests/rows?after=-5", 200),
    ],
)
def test_odd_addresses_are_answered(still: Emulator, path: str, status: int) -> None:
    """What does not exist must be a page that says so, and odd values must harm nothing."""
    answer = get(still, path)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "Traceback" not in answer.page


def test_the_service_is_not_shadowed(still: Emulator) -> None:
    """Paths beside the dashboard's own must stay the service's."""
    assert '"ERR_API_NOT_FOUND"' in get(still, "/dashboards").page
    assert '"ERR_API_NOT_FOUND"' in get(still, "/users").page


def test_a_form_too_long_is_refused(still: Emulator) -> None:
    """A form of a megabyte must be refused, and the next one answered."""
    assert post(still, "/dashboard/new-user", name="x" * 2**20).status == 413
    assert get(still, "/dashboard/users").status == 200


def test_a_refused_body_is_not_the_next_request(still: Emulator) -> None:
    """What a refused form holds must be thrown away, not be answered as a request."""
    parts = urlsplit(still.url)
    body = b"GET /dashboard/app HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        for path in ("/dashboard/new-user", "/dashboard/nothing", "/dashboard/users"):
            # An iterator is sent in chunks, of which the server does not know the length.
            connection.request("POST", path, iter([body]), {"Origin": "http://evil.example"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:9]) == (403, b"<!DOCTYPE")
            connection.request("GET", "/dashboard/static/dashboard.js")
            answer = connection.getresponse()
            assert (answer.status, answer.read()[:2]) == (200, b"//")
    finally:
        connection.close()


def test_x2_no_page_holds_a_secret(emulator: Emulator) -> None:
    """Keys and tokens must be on no page, and in no address, until they are revealed."""
    token = emulator.create_auth_token(UID)
    secrets = (emulator.auth_key, emulator.rest_api_key, token)
    for path in PAGES:
        page = get(emulator, path).page
        assert not [secret for secret in secrets if secret in page], path


@pytest.mark.parametrize("name", ["auth-key", "rest-api-key", "python", "curl"])
def test_x2_a_secret_is_shown_once(emulator: Emulator, name: str) -> None:
    """A revealed key must be on the next page, alone, and not on the same page loaded again."""
    secrets = {emulator.auth_key, emulator.rest_api_key}
    answer = post(emulator, f"/dashboard/app/reveal/{name}")
    wanted = emulator.auth_key if name in {"auth-key", "python"} else emulator.rest_api_key
    assert wanted not in answer.location
    page = follow(emulator, answer).page
    assert {secret for secret in secrets if secret in page} == {wanted}
    again = get(emulator, answer.location).page
    assert not [secret for secret in secrets if secret in again]


def test_x2_a_new_token_is_shown_once(emulator: Emulator) -> None:
    """A minted token must be on the next page in full, and masked afterwards."""
    answer = post(emulator, f"{USER}/tokens")
    (token,) = emulator.auth_tokens(UID)
    assert token not in answer.location
    assert token in follow(emulator, answer).page
    assert token not in get(emulator, USER).page


def test_secrets_unknown_are_not_revealed(emulator: Emulator) -> None:
    """What does not exist must not be revealed, but be a page that says so."""
    assert post(emulator, "/dashboard/app/reveal/none").status == 404
    for action in ("reveal", "revoke"):
        assert post(emulator, f"{USER}/tokens/0/{action}").status == 404


def test_emulators_have_tokens_of_their_own(emulator: Emulator) -> None:
    """A page of one emulator must not be able to change another."""
    with Emulator() as other:
        assert post(emulator, f"{USER}/deactivate", token=form_token(other)).status == 403
        assert form_token(other) != form_token(emulator)


def test_only_this_machine_is_answered() -> None:
    """A request from another machine must be refused; one from this machine's own name not."""
    assert _dashboard_guard.wrong_peer("192.0.2.7", {"192.0.2.1"}) is not None
    assert _dashboard_guard.wrong_peer("", set()) is not None
    assert _dashboard_guard.wrong_peer("192.0.2.1", {"192.0.2.1"}) is None
    assert _dashboard_guard.wrong_peer("::ffff:127.0.0.1", set()) is None


def test_a_request_without_host_is_refused(still: Emulator) -> None:
    """HTTP/1.0 without a Host header must learn nothing: whose name was meant is unknown."""
    parts = urlsplit(still.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.putrequest("GET", "/dashboard/users", skip_host=True)
        connection.putheader("Host", "")
        connection.endheaders()
        assert connection.getresponse().status in {400, 403}
    finally:
        connection.close()


@given(host=st.text(max_size=40))
def test_any_host_is_judged(host: str) -> None:
    """Any Host header must be judged, never be an error; one without a loopback name refused."""
    verdict = _dashboard_guard.wrong_host(host, ())
    if not re.search(r"localhost|127|::|:0*1|0+1|0:", host.lower()):
        assert verdict is not None


@given(origin=st.text(max_size=40), site=st.text(max_size=12))
def test_any_origin_is_judged(origin: str, site: str) -> None:
    """Only the dashboard's own origin may change anything."""
    base = "http://127.0.0.1:8642"
    headers = Headers({"Origin": origin.replace("\r", "").replace("\n", "")})
    assert _dashboard_guard.wrong_origin("POST", headers, base) is not None
    own = Headers({"Origin": base, "Sec-Fetch-Site": site.replace("\r", "").replace("\n", "")})
    allowed = own["Sec-Fetch-Site"] in {"same-origin", "none"}
    assert (_dashboard_guard.wrong_origin("POST", own, base) is None) == allowed


def test_notes_are_bounded() -> None:
    """Notes that nobody fetches must not pile up, and one must be told only once."""
    notes = Notes()
    tickets = [notes.leave(Note(str(number))) for number in range(150)]
    assert notes.take(tickets[0]) == Note()
    assert notes.take(tickets[-1]) == Note("149")
    assert notes.take(tickets[-1]) == Note()
