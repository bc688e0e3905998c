"""N2: a service in TLS counts what is sent twice and what never is, and what it carried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from cometchat_auth import AppSettings, CometChat, MemoryStore, User, _http, _transport

from . import faulty
from .fault_places import Certificates
from .faulty import Act, Service, answering, failing
from .matrix import ACTIONS
from .network import KEY, TOKEN
from .tools import LIMIT, error_of

CALLS: Final = [call for call in ACTIONS if call != "warm_up"]
ON_ADMIN: Final = {"mint", "create_user"}

# What goes wrong once, and whether the service carried the request out before.
ONCE: Final[dict[str, tuple[Act, bool]]] = {
    "reset before": (faulty.reset_before, False),
    "reset after": (faulty.reset_after, True),
    "closed after": (faulty.close_after, True),
    "cut": (faulty.truncated_after, True),
    **{f"{status}": (answering(f"{status} X", b"<html>"), False) for status in (502, 503, 504)},
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back off for a moment only."""
    monkeypatch.setattr(_http, "BACK_OFF", 0.001)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a CA of this module's own."""
    return Certificates(tmp_path_factory.mktemp("ca"))


@contextmanager
def _world(certificates: Certificates) -> Iterator[tuple[CometChat, Service, Service]]:
    """Give a client that is logged in, its admin host and its client host."""
    with Service(certificates.good) as admin, Service(certificates.good) as own:
        settings = AppSettings(
            admin_host=f"{admin.url}/v3.0", client_host=f"{own.url}/v3.0", verify=certificates.file
        )
        with CometChat("app", settings, session_store=MemoryStore()) as chat:
            chat.login(TOKEN).result(LIMIT)
            yield chat, admin, own


def _prepare(chat: CometChat, service: Service, *, reused: bool) -> int:
    """Leave a connection that has been used, or none; return how many have been made."""
    if reused:
        chat.create_user(User("kim", "Kim"), KEY).result(LIMIT)
        chat.check_session().result(LIMIT)
    else:
        _transport.close_idle()
    service.seen.clear()
    service.commits.clear()
    return service.accepted


def _call(chat: CometChat, call: str) -> Any:
    # A login for another uid than the one that is logged in: it mints, and asks for /me once.
    return chat.login("bob", KEY) if call in {"mint", "me"} else ACTIONS[call](chat)


@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("call", [call for call in CALLS if call != "create_user"])
def test_n2_sent_again(certificates: Certificates, call: str, fault: str, reused: bool) -> None:
    """What may be repeated is sent once more, the same, and the call succeeds."""
    act, committed = ONCE[fault]
    with _world(certificates) as (chat, admin, own):
        service = admin if call in ON_ADMIN else own
        before = _prepare(chat, service, reused=reused)
        service.act = failing(1, act)
        error = _call(chat, call).exception(LIMIT)
        # Bob's login is answered with alice: that is told, and nobody asks again.
        assert error is None or (call in {"mint", "me"} and "'alice'" in error.message)
        first, second = service.seen
        assert first.raw == second.raw
        assert len(service.commits) == 1 + committed
        # The first try went over the connection that was there; but on a line as short as this
        # a login may ask for /me while the connection is just being looked at.
        if reused and call != "me":
            assert service.accepted - before == (0 if fault.isdigit() else 1)


@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize("fault", ONCE)
def test_n2_never_created_twice(certificates: Certificates, fault: str, reused: bool) -> None:
    """Creating a user is sent once, whatever comes of it, and the error says that nobody knows."""
    act, committed = ONCE[fault]
    with _world(certificates) as (chat, admin, _):
        _prepare(chat, admin, reused=reused)
        admin.act = failing(1, act)
        error = error_of(ACTIONS["create_user"](chat))
        assert (error.code, error.retryable) == ("OUTCOME_UNKNOWN", False)
        assert (len(admin.seen), len(admin.commits)) == (1, committed)


def _close_by(how: str) -> Act:
    """Return the act that answers well and then closes the idle connection."""

    def act(service: Service, connection: Any, asked: faulty.Asked) -> bool:
        connection.sendall(service.commit(asked))
        if how == "TLS goodbye":
            connection.setblocking(False)
            try:
                connection.unwrap()
            except OSError:
                return False  # the client need not say goodbye as well
        elif how == "reset":
            faulty.reset(connection)
        return False

    return act


@pytest.mark.parametrize("how", ["closed", "reset", "TLS goodbye"])
@pytest.mark.parametrize("call", CALLS)
def test_n2_stale_connection(certificates: Certificates, call: str, how: str) -> None:
    """A connection found closed is replaced before anything is written: one request, no error."""
    with _world(certificates) as (chat, admin, own):
        service = admin if call in ON_ADMIN else own
        _transport.close_idle()
        service.act = _close_by(how)
        _prepare(chat, service, reused=True)
        for thread in service._threads[1:]:
            thread.join(LIMIT)  # until it has closed
        service.act = None
        error = _call(chat, call).exception(LIMIT)
        assert error is None or (call in {"mint", "me"} and "'alice'" in error.message)
        assert (len(service.seen), len(service.commits)) == (1, 1)


@pytest.mark.parametrize("call", CALLS)
def test_n2_three_refused_connections(certificates: Certificates, call: str) -> None:
    """Where nobody listens there are three tries to connect, also to create a user."""
    tries: list[int] = []
    real = _transport.send

    def send(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        return real(*args, **kwargs)

    with _world(certificates) as (chat, admin, own):
        service = admin if call in ON_ADMIN else own
        service.stop()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_transport, "send", send)
            error = error_of(_call(chat, call))
        assert (error.reason, error.details.get("sent")) == ("connect", False)
        assert len(tries) == 3 + (call == "me")
