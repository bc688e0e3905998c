"""From a host's name to a connected socket, within a deadline, and how far an exchange has come."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

from . import _locks
from ._secrets import Secret
from ._waits import Deadline


class TransportError(Exception):
    """No answer.

    Attributes:
        kind: ``dns``, ``connect``, ``tls``, ``proxy``, ``lost``, ``not_http`` or ``timeout``.
        sent: Whether a byte of the request may have reached the server.
        root: The innermost error, which knows nothing of the request, or ``None``.
        proxy: Host and port of the proxy on the way, or ``""``.
    """

    def __init__(
        self, kind: str, *, sent: bool, root: BaseException | None = None, proxy: str = ""
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sent = sent
        self.root = root
        self.proxy = proxy


class Progress:
    """How far a thread's exchange has come.

    Args:
        deadline: Bounds it.
        secrets: What must not be readable in a log record.
    """

    def __init__(self, deadline: Deadline, secrets: Sequence[Secret] = ()) -> None:
        self.deadline = deadline
        self.secrets = secrets
        self.sent = False

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TransportError: If there are none.
        """
        if not (left := self.deadline.remaining()):
            raise TransportError("timeout", sent=self.sent)
        return left


# Digits and dots, or anything with a colon: no name server has to be asked.
_ADDRESS: Final = re.compile(r"[0-9.]+|[0-9A-Fa-f:.%]*:[0-9A-Fa-f:.%]*")


def resolve(host: str, port: int, progress: Progress) -> list[Any]:
    """Look the name up on a thread of its own: the system's resolver knows no time-out."""
    answers: list[list[Any] | Exception] = []
    answered = _locks.Flag()

    def look_up() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            answers.append(error)
        answered.set()

    if _ADDRESS.fullmatch(host):
        look_up()
    else:
        try:
            threading.Thread(target=look_up, name="cometchat-resolver", daemon=True).start()
        except RuntimeError as error:  # the interpreter is ending and refuses new threads
            _locks.raise_interrupt(error)
            look_up()
    if not answered.wait(progress.left()):
        raise TransportError("timeout", sent=False)
    found = answers[0]
    if isinstance(found, Exception):
        raise TransportError("dns", sent=False, root=found)
    return found


def first_that_answers(
    addresses: list[Any], options: Iterable[Any], progress: Progress
) -> socket.socket:
    """Return a socket that is connected to the first address that can be reached.

    Args:
        addresses: What `resolve` has found.
        options: What to set on the socket before.
        progress: Its time is shared out among the addresses.

    Raises:
        TransportError: If there is none.
    """
    problem: OSError | None = None
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            problem = error
            continue
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(progress.left() / (len(addresses) - number))
            sock.connect(address)
            sock.settimeout(progress.left())  # for the handshake that may follow
            return sock
        except OSError as error:
            problem = error
            sock.close()
        except BaseException:
            sock.close()
            raise
    is_timeout = isinstance(problem, TimeoutError)
    raise TransportError("timeout" if is_timeout else "connect", sent=False, root=problem)
