"""What an app begins with: what a program gives it, what a seed says, what every app has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from attrs import field, frozen

from . import _rules
from ._keys import MAX_KEYS, new_key
from ._plan import Plan
from ._records import (
    AUTH_ONLY,
    DEFAULT_ROLE,
    FULL_ACCESS,
    AppRecord,
    KeyRecord,
    RoleRecord,
    UserRecord,
)
from ._roles import MAX_ROLES
from ._seed_files import AppSeed
from ._seed_items import Items

# CometChat's documentation: every new app has these five uids; the names are the emulator's.
_DEFAULT_USERS: Final = {
    "cometchat-uid-1": "Andrew Joseph",
    "cometchat-uid-2": "George Alan",
    "cometchat-uid-3": "Nancy Grace",
    "cometchat-uid-4": "Susan Marie",
    "cometchat-uid-5": "John Paul",
}

# CometChat's documentation: the two keys and the role of a new app.
_KEY_NAMES: Final = {AUTH_ONLY: "Auth Key", FULL_ACCESS: "Rest API Key"}

_ROLE_NAMES: Final = {DEFAULT_ROLE: "Default Role"}

_APP_FIELDS: Final = frozenset({"users", "roles", "apiKeys", "defaultUsers"})
_SHOWN: Final = 10  # complaints that an error tells; the rest is counted


@frozen
class Start:
    """What a program says that an app shall begin with.

    Attributes:
        auth_key: Key of the scope ``authOnly``, or ``None`` for one that is made up.
        rest_api_key: Key of the scope ``fullAccess``, or ``None``.
        roles: Ids of roles.
        seed: Further things; ``None`` for the five users of a new app.
    """

    auth_key: str | None = field(default=None, repr=False)
    rest_api_key: str | None = field(default=None, repr=False)
    roles: tuple[str, ...] = ()
    seed: AppSeed | None = None


def make_plan(app_id: str, start: Start, now: int) -> Plan:
    """Return all that an app begins with.

    Args:
        app_id: The app's id.
        start: What it shall begin with.
        now: Unix time in seconds of whatever is not dated.

    Raises:
        ValueError: Something cannot be used; the error says what, where and why.
    """
    seed = start.seed or AppSeed("The app", "", {"defaultUsers": True})
    items = Items(seed.document, seed.place, now, _APP_FIELDS)
    keys = _keys(start, items.keys(), now)
    roles = _roles(start.roles, items.roles(), now)
    defaults = _default_users(now) if items.flag("defaultUsers") else []
    users, tokens = items.users({role.role for role in roles}, defaults)
    _check_number(items, "apiKeys", keys, MAX_KEYS)
    _check_number(items, "roles", roles, MAX_ROLES)
    if items.complaints:
        raise ValueError(_told(seed.label, items.complaints))
    auth_key, rest_api_key = (_first(keys, scope) for scope in (AUTH_ONLY, FULL_ACCESS))
    app = AppRecord(app_id, start.auth_key or auth_key, start.rest_api_key or rest_api_key)
    return Plan(app, tuple(keys), tuple(roles), tuple(users), tuple(tokens))


def _keys(start: Start, seeded: list[KeyRecord], now: int) -> list[KeyRecord]:
    """Return the keys, one of each scope at least.

    A key that was given stands for the first of its scope that the seed has without its value.
    """
    keys = list(seeded)
    for scope, given in ((FULL_ACCESS, start.rest_api_key), (AUTH_ONLY, start.auth_key)):
        if given is not None and any(key.key == given for key in keys):
            _check_scope(keys, given, scope)
            continue
        blank = next((n for n, key in enumerate(keys) if key.scope == scope and not key.key), None)
        if given is not None and blank is not None:
            old = keys[blank]
            keys[blank] = KeyRecord(given, old.name, scope, old.created_at)
        elif given is not None or all(key.scope != scope for key in keys):
            keys.insert(0, KeyRecord(given or "", _KEY_NAMES[scope], scope, now))
    return [
        key if key.key else KeyRecord(new_key(), key.name, key.scope, key.created_at)
        for key in keys
    ]


def _check_scope(keys: list[KeyRecord], given: str, scope: str) -> None:
    if any(key.key == given and key.scope != scope for key in keys):
        raise ValueError(f"The key given for the scope {scope} has another scope in the seed.")


def _first(keys: list[KeyRecord], scope: str) -> str:
    return next(key.key for key in keys if key.scope == scope)


def _roles(given: Iterable[str], seeded: list[RoleRecord], now: int) -> list[RoleRecord]:
    """Return the roles, ``default`` among them."""
    roles = {role.role: role for role in seeded}
    missing = [DEFAULT_ROLE, *(_role_id(role) for role in given)]
    added = {
        role: RoleRecord(role, _ROLE_NAMES.get(role, role), created_at=now)
        for role in missing
        if role not in roles
    }
    return [*added.values(), *roles.values()]


def _role_id(role: str) -> str:
    complaint = _rules.uid(role)
    if complaint is not None:
        raise ValueError(f"The role {role!r} {complaint}")
    return role.lower()


def _default_users(now: int) -> list[UserRecord]:
    return [
        UserRecord(uid, name, DEFAULT_ROLE, created_at=now) for uid, name in _DEFAULT_USERS.items()
    ]


def _check_number(items: Items, name: str, found: list[Any], most: int) -> None:
    if len(found) > most:
        items.complain(name, f"An app can have {most}, and these would be {len(found)}.")


def _told(label: str, complaints: list[str]) -> str:
    shown = complaints[:_SHOWN]
    if len(complaints) > _SHOWN:
        shown.append(f"and {len(complaints) - _SHOWN} more")
    return "\n  ".join([f"{label} cannot be used:", *shown])
