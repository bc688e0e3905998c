"""The emulated app as a WSGI application: HTTP in, a checked call, an envelope out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from . import _errors, _gate
from ._checks import MAX_BODY, parse_body
from ._routes import ROUTES, VERSIONS, Route
from ._service import Call, Service

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_DRAIN: Final = 64 * 1024  # bytes read at once of a body that is too long anyway

# Pages of any origin may call: the emulator listens on this machine only, and asks for a key.
_PREFLIGHT_SECONDS: Final = "600"


def build_app(service: Service) -> Flask:
    """Return the WSGI application that answers for an emulated app."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    # A redirect would be a guess: a path is known as it stands, or not at all.
    app.url_map.merge_slashes = False
    for number, route in enumerate(ROUTES):
        view = _view(service, route)
        for version in VERSIONS:
            app.add_url_rule(
                f"/{version}{route.path}",
                endpoint=f"call-{number}",
                view_func=view,
                methods=[route.method],
                provide_automatic_options=False,
            )
    app.before_request(_before)
    app.after_request(_after)
    app.after_request(partial(_tell_rate, service))
    app.register_error_handler(_errors.ServiceError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(Exception, _fail)
    return app


def _view(service: Service, route: Route) -> Callable[..., Response]:
    """Return the Flask view of one call: checks in the service's order, then the handler."""

    def view(uid: str = "", token: str = "") -> Response:
        _gate.check_app(service, request.headers)
        session = _gate.check_credential(service, route.credential, request.headers)
        _count(service)
        # A body makes no difference to a GET, whatever is in it.
        body = {} if route.method == "GET" else parse_body(g.body)
        call = Call(
            uid=uid,
            token=token or session,
            query=request.args,
            body=body,
            host=request.host,
            on_behalf_of=request.headers.get("onBehalfOf", "").strip(),
        )
        return _answer(200, route.handler(service, call))

    return view


def _count(service: Service) -> None:
    """Count the request, and refuse one too many."""
    if service.rate is not None:
        g.allowance = service.rate.spend()
        if g.allowance.exceeded:
            raise _errors.too_many_requests(g.allowance.wait)


def _before() -> Response | None:
    # The body is read before anything is refused: what is left of it on a connection that is
    # kept alive would be taken for the next request.
    g.body = _read_body()
    if request.method == "OPTIONS":
        return Response(status=204)
    _gate.check_path(request.path)
    return None


def _read_body() -> bytes:
    kept = b""
    while chunk := request.stream.read(_DRAIN):
        kept = (kept + chunk)[: MAX_BODY + 1]
    return kept


def _after(response: Response) -> Response:
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        asked = request.headers.get("Access-Control-Request-Headers", "*")
        headers["Access-Control-Allow-Headers"] = asked
        headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE"
        headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    # The path may hold an auth token; the rule that it matched does not.
    rule = request.url_rule.rule if request.url_rule else "(unknown path)"
    _LOGGER.debug("%s %s -> %d", request.method, rule, response.status_code)
    return response


def _tell_rate(service: Service, response: Response) -> Response:
    """Say what is left of the rate limit, also where the request came too little far to count."""
    if service.rate is not None and request.method != "OPTIONS":
        allowance = g.get("allowance") or service.rate.look()
        response.headers.update(service.rate.headers(allowance))
    return response


def _refuse(error: _errors.ServiceError) -> Response:
    return _answer(error.status, error.envelope())


def _refuse_http(error: HTTPException) -> Response:
    """Answer what Flask refuses before any view is reached."""
    if isinstance(error, (NotFound, MethodNotAllowed, RequestRedirect)):
        return _refuse(_gate.unknown_path(request.path))
    return _refuse(_errors.unusable_body("The request cannot be read."))


def _fail(error: Exception) -> Response:
    _LOGGER.error("The emulator failed on a request.", exc_info=error)
    return _refuse(_errors.exception())


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status=status, mimetype="application/json")
