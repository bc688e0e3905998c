"""The emulated app's description of itself, in OpenAPI 3.0.

Which calls there are, and what each must be made with, is taken from the table of routes; what
they take and answer is written down in the two modules beside this one. Faults that were asked
for are not described: they may answer anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ._openapi_calls import OPERATIONS, Operation
from ._openapi_schemas import BODY_LIMIT, HEADER, SCHEMAS, TEXT, Schema, error, parameter, ref
from ._routes import ROUTES, VERSIONS, Credential, Route

_JSON: Final = "application/json"
_DESCRIPTION: Final = """\
CometChat's users and logins, as an emulator on this machine imitates them.

Every answer is JSON; a refusal has the form of the schema `Error`. Fields and parameters that are
not named here are ignored. Which app a request is for is told by the key or the auth token."""

_APP_CODES: Final = ("AUTH_ERR_EMPTY_APPID", "AUTH_ERR_INVALID_APPID")
_KEY_CODES: Final = ("AUTH_ERR_EMPTY_APIKEY", "AUTH_ERR_APIKEY_NOT_FOUND")
_SESSION_CODES: Final = ("AUTH_ERR_EMPTY_AUTH_TOKEN", "AUTH_ERR_AUTH_TOKEN_NOT_FOUND")

# The names that the table of routes gives to parts of a path, where the service's differ.
_PATH_NAMES: Final = {"token": "authToken", "key": "apiKey"}
_RETRY_AFTER: Final = {
    "required": True,
    "description": "Seconds until the next minute begins.",
    "schema": {"type": "integer", "minimum": 0},
}
_SECURITY: Final[Mapping[str, Schema]] = {
    "apikey": {"type": "apiKey", "in": "header", "name": "apikey"},
    "authToken": {"type": "apiKey", "in": "header", "name": "authToken"},
}


def describe() -> dict[str, Any]:
    """Return the description, as an object made anew.

    Raises:
        LookupError: A route has a handler of which ``OPERATIONS`` says nothing.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        path = _template(route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.0.3",
        "info": {"title": "CometChat emulator", "version": "3", "description": _DESCRIPTION},
        "servers": [{"url": f"/{version}"} for version in VERSIONS],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": _SECURITY},
    }


def _template(path: str) -> str:
    """Return a path of the table of routes as OpenAPI writes it."""
    return re.sub(r"<(\w+)>", lambda found: f"{{{_path_name(found[1])}}}", path)


def _path_name(name: str) -> str:
    return _PATH_NAMES.get(name, name)


def _operation(route: Route) -> dict[str, Any]:
    name = route.handler.__name__
    operation = OPERATIONS[name]
    session = route.credential is Credential.SESSION
    described: dict[str, Any] = {
        "operationId": name,
        "summary": operation.summary,
        "description": f"Asks for {route.credential.value}.",
        "tags": [_tag(route.path)],
        "security": [{"authToken" if session else "apikey": []}],
        "parameters": list(_parameters(route, operation)),
        "responses": _responses(route, operation),
    }
    if operation.body:
        described["requestBody"] = _body(operation)
    return described


def _tag(path: str) -> str:
    """Return the kind of thing that a path is about: the last of its fixed parts."""
    return [part for part in path.split("/") if part and not part.startswith("<")][-1]


def _parameters(route: Route, operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"<(\w+)>", route.path):
        yield {"name": _path_name(name), "in": "path", "required": True, "schema": TEXT}
    for name, schema in operation.query.items():
        yield _query_parameter(name, schema)
    for name in ("appId", "onBehalfOf") if operation.on_behalf_of else ("appId",):
        yield {"name": name, "in": "header", "required": False, "schema": HEADER}


def _query_parameter(name: str, schema: Schema) -> dict[str, Any]:
    """Return a parameter of the query string; one without a value counts as absent."""
    form = {"style": "form", "explode": False} if schema["type"] == "array" else {}
    return {"name": name, "in": "query", "required": False, **form, "schema": parameter(schema)}


def _body(operation: Operation) -> dict[str, Any]:
    return {
        "required": operation.body_required,
        "description": f"At most {BODY_LIMIT} bytes.",
        "content": {_JSON: {"schema": ref(operation.body)}},
    }


def _responses(route: Route, operation: Operation) -> dict[str, Any]:
    answers = {"200": _response("Done.", operation.answer)}
    for status, codes in sorted(_refusals(route, operation).items()):
        answers[str(status)] = _response(f"{' or '.join(sorted(codes))}.", error(codes))
    answers["429"]["headers"] = {"Retry-After": _RETRY_AFTER}
    return answers


def _refusals(route: Route, operation: Operation) -> dict[int, set[str]]:
    """Return the codes with which a call may be refused, by their status."""
    credential = _SESSION_CODES if route.credential is Credential.SESSION else _KEY_CODES
    codes = {status: set(some) for status, some in operation.errors.items()}
    codes[401] = {*_APP_CODES, *credential}
    codes[429] = {"ERR_TOO_MANY_REQUESTS"}
    if route.method != "GET" or operation.query:
        codes.setdefault(400, set()).add("ERR_BAD_REQUEST")
    if route.credential in {Credential.FULL_ACCESS_KEY, Credential.ANY_KEY_UNLESS_STRICT}:
        codes.setdefault(403, set()).add("AUTH_ERR_NO_ACCESS")
    if "<" in route.path:  # what is filled in may make it another path
        codes.setdefault(404, set()).add("ERR_API_NOT_FOUND")
    return codes


def _response(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}
