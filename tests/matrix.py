"""One cell of the fault matrix: a call, a fault, and everything that can be seen of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any, Final

import attrs

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    LoginListener,
    MemoryStore,
    User,
    _connections,
    _transport,
)
from cometchat_auth._record import encode
from cometchat_auth._secrets import Secret
from cometchat_auth._session import Session

from . import canary
from .fault_places import Certificates, Fault, Place
from .fault_rules import BEFORE, CALLS, Expected, expected, is_as_long
from .faults import FAULTS
from .faulty import BOBS, CANARIES, PASSWORD, Service, name_server
from .network import KEY, TOKEN
from .tools import LIMIT

ACTIONS: Final[dict[str, Callable[[CometChat], Future[Any]]]] = {
    "mint": lambda chat: chat.login("alice", KEY),
    "me": lambda chat: chat.login("alice", KEY),
    "login_token": lambda chat: chat.login(TOKEN),
    "logout": lambda chat: chat.logout(),
    "check_session": lambda chat: chat.check_session(),
    "create_user": lambda chat: chat.create_user(User("alice", "Alice"), KEY),
    "warm_up": lambda chat: chat.warm_up(),
}
_ADMIN: Final = {"mint", "create_user"}  # their fault is on the admin host

_EVENTS: Final = ("login_success", "login_failure", "logout_success", "logout_failure")


@attrs.frozen
class Seen:
    """What was seen of a cell.

    Attributes:
        error: What the call ended with.
        requests: How many reached the faulty host.
        commits: How many of them it carried out.
        user: Who is logged in afterwards.
        untouched: Whether the stored record is byte for byte what it was.
        events: What listeners heard.
        seconds: From the call to its outcome.
        leaks: Texts in which a credential can be read.
        host: The faulty host's URL.
    """

    error: CometChatException | None
    requests: int
    commits: int
    user: str | None
    untouched: bool
    events: tuple[str, ...]
    seconds: float
    leaks: tuple[str, ...]
    host: str


def cells() -> Iterator[tuple[Fault, str]]:
    """Yield every pair of fault and call that there can be.

    Warming up asks nothing, so that faults of answers cannot meet it; one stands for them.
    """
    for fault in FAULTS:
        for call in CALLS:
            if call != "warm_up" or fault.how in BEFORE or fault.how in {"fine", "silent"}:
                yield fault, call


def run(fault: Fault, call: str, certificates: Certificates, timeout: float) -> Seen:
    """Have the call meet the fault.

    Where a machine was too busy to get the request out in time, it is given more of it.

    Args:
        fault: What goes wrong.
        call: One of `CALLS`.
        certificates: Of the servers.
        timeout: Seconds that the call is given where the fault would hang it.
    """
    seen = _run(fault, call, certificates, timeout)
    if fault.how == "silent" and call != "warm_up" and not seen.requests:
        seen = attrs.evolve(_run(fault, call, certificates, 10 * timeout), seconds=timeout)
    return seen


def _run(fault: Fault, call: str, certificates: Certificates, timeout: float) -> Seen:
    _transport.close_idle()
    limit = timeout if fault.how in {"mute", "silent"} else LIMIT
    with ExitStack() as stack:
        stack.enter_context(name_server())
        watch = stack.enter_context(canary.watching())
        healthy = stack.enter_context(Service(certificates.good))
        place = stack.enter_context(fault.make(certificates, healthy))
        seen = _observed(call, place, _settings(call, place, healthy, certificates, limit))
    return attrs.evolve(seen, leaks=(*seen.leaks, *canary.leaks(watch.lines, CANARIES)))


def _settings(
    call: str, place: Place, healthy: Service, certificates: Certificates, timeout: float
) -> AppSettings:
    faulty, good = f"{place.url}/v3.0", f"{healthy.url}/v3.0"
    return AppSettings(
        admin_host=faulty if call in _ADMIN else good,
        client_host=good if call in _ADMIN else faulty,
        verify=certificates.file,
        timeout=timeout,
        **place.settings,
    )


def _observed(call: str, place: Place, settings: AppSettings) -> Seen:
    store = MemoryStore()
    where = f"cometchat_auth:app:{str(settings.client_host).split('/')[2]}", "default"
    record = encode(Session(User("bob"), Secret(BOBS), minted=False, device_id="d"))
    store.save(*where, record)
    events: list[str] = []
    with CometChat("app", settings, session_store=store) as chat:
        told = {name: lambda *_, name=name: events.append(name) for name in _EVENTS}
        chat.add_login_listener("matrix", LoginListener(**told))
        began = time.monotonic()
        future = ACTIONS[call](chat)
        error = future.exception(2 * LIMIT)
        seconds = time.monotonic() - began
        assert error is None or isinstance(error, CometChatException), error
        user = chat.get_logged_in_user()
        outcome = future.result() if error is None else error
        things = (future, outcome, chat, settings, chat.session_info())
        texts = canary.shown(*things, given=settings.proxies)
        leaks = canary.leaks(texts, CANARIES)
        # What is kept of connections; proxies' passwords are requests' own affair.
        kept = canary.shown(*_connections._adapters.values())
        leaks += canary.leaks(kept, {*CANARIES} - {PASSWORD})
    service = place.service
    return Seen(
        error=error,
        requests=len(service.seen) if service else 0,
        commits=len(service.commits) if service else 0,
        user=user.uid if user else None,
        untouched=store.load(*where) == record,
        events=tuple(events),
        seconds=seconds,
        leaks=tuple(leaks),
        host=place.url,
    )


def differences(seen: Seen, fault: Fault, call: str, timeout: float) -> list[str]:
    """Return in what a cell is not what it must be."""
    wanted = expected(call, fault, timeout if fault.how in {"mute", "silent"} else LIMIT)
    found = {**_error_fields(seen.error), **_fields(seen)}
    must = {**_wanted_error(wanted), **_wanted_fields(wanted)}
    problems = [
        f"{key}: {found.get(key)!r}, not {must[key]!r}"
        for key in must
        if found.get(key) != must[key]
    ]
    asked = wanted.trouble.retry_after if wanted.trouble else None
    told = seen.error.retry_after if seen.error else None
    if not is_as_long(told, asked):
        problems.append(f"retry_after: {told}, not {asked}")
    if fault.commits and call != "warm_up" and seen.commits != seen.requests:
        problems.append(f"{seen.commits} commits of {seen.requests} requests")
    if wanted.user == "bob" and call != "check_session" and not seen.untouched:
        problems.append("the stored record was touched")
    if wanted.takes_limit and not 0.9 * timeout < seen.seconds < timeout + 2:
        problems.append(f"took {seen.seconds:.2f} s instead of {timeout}")
    return problems


def _error_fields(error: CometChatException | None) -> dict[str, Any]:
    if error is None:
        return {"error": None}
    return {
        "error": type(error).__name__,
        "code": error.code,
        "reason": error.reason,
        "status": error.http_status,
        "retryable": error.retryable,
    }


def _wanted_error(wanted: Expected) -> dict[str, Any]:
    trouble = wanted.trouble
    if trouble is None:
        return {"error": None}
    return attrs.asdict(trouble, filter=lambda field, _: field.name != "retry_after")


def _fields(seen: Seen) -> dict[str, Any]:
    return {"requests": seen.requests, "user": seen.user, "events": seen.events}


def _wanted_fields(wanted: Expected) -> dict[str, Any]:
    return {"requests": wanted.requests, "user": wanted.user, "events": wanted.events}
