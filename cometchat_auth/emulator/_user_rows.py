"""Users in the database: how a row becomes a value and back, and which rows a list holds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from . import _errors
from ._records import Page, Standing, UserFilter, UserRecord

# Columns are read and written in the order of the values' attributes.
_WRITE: Final = """
INSERT INTO users (
    uid, name, role, avatar, link, status_message, metadata, tags, created_at, updated_at,
    deactivated_at, folded_name
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (uid) DO UPDATE SET
    name = excluded.name, role = excluded.role, avatar = excluded.avatar, link = excluded.link,
    status_message = excluded.status_message, metadata = excluded.metadata,
    tags = excluded.tags, updated_at = excluded.updated_at,
    deactivated_at = excluded.deactivated_at, folded_name = excluded.folded_name
"""
_READ: Final = "SELECT * FROM users WHERE uid = ? AND deactivated_at IS NULL"
_DEACTIVATE: Final = "UPDATE users SET deactivated_at = ? WHERE uid = ? AND deactivated_at IS NULL"
_REACTIVATE: Final = """
UPDATE users SET deactivated_at = NULL WHERE uid = ? AND deactivated_at IS NOT NULL
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


def exists(database: sqlite3.Connection, uid: str) -> bool:
    """Tell whether there is a user, active or not, of this lower-case uid."""
    return database.execute("SELECT 1 FROM users WHERE uid = ?", (uid,)).fetchone() is not None


def count(database: sqlite3.Connection) -> int:
    """Return how many users there are, active or not."""
    return int(database.execute("SELECT count(*) FROM users").fetchone()[0])


def write(database: sqlite3.Connection, user: UserRecord) -> None:
    """Add a user, or bring the one of that uid up to date."""
    metadata = None if user.metadata is None else json.dumps(user.metadata)
    plain = (user.uid, user.name, user.role, user.avatar, user.link, user.status_message)
    times = (user.created_at, user.updated_at, user.deactivated_at)
    tags = json.dumps(user.tags)
    database.execute(_WRITE, (*plain, metadata, tags, *times, user.name.casefold()))


def read(database: sqlite3.Connection, uid: str) -> UserRecord:
    """Return an active user.

    Raises:
        ServiceError: ``ERR_UID_NOT_FOUND`` if there is none.
    """
    row = database.execute(_READ, (uid.lower(),)).fetchone()
    if row is None:
        raise _errors.uid_not_found(uid)
    return parse(row)


def change(
    database: sqlite3.Connection, user: UserRecord, fields: Mapping[str, Any], now: int
) -> UserRecord:
    """Change some fields of a user; ``None`` removes a field."""
    changed = evolve(user, updated_at=now, **fields)
    write(database, changed)
    return changed


def delete(database: sqlite3.Connection, uid: str) -> None:
    """Forget a user and its tokens."""
    database.execute("DELETE FROM users WHERE uid = ?", (uid,))


def deactivate(database: sqlite3.Connection, uid: str, now: int) -> bool:
    """Deactivate the user of a lower-case uid; tell whether there was an active one."""
    return database.execute(_DEACTIVATE, (now, uid)).rowcount == 1


def reactivate(database: sqlite3.Connection, uid: str) -> bool:
    """Reactivate the user of a lower-case uid; tell whether there was a deactivated one."""
    return database.execute(_REACTIVATE, (uid,)).rowcount == 1


def list_page(
    database: sqlite3.Connection, wanted: UserFilter, page: Page
) -> tuple[list[UserRecord], int]:
    """Return one page of the users wanted, in the order of creation, and how many they are."""
    where = _where(wanted)
    values = {
        "search": wanted.search.casefold(),
        "roles": json.dumps([role.lower() for role in wanted.roles]),
        "tags": json.dumps(wanted.tags),
        "size": page.size,
        "skipped": (page.number - 1) * page.size,
    }
    total = int(database.execute(f"{_COUNT} {where}", values).fetchone()[0])
    rows = database.execute(f"{_LIST} {where} {_PAGE}", values)
    return [parse(row) for row in rows], total


def _where(wanted: UserFilter) -> str:
    """Return the condition for the users wanted; values come in by their names only."""
    conditions = [_STANDINGS[wanted.standing]]
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
