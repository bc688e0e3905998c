"""What Schemathesis has to know of the emulator: a way in, and things that exist.

Schemathesis loads this module when it is named in ``SCHEMATHESIS_HOOKS``. It asks the emulator at
``EMULATOR_URL`` for what it needs, with the REST API key in ``EMULATOR_KEY``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any, Final

import requests
import schemathesis
from schemathesis import AuthContext, Case, HookContext

BASE: Final = f"{os.environ['EMULATOR_URL']}/v3"
KEY: Final = os.environ["EMULATOR_KEY"]
UIDS: Final = tuple(f"cometchat-uid-{number}" for number in range(1, 6))
ROLE: Final = "default"
ROOM: Final = 20  # keys, or roles, above which some are deleted; the service allows 25
TIME_LIMIT: Final = 30  # seconds

_RUN: Final = os.getpid()  # so that a second run on the same emulator makes other users
_count = itertools.count()
_session = requests.Session()
_session.headers["apikey"] = KEY


def _do(method: str, path: str, body: Any = None) -> Any:
    return _session.request(method, BASE + path, json=body, timeout=TIME_LIMIT).json()


def _uid() -> str:
    """Return the uid of a user who exists and is active."""
    uid = UIDS[next(_count) % len(UIDS)]
    _do("PUT", "/users", {"uidsToActivate": [uid]})
    _do("POST", "/users", {"uid": uid, "name": uid})
    return uid


def _token(uid: str) -> str:
    """Return a new auth token of a user."""
    return str(_do("POST", f"/users/{uid}/auth_tokens")["data"]["authToken"])


def _make_room(path: str, name: str, kept: str) -> None:
    """Delete what there is too much of for another one."""
    things = [thing[name] for thing in _do("GET", path)["data"]]
    for thing in things if len(things) > ROOM else ():
        if thing != kept:
            _do("DELETE", f"{path}/{thing}")


def _key() -> str:
    """Return a key other than the one that the calls are made with."""
    _make_room("/apikeys", "apiKey", KEY)
    return str(_do("POST", "/apikeys", {"name": "of the hooks"})["data"]["apiKey"])


def _role() -> str:
    """Return a role that can be deleted, or the one that cannot."""
    _make_room("/roles", "role", ROLE)
    role = f"role-{_RUN}-{next(_count)}"
    _do("POST", "/roles", {"role": role, "name": role})
    return role if next(_count) % 4 else ROLE


_EXISTING: Final[dict[str, Callable[[], str]]] = {"uid": _uid, "apiKey": _key, "role": _role}


@schemathesis.auth(refresh_interval=None)
class Credentials:
    """The key, and for the client API a session of its own for each request."""

    def get(self, case: Case[Any], context: AuthContext) -> str:  # noqa: ARG002
        """Return a new auth token where the call asks for one."""
        return _token(_uid()) if case.path == "/me" else ""

    def set(self, case: Case[Any], data: str, context: AuthContext) -> None:  # noqa: ARG002
        """Put the credential into the request."""
        case.headers["authToken" if data else "apikey"] = data or KEY


@schemathesis.hook
def map_headers(context: HookContext, headers: Any) -> Any:  # noqa: ARG001
    """Name no other app in most requests: they would all be refused for that."""
    if headers and next(_count) % 8:
        headers.pop("appId", None)
    return headers


@schemathesis.hook
def map_path_parameters(context: HookContext, path_parameters: Any) -> Any:  # noqa: ARG001
    """Name something that exists in most requests."""
    if path_parameters and next(_count) % 4:
        for name in path_parameters.keys() & _EXISTING.keys():
            path_parameters[name] = _EXISTING[name]()
        if "authToken" in path_parameters:
            # The uid may come from an earlier answer, and be filled in later.
            path_parameters["authToken"] = _token(path_parameters.get("uid") or _uid())
    return path_parameters


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """Give what is made an id that is free, and room; and users a role that exists."""
    body: Any = case.body
    if not isinstance(body, dict):
        return
    made = "role" if case.path == "/roles" else "uid"
    if isinstance(body.get(made), str) and 0 < len(body[made]) < 80:
        body[made] += f"-{_RUN}-{next(_count)}"
    if case.path == "/roles":
        _make_room("/roles", "role", ROLE)
    elif case.path == "/apikeys":
        _make_room("/apikeys", "apiKey", KEY)
    elif isinstance(body.get("role"), str) and body["role"].strip():
        body["role"] = ROLE
