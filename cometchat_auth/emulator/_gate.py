"""Who may come in: the checks that a request must pass before its handler sees it.

Their order is part of what is imitated: path, app, key present, key known, key's scope, and then
the rate limit. That a wrong key is told before a wrong uid was observed; the rest of the order is
assumed.
"""

from __future__ import annotations

import re
from typing import Any, Final

from . import _errors
from ._apps import BY_KEY, BY_SESSION, Apps
from ._records import FULL_ACCESS
from ._routes import VERSIONS, Credential
from ._service import Service

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


def find_app(apps: Apps, needed: Credential, environ: dict[str, Any]) -> Service:
    """Return the app that a request is for.

    The header ``appId`` says it. Without it the key or the auth token does, as the service's
    hosts would, and what belongs to no app is the first app's to refuse.

    Raises:
        ServiceError: ``AUTH_ERR_EMPTY_APPID`` or ``AUTH_ERR_INVALID_APPID``.
    """
    app_id: str | None = environ.get("HTTP_APPID")
    if app_id is None:
        owner = apps.owner(environ, BY_SESSION if needed is Credential.SESSION else BY_KEY)
        return (owner and apps.get(owner.app_id)) or apps.first
    service = apps.get(app_id)
    if service is None:
        raise _errors.invalid_app_id(app_id) if app_id.strip() else _errors.empty_app_id()
    return service


def check_credential(
    apps: Apps, service: Service, needed: Credential, environ: dict[str, Any]
) -> str:
    """Refuse a request without the credential that its call asks for, from the app itself.

    Returns:
        The auth token of the client API, or the key of any other call.

    Raises:
        ServiceError: The ``AUTH_ERR_...`` that says what is wrong with the credential.
    """
    if needed is not Credential.SESSION:
        return _check_key(apps, service, needed, environ)
    token: str = environ.get(BY_SESSION, "").strip()
    if not token:
        raise _errors.empty_auth_token()
    owner = apps.owner(environ, BY_SESSION)
    if owner is None or owner.app_id != service.app_id:
        raise _errors.session_not_found(token)
    return token


def _check_key(apps: Apps, service: Service, needed: Credential, environ: dict[str, Any]) -> str:
    key: str = environ.get(BY_KEY, "").strip()
    if not key:
        raise _errors.empty_api_key()
    owner = apps.owner(environ, BY_KEY)
    if owner is None or owner.app_id != service.app_id:
        raise _errors.api_key_not_found(key)
    any_key = needed is Credential.ANY_KEY or (
        needed is Credential.ANY_KEY_UNLESS_STRICT and not service.strict_auth_key
    )
    if owner.scope != FULL_ACCESS and not any_key:
        raise _errors.no_access()
    return key
