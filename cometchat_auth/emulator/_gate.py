"""Who may come in: the checks that a request must pass before its handler sees it.

Their order is part of what is imitated: path, app, key present, key known, key's scope, and then
the rate limit. That a wrong key is told before a wrong uid was observed; the rest of the order is
assumed.
"""

from __future__ import annotations

import re
from typing import Final

from werkzeug.datastructures import Headers

from . import _errors
from ._routes import VERSIONS, Credential
from ._service import Service
from ._state import FULL_ACCESS

_VERSION: Final = re.compile(r"v[0-9][^/]*")
# Bytes that, decoded too early or too late by one of two programs, name another path.
_TRICKS: Final = re.compile(r"%2f|%5c|\\|[\x00-\x1f\x7f]", re.IGNORECASE)


def unknown_path(path: str) -> _errors.ServiceError:
    """Return the refusal of a path that no route matches."""
    version = path.lstrip("/").partition("/")[0]
    if _VERSION.fullmatch(version) and version not in VERSIONS:
        return _errors.invalid_api_version(version)
    return _errors.api_not_found()


def check_path(path: str) -> None:
    """Refuse a path that could mean another one.

    Raises:
        ServiceError: ``ERR_API_NOT_FOUND`` for encoded slashes, dot segments, control characters.
    """
    if _TRICKS.search(path) or not {".", ".."}.isdisjoint(path.split("/")):
        raise _errors.api_not_found()


def check_app(service: Service, headers: Headers) -> None:
    """Refuse a request for another app; the host names the app, so that no header is needed.

    Raises:
        ServiceError: ``AUTH_ERR_EMPTY_APPID`` or ``AUTH_ERR_INVALID_APPID``.
    """
    app_id = headers.get("appId")
    if app_id is None or app_id == service.app_id:
        return
    raise _errors.invalid_app_id(app_id) if app_id.strip() else _errors.empty_app_id()


def check_credential(service: Service, needed: Credential, headers: Headers) -> str:
    """Refuse a request without the credential that its call asks for.

    Returns:
        The auth token of the client API; an empty string for calls that take a key.

    Raises:
        ServiceError: The ``AUTH_ERR_...`` that says what is wrong with the credential.
    """
    if needed is not Credential.SESSION:
        _check_key(service, needed, headers.get("apikey", ""))
        return ""
    token = headers.get("authToken", "").strip()
    if not token:
        raise _errors.empty_auth_token()
    service.state.session(token)
    return token


def _check_key(service: Service, needed: Credential, key: str) -> None:
    if not key.strip():
        raise _errors.empty_api_key()
    scope = service.state.scope_of(key)
    if scope is None:
        raise _errors.api_key_not_found(key)
    any_key = needed is Credential.ANY_KEY or (
        needed is Credential.ANY_KEY_UNLESS_STRICT and not service.strict_auth_key
    )
    if scope != FULL_ACCESS and not any_key:
        raise _errors.no_access()
