"""All that an app knows as one value: what it begins with, and what an export holds."""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen

from . import _app_rows, _key_rows, _role_rows, _token_rows, _user_rows
from ._database import Tables
from ._records import (
    AppRecord,
    KeyRecord,
    Page,
    RoleRecord,
    Standing,
    TokenRecord,
    UserFilter,
    UserRecord,
)

_EVERYTHING: Final = Page(1, 2**62)


@frozen
class Plan:
    """All that an app knows.

    Attributes:
        app: The app, with the two keys that it began with.
        keys: Its API keys.
        roles: Its roles.
        users: Its users.
        tokens: The auth tokens of its users; of each user, oldest first.
    """

    app: AppRecord
    keys: tuple[KeyRecord, ...]
    roles: tuple[RoleRecord, ...]
    users: tuple[UserRecord, ...]
    tokens: tuple[TokenRecord, ...]

    def to_seed(self, *, secrets: bool) -> dict[str, Any]:
        """Return it in the form of a seed; keys and auth tokens only with ``secrets``."""
        tokens: dict[str, list[dict[str, Any]]] = {}
        for token in self.tokens if secrets else ():
            tokens.setdefault(token.uid, []).append(_without(token.to_wire(), "uid"))
        hidden = () if secrets else ("apiKey",)
        return {
            "apiKeys": [_without(key.to_wire(), *hidden) for key in self.keys],
            "roles": [role.to_wire() for role in self.roles],
            "users": [_user(user, tokens.get(user.uid)) for user in self.users],
        }


def plant(database: Tables, plan: Plan) -> None:
    """Add an app and all that it knows.

    Raises:
        sqlite3.IntegrityError: The app, a key or a token is there already.
    """
    _app_rows.write(database.connection, plan.app)
    for key in plan.keys:
        _key_rows.add(database, key)
    for role in plan.roles:
        _role_rows.write(database, role)
    for user in plan.users:
        _user_rows.write(database, user)
    for token in plan.tokens:
        _token_rows.add(database, token)


def add_roles(database: Tables, plan: Plan) -> None:
    """Add those roles that the app has not."""
    there = _role_rows.ids(database)
    for role in plan.roles:
        if role.role not in there:
            _role_rows.write(database, role)


def harvest(database: Tables, app: AppRecord) -> Plan:
    """Return all that an app knows."""
    users, _ = _user_rows.list_page(database, UserFilter(standing=Standing.ANY), _EVERYTHING)
    return Plan(
        app,
        keys=tuple(_key_rows.list_all(database)),
        roles=tuple(_role_rows.list_page(database, _EVERYTHING)[0]),
        users=tuple(users),
        tokens=tuple(_token_rows.list_all(database)),
    )


def _user(user: UserRecord, tokens: list[dict[str, Any]] | None) -> dict[str, Any]:
    wire = _without(user.to_wire(with_tags=bool(user.tags)), "status")
    return {**wire, "authTokens": tokens} if tokens else wire


def _without(wire: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in wire.items() if name not in names}
