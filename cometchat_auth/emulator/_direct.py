"""Acting on an app's users from Python, past HTTP: Python's names and Python's errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from . import _errors, _rules
from ._checks import Reader, user_fields
from ._state import State

# Python's spelling of a user's fields, and the service's.
_FIELDS: Final = {
    "avatar": "avatar",
    "link": "link",
    "role": "role",
    "status_message": "statusMessage",
    "metadata": "metadata",
    "tags": "tags",
}

# The service's statuses for something that is not there.
_ABSENT: Final = frozenset({401, 404})


def create_user(state: State, uid: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Create a user, checked as ``POST /users`` is, and return it as the service answers it.

    Raises:
        ServiceError: The uid is taken, or a field cannot be used.
        TypeError: There is no such field.
    """
    unknown = fields.keys() - _FIELDS.keys()
    if unknown:
        raise TypeError(f"a user has no field {', '.join(sorted(unknown))}")
    given = {_FIELDS[field]: value for field, value in fields.items()}
    reader = Reader({**given, "uid": uid, "name": name})
    reader.take("uid", _rules.uid, required=True)
    checked = user_fields(reader, state.roles(), creating=True)
    reader.finish()
    return state.create_user(uid, checked).to_wire()


@contextmanager
def as_python_errors() -> Iterator[None]:
    """Turn the service's refusals into errors that Python programs know.

    Raises:
        LookupError: The user or the token does not exist.
        ValueError: The service refuses the request for another reason.
    """
    try:
        yield
    except _errors.ServiceError as error:
        texts = [text for texts in (error.details or {}).values() for text in texts]
        kind = LookupError if error.status in _ABSENT else ValueError
        raise kind(" ".join(texts) or error.message) from None
