"""What a request is to the faults and to the log: its call, its path, whom it names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from attrs import field, frozen

from ._routes import ROUTES, VERSIONS, Route

_CREATE: Final = "create_user"  # the one call that names its user in the body

_PLACE: Final = re.compile(r"<(\w+)>|\{\w+\}|\*\Z")


@frozen
class Sighting:
    """A request as the faults see it.

    Attributes:
        method: Its method.
        path: Its path below the version: ``/users/alice`` for ``/v3.0/users/alice``.
        app_id: App that it is for.
        call: Name of the call; ``None`` if no call has this method and path.
        uid: User that it names, in lower case; ``None`` if it names none.
    """

    method: str
    path: str = field(repr=False)  # it may hold a token
    app_id: str
    call: str | None = None
    uid: str | None = None


def call_name(route: Route) -> str:
    """Return the name of a call, which is that of its handler."""
    return route.handler.__name__


CALLS: Final = tuple(sorted({call_name(route) for route in ROUTES}))


@lru_cache(maxsize=256)
def path_pattern(path: str) -> re.Pattern[str]:
    """Return what a path pattern matches.

    ``{anything}`` stands for one segment of the path, and a ``*`` at its end for all the rest.
    """
    parts, end = [], 0
    for place in _PLACE.finditer(path):
        parts += [re.escape(path[end : place.start()]), _any(place)]
        end = place.end()
    return re.compile("".join([*parts, re.escape(path[end:])]), re.DOTALL)


def _any(place: re.Match[str]) -> str:
    if place.group() == "*":
        return ".*"
    return f"(?P<{place.group(1)}>[^/]+)" if place.group(1) else "[^/]+"


_KNOWN: Final = {
    method: [(path_pattern(r.path), call_name(r)) for r in ROUTES if r.method == method]
    for method in {route.method for route in ROUTES}
}


def sight(environ: Mapping[str, Any], path: str, body: bytes, app_id: str) -> Sighting:
    """Return what a request is to the faults.

    Args:
        environ: The WSGI environment.
        path: The path, decoded.
        body: The body.
        app_id: App that the request is for.
    """
    method = environ["REQUEST_METHOD"]
    version, _, rest = path[1:].partition("/")
    below = f"/{rest}" if version in VERSIONS else path
    for pattern, call in _KNOWN.get(method, ()):
        if match := pattern.fullmatch(below):
            named = match.groupdict().get("uid") or _named(environ, call, body)
            return Sighting(method, below, app_id, call, named.lower() if named else None)
    return Sighting(method, below, app_id)


def _named(environ: Mapping[str, Any], call: str, body: bytes) -> str | None:
    """Return whom a request names elsewhere than in its path."""
    if call == _CREATE:
        return _uid_in(body)
    # A token begins with its user's uid, so that nothing has to be looked up.
    return environ.get("HTTP_AUTHTOKEN", "").strip().rpartition("_")[0] or None


def _uid_in(body: bytes) -> str | None:
    try:
        uid = json.loads(body)["uid"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return uid if isinstance(uid, str) else None
