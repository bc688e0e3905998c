"""The control API: an emulator's faults, its log and its data over HTTP, below ``/_emulator``.

For tests that are not written in Python, and for scripts. It asks for no key, as it is there to
this machine only: it answers to loopback addresses, under loopback names or the name that the
emulator listens on, and to no page of another origin.

============================  ==================================================================
``GET /status``               ``{"version", "url", "apps": [{"app_id"}], "faults", "requests"}``
``GET /faults``               ``{"faults": [...]}``, in the order in which they are tried
``POST /faults``              a fault, its fields named as those of `Fault`; ``{"fault": {...}}``
``GET /faults/<id>``          ``{"fault": {"id", "matched", "hits", "spent", ...}}``
``DELETE /faults/<id>``       ``{"removed": 1}``
``DELETE /faults``            ``{"removed": n}``
``GET /requests?since=n``     ``{"requests": [...], "last": n}``: those after number ``n``
``DELETE /requests``          ``{"removed": n}``
``POST /reset``               ``{"reset": true}``: as new, without faults and with an empty log
``GET /export``               what all apps know, in the form that seeds an emulator; with
                              ``?secrets=true`` their keys and auth tokens as well
============================  ==================================================================

What is refused is answered ``{"error": {"code", "message"}}``, with 400 for what cannot be used,
403 for who may not ask, 404 and 405 for what does not exist.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from attrs import frozen
from flask import Flask, Response, abort, request
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import HTTPException

from . import _dashboard_guard as _guard
from ._faults_list import Faults
from ._faults_wire import fault_from_wire, fault_to_wire
from ._log import RequestLog

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_MAX_BODY: Final = 16 * 1024 * 1024  # bytes; the body of a fault may be meant to be too long
_PREFIX: Final = "/_emulator"
_UNKNOWN: Final = frozenset({404, 405})


class Controlled(Protocol):
    """An emulator, as far as the control API needs it."""

    @property
    def url(self) -> str:
        """Return the base of all URLs."""

    @property
    def apps(self) -> Mapping[str, Any]:
        """Return the apps by their ids."""

    @property
    def faults(self) -> Faults:
        """Return the faults."""

    @property
    def requests(self) -> RequestLog:
        """Return the request log."""

    def export(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return what all apps know."""

    def reset(self) -> None:
        """Go back to what there was when the emulator was made."""


def build_control(emulator: Controlled) -> Flask:
    """Return the WSGI application of the control API."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for number, call in enumerate(_CALLS):
        app.add_url_rule(
            _PREFIX + call.path,
            endpoint=f"call-{number}",
            view_func=partial(call.handler, emulator),
            methods=[call.method],
            provide_automatic_options=False,
        )
    app.before_request(partial(_check, emulator))
    app.after_request(_harden)
    app.register_error_handler(HTTPException, _refuse)
    app.register_error_handler(Exception, _fail)
    return app


def _status(emulator: Controlled) -> dict[str, Any]:
    return {
        "version": _version(),
        "url": emulator.url,
        "apps": [{"app_id": app_id} for app_id in emulator.apps],
        "faults": len(emulator.faults),
        "requests": len(emulator.requests),
    }


def _version() -> str:
    try:
        return importlib.metadata.version("cometchat-auth")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"  # a frozen program, or a copy of the source


def _list_faults(emulator: Controlled) -> dict[str, Any]:
    return {"faults": [fault_to_wire(active) for active in emulator.faults]}


def _add_fault(emulator: Controlled) -> dict[str, Any]:
    try:
        number = emulator.faults.add(fault_from_wire(_body()))
    except (TypeError, ValueError) as error:
        abort(400, str(error))
    return _get_fault(emulator, number)


def _get_fault(emulator: Controlled, number: int) -> dict[str, Any]:
    try:
        return {"fault": fault_to_wire(emulator.faults.get(number))}
    except LookupError as error:
        abort(404, str(error.args[0]))


def _remove_fault(emulator: Controlled, number: int) -> dict[str, Any]:
    try:
        emulator.faults.remove(number)
    except LookupError as error:
        abort(404, str(error.args[0]))
    return {"removed": 1}


def _clear_faults(emulator: Controlled) -> dict[str, Any]:
    removed = len(emulator.faults)
    emulator.faults.clear()
    return {"removed": removed}


def _list_requests(emulator: Controlled) -> dict[str, Any]:
    since = _number(request.args.get("since", "0"))
    found = emulator.requests.since(since)
    last = found[-1].number if found else emulator.requests.last_number
    return {"requests": [entry.to_wire() for entry in found], "last": last}


def _clear_requests(emulator: Controlled) -> dict[str, Any]:
    removed = len(emulator.requests)
    emulator.requests.clear()
    return {"removed": removed}


def _reset(emulator: Controlled) -> dict[str, Any]:
    emulator.reset()
    return {"reset": True}


def _export(emulator: Controlled) -> dict[str, Any]:
    secrets = request.args.get("secrets", "false")
    if secrets not in {"true", "false"}:
        abort(400, "secrets must be true or false.")
    return emulator.export(secrets=secrets == "true")


@frozen
class _Call:
    """One call: its method, its path below the prefix, what answers it."""

    method: str
    path: str
    handler: Callable[..., dict[str, Any]]


_CALLS: Final = (
    _Call("GET", "/status", _status),
    _Call("GET", "/faults", _list_faults),
    _Call("POST", "/faults", _add_fault),
    _Call("DELETE", "/faults", _clear_faults),
    _Call("GET", "/faults/<int:number>", _get_fault),
    _Call("DELETE", "/faults/<int:number>", _remove_fault),
    _Call("GET", "/requests", _list_requests),
    _Call("DELETE", "/requests", _clear_requests),
    _Call("POST", "/reset", _reset),
    _Call("GET", "/export", _export),
)


def _check(emulator: Controlled) -> None:
    """Refuse a request that does not come from this machine, or from a page of another origin."""
    own: Collection[str] = {urlsplit(emulator.url).hostname or ""}
    headers = EnvironHeaders(request.environ)
    problem = (
        _guard.wrong_peer(request.remote_addr or "", own)
        or _guard.wrong_host(headers.get("Host", ""), own)
        or _guard.wrong_origin(request.method, headers, request.host_url[:-1])
    )
    if problem is not None:
        abort(403, problem)


def _harden(response: Response) -> Response:
    _guard.drain(request.environ["wsgi.input"])
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _body() -> Any:
    """Return the parsed body of a request.

    Raises:
        BadRequest: It is not JSON.
    """
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(400, "The body is not valid JSON.")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        abort(400, "since must be a whole number, 0 or more.")
    return int(text)


def _refuse(error: HTTPException) -> Response:
    message = error.description or error.name
    if message == type(error).description and error.code in _UNKNOWN:
        # Flask's own sentence is for a person with a browser.
        message = f"The control API has no {request.method} {request.path}."
    return _answer(error.code or 500, error.name, message)


def _fail(error: Exception) -> Response:
    _LOGGER.error("The emulator failed on a request of its control API.", exc_info=error)
    return _answer(500, "internal", "The emulator failed on this request; its log says where.")


def _answer(status: int, name: str, message: str) -> Response:
    code = name.lower().replace(" ", "_")
    text = json.dumps({"error": {"code": code, "message": message}})
    return Response(text, status=status, mimetype="application/json")
