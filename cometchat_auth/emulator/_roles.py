"""The roles of one emulated app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve

from . import _admin_errors, _errors, _role_rows
from ._database import AppDatabase
from ._records import DEFAULT_ROLE, Page, RoleRecord

MAX_ROLES: Final = 25  # CometChat's documentation


class Roles:
    """The roles of one emulated app; each method acts as a whole.

    A role is a name that users have, and restricts nobody. Ids are matched without regard to
    case. Methods that name a role raise ``ServiceError`` (``ERR_ROLE_NOT_FOUND``) where there is
    none.

    Args:
        database: The app's part of the database.
        clock: Returns the unix time in seconds.
    """

    def __init__(self, database: AppDatabase, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def ids(self) -> frozenset[str]:
        """Return the ids of all roles."""
        with self._database.reading() as database:
            return _role_rows.ids(database)

    def page(self, page: Page) -> tuple[list[RoleRecord], int]:
        """Return one page of the roles, in the order of creation, and how many there are."""
        with self._database.reading() as database:
            return _role_rows.list_page(database, page)

    def read(self, role: str) -> RoleRecord:
        """Return a role."""
        with self._database.reading() as database:
            return _role_rows.read(database, role)

    def create(self, role: str, fields: Mapping[str, Any]) -> RoleRecord:
        """Add a role.

        How the service refuses an id that is taken is not known: it is a field that cannot be
        used, here.

        Raises:
            ServiceError: ``ERR_BAD_REQUEST`` if the id is taken; ``ERR_PLAN_QUOTA_RESTRICTION``
                if there are 25 roles already.
        """
        made = RoleRecord(role=role.lower(), created_at=self._now(), **fields)
        with self._database.transaction() as database:
            if _role_rows.find(database, made.role) is not None:
                raise _errors.bad_request({"role": ["The role has already been taken."]})
            if _role_rows.count(database) >= MAX_ROLES:
                raise _admin_errors.too_many("roles", MAX_ROLES)
            _role_rows.write(database, made)
        return made

    def change(self, role: str, fields: Mapping[str, Any]) -> RoleRecord:
        """Change some fields of a role."""
        with self._database.transaction() as database:
            found = _role_rows.read(database, role)
            changed = evolve(found, updated_at=self._now(), **fields)
            _role_rows.write(database, changed)
        return changed

    def delete(self, role: str) -> RoleRecord:
        """Delete a role that no user has; deactivated users keep theirs too.

        Raises:
            ServiceError: ``ERR_ROLE_DELETE_DENIED`` if it is ``default``, or users have it.
        """
        with self._database.transaction() as database:
            found = _role_rows.read(database, role)
            if found.role == DEFAULT_ROLE:
                raise _admin_errors.role_delete_denied(role, "new users get it.")
            if _role_rows.in_use(database, found.role):
                raise _admin_errors.role_delete_denied(
                    role, "users have it. Give them another role first."
                )
            _role_rows.delete(database, found.role)
        return found

    def _now(self) -> int:
        return int(self._clock())
