"""Roles in the database: how a row becomes a value and back, and which rows a list holds."""

from __future__ import annotations

import json
from typing import Any, Final

from . import _admin_errors
from ._database import Tables
from ._records import Page, RoleRecord

# Columns are read and written in the order of the values' attributes.
_WRITE: Final = """
INSERT INTO roles (
    role, name, description, metadata, settings, created_at, updated_at, app
) VALUES (
    :role, :name, :description, :metadata, :settings, :created_at, :updated_at, :app
)
ON CONFLICT (app, role) DO UPDATE SET
    name = excluded.name, description = excluded.description, metadata = excluded.metadata,
    settings = excluded.settings, updated_at = excluded.updated_at
"""
_READ: Final = "SELECT * FROM roles WHERE app = :app AND role = :role"
_COUNT: Final = "SELECT count(*) FROM roles WHERE app = :app"
_PAGE: Final = "SELECT * FROM roles WHERE app = :app ORDER BY id LIMIT :size OFFSET :skipped"
_IN_USE: Final = "SELECT EXISTS (SELECT 1 FROM users WHERE app = :app AND role = :role)"


def write(database: Tables, role: RoleRecord) -> None:
    """Add a role, or bring the one of that id up to date."""
    database.execute(
        _WRITE,
        role=role.role,
        name=role.name,
        description=role.description,
        metadata=_dump(role.metadata),
        settings=_dump(role.settings),
        created_at=role.created_at,
        updated_at=role.updated_at,
    )


def find(database: Tables, role: str) -> RoleRecord | None:
    """Return the role of a lower-case id, or ``None`` if there is none."""
    row = database.execute(_READ, role=role).fetchone()
    return None if row is None else _parse(row)


def read(database: Tables, role: str) -> RoleRecord:
    """Return a role.

    Raises:
        ServiceError: ``ERR_ROLE_NOT_FOUND`` if there is none.
    """
    found = find(database, role.lower())
    if found is None:
        raise _admin_errors.role_not_found(role)
    return found


def ids(database: Tables) -> frozenset[str]:
    """Return the ids of all roles."""
    rows = database.execute("SELECT role FROM roles WHERE app = :app")
    return frozenset(row[0] for row in rows)


def count(database: Tables) -> int:
    """Return how many roles there are."""
    return int(database.execute(_COUNT).fetchone()[0])


def list_page(database: Tables, page: Page) -> tuple[list[RoleRecord], int]:
    """Return one page of the roles, in the order of creation, and how many there are in all."""
    rows = database.execute(_PAGE, size=page.size, skipped=page.skipped)
    return [_parse(row) for row in rows], count(database)


def in_use(database: Tables, role: str) -> bool:
    """Tell whether any user, active or not, has the role of a lower-case id."""
    return bool(database.execute(_IN_USE, role=role).fetchone()[0])


def delete(database: Tables, role: str) -> None:
    """Forget the role of a lower-case id."""
    database.execute("DELETE FROM roles WHERE app = :app AND role = :role", role=role)


def _dump(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def _parse(row: tuple[Any, ...]) -> RoleRecord:
    role, name, description, metadata, settings, created_at, updated_at = row[:7]
    parsed = [None if text is None else json.loads(text) for text in (metadata, settings)]
    return RoleRecord(role, name, description, parsed[0], parsed[1], created_at, updated_at)
