"""The dashboard: what the emulator knows and was asked, for people, as pages of a web site.

Pages are made on the server and work without a script; every change is a form that is posted and
answered with the page to see next. Nothing is loaded from anywhere else.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException, InternalServerError, default_exceptions
from werkzeug.wrappers import Response as AnyResponse

from . import (
    _dashboard_app,
    _dashboard_faults,
    _dashboard_guard,
    _dashboard_log,
    _dashboard_site,
    _dashboard_users,
)
from ._dashboard_site import Answer, Emulated, Site, is_web_link
from ._errors import ServiceError

_LOGGER: Final = logging.getLogger("cometchat_auth.emulator")

_MAX_FORM: Final = 256 * 1024  # bytes; a user's longest fields fit many times


_FIRST_ERROR: Final = 400  # statuses below are no errors

_WITHOUT_APP: Final = frozenset({"static", "home"})  # pages that are about no app in particular

_PAGES: Final = (
    *_dashboard_users.PAGES,
    *_dashboard_app.PAGES,
    *_dashboard_log.PAGES,
    *_dashboard_faults.PAGES,
)

# No script and no style but the dashboard's own files, no frame around it, nothing from elsewhere.
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not "no-referrer": browsers would then say "Origin: null" about the dashboard's own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def build_dashboard(emulator: Emulated) -> Flask:
    """Return the WSGI application of the dashboard: ``/`` and everything below ``/dashboard``.

    Args:
        emulator: The emulator.
    """
    site = Site(emulator)
    app = Flask(__name__, static_folder="static", static_url_path="/dashboard/static")
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = _MAX_FORM
    app.jinja_env.filters.update(_dashboard_site.FILTERS)
    app.jinja_env.filters.update(_dashboard_faults.FILTERS)
    app.jinja_env.tests["web_link"] = is_web_link
    app.jinja_env.globals["site"] = site
    app.before_request(partial(_check, site))
    app.after_request(_finish)
    app.url_defaults(_keep_app)
    app.register_error_handler(HTTPException, _explain)
    app.register_error_handler(ServiceError, _explain_refusal)
    app.register_error_handler(Exception, _fail)
    _add_pages(app, site)
    return app


def _add_pages(app: Flask, site: Site) -> None:
    for path in ("/", "/dashboard", "/dashboard/"):
        app.add_url_rule(path, endpoint="home", view_func=_home)
    for page in _PAGES:
        app.add_url_rule(
            page.path,
            endpoint=page.view.__name__,
            view_func=partial(page.view, site),
            methods=[page.method],
            provide_automatic_options=False,
        )


def _home() -> Answer:
    return redirect(url_for("users"))


def _check(site: Site) -> None:
    """Refuse a request that does not come from the dashboard's own pages on this machine."""
    headers, own_hosts = request.headers, {urlsplit(site.emulator.url).hostname or ""}
    problem = (
        _dashboard_guard.wrong_peer(request.remote_addr or "", own_hosts)
        or _dashboard_guard.wrong_host(headers.get("Host", ""), own_hosts)
        or _dashboard_guard.wrong_origin(request.method, headers, request.host_url[:-1])
    )
    if problem is None and request.method == "POST":
        problem = _dashboard_guard.wrong_token(request.form.get("token", ""), site.token)
    if problem is not None:
        abort(403, problem)


def _finish(response: Response) -> Response:
    _dashboard_guard.drain(request.environ["wsgi.input"])
    response.headers.update(_HEADERS)
    return response


def _keep_app(endpoint: str, values: dict[str, Any]) -> None:
    """Have every link lead to a page about the app that this page is about."""
    if endpoint not in _WITHOUT_APP and "app" in request.args:
        values.setdefault("app", request.args["app"])


def _explain(error: HTTPException) -> AnyResponse:
    """Answer with a page that says what is wrong with the request."""
    response: Any = error.get_response()
    if response.status_code >= _FIRST_ERROR:
        response.set_data(render_template("error.html", error=error))
        response.mimetype = "text/html"
    return response  # type: ignore[no-any-return]


def _explain_refusal(error: ServiceError) -> AnyResponse:
    """Answer where something was changed or deleted by another while a page was shown."""
    kind = default_exceptions.get(error.status, InternalServerError)
    return _explain(kind(error.message))


def _fail(error: Exception) -> AnyResponse:
    _LOGGER.error("The dashboard failed on a request.", exc_info=error)
    return _explain(
        InternalServerError(
            "The dashboard failed on this request. "
            "The logger cometchat_auth.emulator has what happened."
        )
    )
