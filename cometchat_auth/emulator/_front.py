"""The front door: who answers a request, told by its path."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from ._faults_answers import Application

_CONTROL: Final = "/_emulator"
_DASHBOARD: Final = "/dashboard"


class Front:
    """The WSGI application of an emulator.

    Faults and the log are those of the service alone: neither the control API nor the dashboard
    is ever faulty, so that faults can always be switched off.

    Args:
        service: Answers everything but what the others answer.
        control: Makes what answers below ``/_emulator``, once it is needed.
        dashboard: Makes what answers ``/`` and below ``/dashboard``, once it is needed.
    """

    def __init__(
        self,
        service: Application,
        control: Callable[[], Application],
        dashboard: Callable[[], Application],
    ) -> None:
        self._service = service
        self._control = _Late(control)
        self._dashboard = _Late(dashboard)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        return self._whose(environ["PATH_INFO"])(environ, start_response)

    def _whose(self, path: str) -> Application:
        if path == "/" or _is_below(path, _DASHBOARD):
            return self._dashboard
        return self._control if _is_below(path, _CONTROL) else self._service


class _Late:
    """An application that is made with its first request: most emulators never get one."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made(environ, start_response)


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top}/")
