"""A guard for tests: while it is up, nothing in the process reaches another host.

It listens to what Python itself reports of every connection and look-up, its audit events, so that
nothing has to be replaced and put back, and no name that was imported earlier goes around it. What
a test starts as another program is not guarded, nor libraries whose network code is in C.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final

import attrs

_LOOKUPS: Final = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"},
)
_CONNECTIONS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_EVENTS: Final = _LOOKUPS | _CONNECTIONS

_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})
_THIS_MACHINE: Final = frozenset({"", "localhost", "0.0.0.0", "::"})  # noqa: S104 - looked up here

# An audit hook stays for good: there is one, which asks the innermost of these.
_up: list[Guard] = []
_lock: Final = threading.Lock()


@attrs.frozen
class Attempt:
    """What was tried while a guard was up.

    Attributes:
        host: Name or address of the other host.
        port: Port, where one was named.
        who: What the guard was up for, e.g. a test's id.
    """

    host: str
    port: int | None
    who: str

    def __str__(self) -> str:
        port = "" if self.port is None else f" (port {self.port})"
        return (
            f"{self.who} tried to reach {self.host}{port}: while the guard is up, only this "
            "machine may be reached. Give the code the emulator's URL, e.g. "
            "AppSettings.for_emulator(...), or allow the host if the test needs it."
        )


class ForeignHostError(AssertionError):
    """Code under test tried to reach another host; the message names it.

    It is an `AssertionError` and not an `OSError`, so that no code takes it for a network that is
    down, and waits, or tries again.
    """


class Guard:
    """Lets nothing in this process, on any thread, reach another host while it is up.

    It is a context manager. An attempt raises `ForeignHostError` where it is made; leaving the
    ``with`` block raises it again, in case it was swallowed or made on another thread. Of several
    that are up, the one put up last decides.

    Args:
        who: What it is up for: the subject of the messages.
        allow: Names and addresses of other hosts that may be reached, e.g. a test's database.
        on_attempt: Called with each attempt, on the thread that made it.
    """

    def __init__(
        self,
        who: str = "A test",
        allow: Iterable[str] = (),
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> None:
        self._who = who
        self._allowed = frozenset(map(_bare, allow))
        self._on_attempt = on_attempt
        self._addresses: frozenset[str] | None = None
        self._attempts: list[Attempt] = []

    def __repr__(self) -> str:
        return f"<Guard {self._who!r} {'up' if self in _up else 'down'}>"

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Return what was tried, oldest first."""
        return tuple(self._attempts)

    def forget(self) -> None:
        """Forget what was tried so far, in a test that expects it."""
        self._attempts.clear()

    def check(self) -> None:
        """Raise if anything was tried, and forget it.

        Raises:
            ForeignHostError: Something was tried.
        """
        attempts, self._attempts = self._attempts, []
        if attempts:
            raise ForeignHostError("\n".join(dict.fromkeys(map(str, attempts))))

    def __enter__(self) -> Guard:
        _hook()
        with _lock:
            _up.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _lock:
            _up.remove(self)
        # Whatever else went wrong may have come of it; but an interruption goes on.
        if error is None or (
            isinstance(error, Exception) and not isinstance(error, ForeignHostError)
        ):
            self.check()

    def judge(self, host: str, port: int | None, *, looked_up: bool) -> None:
        """Let a look-up or a connection be, or refuse it.

        Args:
            host: Name or address, as it was given.
            port: Port, where one was given.
            looked_up: Whether it was only looked up, not connected to.

        Raises:
            ForeignHostError: It is another host's.
        """
        __tracebackhide__ = True  # by pytest: the line that matters is the test's
        name = _bare(host)
        if _is_this_machine(name) or name in self._allowed:
            return
        if looked_up and name == _bare(socket.gethostname()):
            return
        if not looked_up and name in self._allowed_addresses():
            return
        attempt = Attempt(host, port, self._who)
        self._attempts.append(attempt)
        if self._on_attempt is not None:
            self._on_attempt(attempt)
        raise ForeignHostError(str(attempt))

    def _allowed_addresses(self) -> frozenset[str]:
        """Return the addresses of the allowed hosts, looked up when first needed."""
        if self._addresses is None:
            self._addresses = frozenset(
                _bare(str(found[4][0])) for name in self._allowed for found in _found(name)
            )
        return self._addresses


def no_network(allow: Iterable[str] = (), *, who: str = "The test") -> Guard:
    """Return a guard for a ``with`` block in which nothing may reach another host.

    For example::

        with no_network():
            run_the_program()

    Args:
        allow: Names and addresses of other hosts that may be reached.
        who: The subject of the messages.
    """
    return Guard(who, allow)


@functools.cache
def _hook() -> None:
    sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """Have the guard that was put up last judge an event; called by Python for every event."""
    __tracebackhide__ = True
    if not _up or event not in _EVENTS:
        return
    guards = _up[-1:]  # another thread may be taking it down
    if guards and (place := _place(event, arguments)) is not None:
        guards[0].judge(*place, looked_up=event in _LOOKUPS)


def _place(event: str, arguments: tuple[Any, ...]) -> tuple[str, int | None] | None:
    """Return the host and port that an event is about, or ``None`` if it is about no host."""
    if event in _LOOKUPS:
        return _text(arguments[0]), _port(arguments[1:2])
    connection, address = arguments
    if connection.family not in _INTERNET or not isinstance(address, tuple) or not address:
        return None
    return _text(address[0]), _port(address[1:2])


def _text(host: object) -> str:
    if isinstance(host, (bytes, bytearray)):
        return host.decode("ascii", "replace")
    return "" if host is None else str(host)


def _port(rest: tuple[Any, ...]) -> int | None:
    return rest[0] if rest and isinstance(rest[0], int) else None


def _bare(host: str) -> str:
    """Return a name or an address in the one way in which it is compared."""
    return host.strip("[]").partition("%")[0].rstrip(".").lower()


def _is_this_machine(name: str) -> bool:
    if name in _THIS_MACHINE or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None)
    return (inner or address).is_loopback


def _found(name: str) -> list[Any]:
    try:
        return socket.getaddrinfo(name, None)
    except OSError:
        return []
