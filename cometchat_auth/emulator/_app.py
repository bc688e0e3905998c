"""The emulated app as a WSGI application: HTTP in, a checked call, an envelope out."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from . import _admin_errors, _errors, _gate, _openapi
from ._apps import Apps
from ._checks import parse_body
from ._routes import ROUTES, VERSIONS, Credential, Route
from ._service import Call, Service

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_APPS: Final = "cometchat_auth.apps"  # where a request's environment has them

# Pages of any origin may call: the emulator listens on this machine only, and asks for a key.
_PREFLIGHT_SECONDS: Final = "600"


def build_app(apps: Apps) -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that answers for the emulated apps.

    It reads a body only where a call has one: the rest must not stand on the connection any more.
    """

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[_APPS] = apps
        return _flask()(environ, start_response)

    return application


@cache
def _flask() -> Flask:
    """Return the routes and what answers them, for the apps of any emulator.

    They are made once: making them takes ten times as long as all else that an emulator needs.
    """
    app = Flask(__name__, static_folder=None, template_folder=None)
    # A redirect would be a guess: a path is known as it stands, or not at all.
    app.url_map.merge_slashes = False
    for number, route in enumerate(ROUTES):
        view = partial(_view, route)
        for version in VERSIONS:
            app.add_url_rule(
                f"/{version}{route.path}",
                endpoint=f"call-{number}",
                view_func=view,
                methods=[route.method],
                provide_automatic_options=False,
            )
    _openapi.add_to(app)
    app.before_request(_before)
    app.after_request(_after)
    app.register_error_handler(_errors.ServiceError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.register_error_handler(sqlite3.Error, _fail_to_keep)
    app.register_error_handler(Exception, _fail)
    return app


def _apps() -> Apps:
    apps: Apps = request.environ[_APPS]
    return apps


def _view(route: Route, **path: str) -> Response:
    """Answer one call: checks in the service's order, then the handler."""
    environ = request.environ
    apps: Apps = environ[_APPS]
    service = g.service = _gate.find_app(apps, route.credential, environ)
    credential = _gate.check_credential(apps, service, route.credential, environ)
    _count(service)
    # A body makes no difference to a GET, whatever is in it.
    body = {} if route.method == "GET" else parse_body(environ["wsgi.input"].read())
    return _answer(200, route.handler(service, _call(route, path, credential, body)))


def _call(route: Route, path: dict[str, str], credential: str, body: dict[str, Any]) -> Call:
    is_session = route.credential is Credential.SESSION
    return Call(
        **{"token": credential if is_session else "", **path},
        own_key="" if is_session else credential,
        query=request.args,
        body=body,
        host=request.host,
        on_behalf_of=request.headers.get("onBehalfOf", "").strip(),
    )


def _count(service: Service) -> None:
    """Count the request, and refuse one too many."""
    if service.rate is not None:
        g.allowance = service.rate.spend()
        if g.allowance.exceeded:
            raise _errors.too_many_requests(g.allowance.wait)


def _before() -> Response | None:
    if request.method == "OPTIONS":
        return Response(status=204)
    _gate.check_path(request.path)
    return None


def _after(response: Response) -> Response:
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        asked = request.headers.get("Access-Control-Request-Headers", "*")
        headers["Access-Control-Allow-Headers"] = asked
        headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE"
        headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    else:
        _tell_rate(response)
    if _LOGGER.isEnabledFor(logging.DEBUG):
        # The path may hold an auth token; the rule that it matched does not.
        rule = request.url_rule.rule if request.url_rule else "(unknown path)"
        _LOGGER.debug("%s %s -> %d", request.method, rule, response.status_code)
    return response


def _tell_rate(response: Response) -> None:
    """Say what is left of the rate limit, also where the request came too little far to count."""
    service: Service = g.get("service") or _apps().first
    if service.rate is not None:
        allowance = g.get("allowance") or service.rate.look()
        response.headers.update(service.rate.headers(allowance))


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


def _fail_to_keep(error: sqlite3.Error) -> Response:
    _LOGGER.error("The emulator's database failed on a request.", exc_info=error)
    return _refuse(_admin_errors.operation_failed())


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status=status, mimetype="application/json")
