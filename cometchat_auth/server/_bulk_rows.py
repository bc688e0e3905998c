"""The rows of an import: what the caller hands in, made into users that may be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from .. import _checks
from ..errors import MISSING_PARAMETERS, CometChatException, InvalidParameterError
from ..models import User
from ._outcomes import Given, Outcome, Status

DUPLICATE_UID: Final = "DUPLICATE_UID"

_FIELDS: Final = tuple(field.name for field in attrs.fields(User))
_SHOWN: Final = 40  # characters of an unknown field's name


@attrs.define(eq=False)
class Row:
    """One row on its way through the import.

    Attributes:
        number: Its place, from 1.
        uid: As given, or ``None`` where there is none.
        user: Who is to be created; ``None`` for a row that cannot be sent.
        doubtful: Whether an earlier run may have created the user without learning of it.
        settled: Whether there is nothing more to do for it.
        outcome: What became of it; ``None`` before, and if the import ended before it was sent.
    """

    number: int
    uid: str | None
    user: User | None = None
    doubtful: bool = False
    settled: bool = False
    outcome: Outcome | None = None

    @property
    def key(self) -> str:
        """Return the uid as the service compares it."""
        return (self.uid or "").lower()

    def result(
        self,
        status: Status,
        *,
        user: User | None = None,
        error: CometChatException | None = None,
        resumed: bool = False,
    ) -> Outcome:
        """Return the outcome of this row."""
        return Outcome(self.number, self.uid, status, user, error, resumed)

    def settle(self, outcome: Outcome | None) -> None:
        """Note what became of it."""
        self.outcome, self.settled = outcome, True


def read(number: int, given: Given) -> Row:
    """Return the row; one that cannot be sent is settled as refused.

    Args:
        number: Its place, from 1.
        given: What the caller handed in.
    """
    try:
        user = _user(given).check()
    except CometChatException as error:
        row = Row(number, _uid_of(given))
        problem = error if error is given else _at_row(number, error)
        row.settle(row.result("refused", error=problem))
        return row
    return Row(number, user.uid, user)


def duplicate(row: Row, first: int) -> Outcome:
    """Return the outcome of a row whose uid an earlier row has."""
    problem = InvalidParameterError(
        DUPLICATE_UID,
        f"Row {row.number:,} has the uid {row.uid!r} of row {first:,} (uids compare without "
        "regard to case); it was not sent. Give each user once.",
        details={"row": first},
    )
    return row.result("refused", error=problem)


def _user(given: Given) -> User:
    if isinstance(given, CometChatException):
        raise given
    if isinstance(given, User):
        return given
    if not isinstance(given, Mapping):
        raise _checks.invalid(
            "row", f"must be a User or a mapping of its fields, not {type(given).__name__}."
        )
    return _from_mapping(given)


def _from_mapping(given: Mapping[str, Any]) -> User:
    try:
        fields = dict(given)
    except Exception as error:  # a mapping of the caller's own may raise anything
        raise _checks.invalid("row", f"could not be read: {type(error).__name__}.") from error
    for name in fields:
        if name not in _FIELDS:
            raise _checks.invalid(
                "row",
                f"has the unknown field {str(name)[:_SHOWN]!r}; a user may have "
                f"{', '.join(_FIELDS)}.",
            )
    if fields.get("uid") is None:
        raise InvalidParameterError(MISSING_PARAMETERS, "uid is required, but the row has none.")
    try:
        return User(**fields)
    except TypeError as error:
        raise _checks.invalid("row", f"cannot be used: {error}.") from None


def _uid_of(given: Given) -> str | None:
    if isinstance(given, User):
        return given.uid
    try:
        uid = given.get("uid") if isinstance(given, Mapping) else None
    except Exception:  # as above
        return None
    return uid if isinstance(uid, str) else None


def _at_row(number: int, error: CometChatException) -> CometChatException:
    problem = InvalidParameterError(
        error.code,
        f"Row {number:,}: {error.message}",
        details={**error.details, "row": number},
    )
    problem.__cause__ = error.__cause__
    return problem
