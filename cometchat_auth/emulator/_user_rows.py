"""Users in the database: how a row becomes a value and back, and which rows a list holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, evolve

from . import _errors
from ._database import Tables
from ._records import Page, Standing, UserFilter, UserRecord

# Columns are read and written in the order of the values' attributes.
_WRITE: Final = """
INSERT INTO users (
    uid, name, role, avatar, link, status_message, metadata, tags, created_at, updated_at,
    deactivated_at, folded_name, app
) VALUES (
    :uid, :name, :role, :avatar, :link, :status_message, :metadata, :tags, :created_at,
    :updated_at, :deactivated_at, :folded_name, :app
)
ON CONFLICT (app, uid) DO UPDATE SET
    name = excluded.name, role = excluded.role, avatar = excluded.avatar, link = excluded.link,
    status_message = excluded.status_message, metadata = excluded.metadata,
    tags = excluded.tags, updated_at = excluded.updated_at,
    deactivated_at = excluded.deactivated_at, folded_name = excluded.folded_name
"""
_READ: Final = "SELECT * FROM users WHERE app = :app AND uid = :uid AND deactivated_at IS NULL"
_DEACTIVATE: Final = """
UPDATE users SET deactivated_at = :now WHERE app = :app AND uid = :uid AND deactivated_at IS NULL
"""
_REACTIVATE: Final = """
UPDATE users SET deactivated_at = NULL
WHERE app = :app AND uid = :uid AND deactivated_at IS NOT NULL
"""

_STANDINGS: Final = {
    Standing.ACTIVE: "deactivated_at IS NULL",
    Standing.DEACTIVATED: "deactivated_at IS NOT NULL",
    Standing.ANY: "TRUE",
}
_BEGINS: Final = {
    "name": "substr(folded_name, 1, length(:search)) = :search",
    "uid": "substr(uid, 1, length(:search)) = :search",
}
_OF_ROLE: Final = "role IN (SELECT value FROM json_each(:roles))"
_TAGGED: Final = """
tags <> '[]' AND EXISTS (
    SELECT 1 FROM json_each(users.tags) AS own
    WHERE own.value IN (SELECT value FROM json_each(:tags))
)
"""
_COUNT: Final = "SELECT count(*) FROM users WHERE"
_LIST: Final = "SELECT * FROM users WHERE"
_PAGE: Final = "ORDER BY created_at, id LIMIT :size OFFSET :skipped"


def exists(database: Tables, uid: str) -> bool:
    """Tell whether there is a user, active or not, of this lower-case uid."""
    return (
        database.execute("SELECT 1 FROM users WHERE app = :app AND uid = :uid", uid=uid).fetchone()
        is not None
    )


def count(database: Tables) -> int:
    """Return how many users there are, active or not."""
    return int(database.execute("SELECT count(*) FROM users WHERE app = :app").fetchone()[0])


def write(database: Tables, user: UserRecord) -> None:
    """Add a user, or bring the one of that uid up to date."""
    values = asdict(user, recurse=False)
    values["metadata"] = None if user.metadata is None else json.dumps(user.metadata)
    values["tags"] = json.dumps(user.tags)
    database.execute(_WRITE, **values, folded_name=user.name.casefold())


def read(database: Tables, uid: str) -> UserRecord:
    """Return an active user.

    Raises:
        ServiceError: ``ERR_UID_NOT_FOUND`` if there is none.
    """
    row = database.execute(_READ, uid=uid.lower()).fetchone()
    if row is None:
        raise _errors.uid_not_found(uid)
    return parse(row)


def change(database: Tables, user: UserRecord, fields: Mapping[str, Any], now: int) -> UserRecord:
    """Change some fields of a user; ``None`` removes a field."""
    changed = evolve(user, updated_at=now, **fields)
    write(database, changed)
    return changed


def delete(database: Tables, uid: str) -> None:
    """Forget a user and its tokens."""
    database.execute("DELETE FROM users WHERE app = :app AND uid = :uid", uid=uid)


def deactivate(database: Tables, uid: str, now: int) -> bool:
    """Deactivate the user of a lower-case uid; tell whether there was an active one."""
    return database.execute(_DEACTIVATE, uid=uid, now=now).rowcount == 1


def reactivate(database: Tables, uid: str) -> bool:
    """Reactivate the user of a lower-case uid; tell whether there was a deactivated one."""
    return database.execute(_REACTIVATE, uid=uid).rowcount == 1


def list_page(database: Tables, wanted: UserFilter, page: Page) -> tuple[list[UserRecord], int]:
    """Return one page of the users wanted, in the order of creation, and how many they are."""
    where = _where(wanted)
    values = {
        "search": wanted.search.casefold(),
        "roles": json.dumps([role.lower() for role in wanted.roles]),
        "tags": json.dumps(wanted.tags),
        "size": page.size,
        "skipped": page.skipped,
    }
    total = int(database.execute(f"{_COUNT} {where}", **values).fetchone()[0])
    rows = database.execute(f"{_LIST} {where} {_PAGE}", **values)
    return [parse(row) for row in rows], total


def _where(wanted: UserFilter) -> str:
    """Return the condition for the users wanted; values come in by their names only."""
    conditions = ["app = :app", _STANDINGS[wanted.standing]]
    if wanted.search:
        conditions.append(f"({' OR '.join(_BEGINS[name] for name in wanted.search_in)})")
    if wanted.roles:
        conditions.append(_OF_ROLE)
    if wanted.tags:
        conditions.append(_TAGGED)
    if wanted.online:
        # Presence is a matter of the realtime connection, which is not imitated.
        conditions.append("FALSE")
    return " AND ".join(conditions)


def parse(row: tuple[Any, ...]) -> UserRecord:
    """Return the user in a row of all columns."""
    uid, name, role, avatar, link, status_message, metadata, tags, *times = row[:11]
    parsed = None if metadata is None else json.loads(metadata)
    labels = tuple(json.loads(tags))
    return UserRecord(uid, name, role, avatar, link, status_message, parsed, labels, *times)
