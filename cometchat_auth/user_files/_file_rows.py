"""One row of a file of users, and the errors that say where in the file they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import attrs

from ..errors import CometChatException, InvalidParameterError
from ..models import User
from ._file_lines import BAD, INVALID_ENCODING, LINE_LIMIT, byte_of

INVALID_ROW: Final = "INVALID_ROW"
INVALID_HEADER: Final = "INVALID_HEADER"
ROW_EXCEEDED: Final = "ERROR_ROW_EXCEEDED"

# What can be said of a new user, in our spelling and in the service's where it differs.
FIELDS: Final = ("uid", "name", "avatar", "link", "role", "metadata", "status_message", "tags")
SPELLINGS: Final = {**{field: field for field in FIELDS}, "statusMessage": "status_message"}
ALLOWED: Final = "uid, name, avatar, link, role, metadata, statusMessage and tags"

# What a rejects file adds; of no meaning when it is read.
REJECTED_LINE: Final = "rejected_line"
REJECTED_BECAUSE: Final = "rejected_because"
REJECTED_TEXT: Final = "rejected_text"
REJECTED: Final = frozenset({REJECTED_LINE, REJECTED_BECAUSE, REJECTED_TEXT})


@attrs.frozen
class FileRow:
    r"""One row of a file of users.

    Attributes:
        line: The first line of the file that belongs to it, from 1.
        text: The row as it stands in the file, without its line end; at most its first 65,536
            characters. Bytes that are no text in the file's encoding are written ``\xNN``.
        item: The user, checked, or the error that says what is wrong with the row and where:
            what `create_users` takes.
        legible: Whether it could be taken apart into its cells or keys.
    """

    line: int
    text: str = attrs.field(repr=False)
    item: User | CometChatException
    legible: bool = True

    @property
    def user(self) -> User | None:
        """Return the user, or ``None`` if there is an error."""
        return self.item if isinstance(self.item, User) else None

    @property
    def error(self) -> CometChatException | None:
        """Return the error, or ``None`` if there is a user."""
        return None if isinstance(self.item, User) else self.item


def row_error(
    code: str,
    what: str,
    *,
    line: int,
    column: int | None = None,
    field: str | None = None,
    character: int | None = None,
) -> InvalidParameterError:
    """Return an error that begins with its place in the file.

    Args:
        code: The error's code.
        what: What is wrong there.
        line: The row's first line, from 1.
        column: Number of the cell in the row, or of the character in a line of JSON, from 1.
        field: Name of the field.
        character: Number of the character in the line, from 1.
    """
    where = f"line {line}"
    where += f", column {column}" if column else ""
    where += f" ({field})" if field else ""
    where += f", character {character}" if character else ""
    place = {"line": line, "column": column, "field": field, "character": character}
    details = {key: value for key, value in place.items() if value is not None}
    return InvalidParameterError(code, f"{where}: {what}", details=details)


def bad_byte(text: str, encoding: str) -> tuple[str, str, int] | None:
    """Look for a byte that is no text in the file's encoding.

    Returns:
        Code and text of the error, and the number of the character, from 1; ``None`` if all is
        well.
    """
    found = BAD.search(text)
    if found is None:
        return None
    byte = byte_of(found[0])
    what = (
        "has a NUL, which no text has."
        if byte == "0x00"
        else f"the byte {byte} is no text in {encoding}. Was the file saved in another encoding? "
        'Then give that, e.g. encoding="cp1252".'
    )
    return INVALID_ENCODING, what, found.start() + 1


def too_long() -> tuple[str, str]:
    """Return code and text of the error for a line that was cut."""
    return ROW_EXCEEDED, f"the line is longer than {LINE_LIMIT:,} characters. Is its end missing?"


def checked_user(
    fields: Mapping[str, Any], *, line: int, columns: Mapping[str, int]
) -> User | InvalidParameterError:
    """Return the user with these fields, or the error of the first that cannot be used.

    Args:
        fields: By our names, of their types; the uid among them.
        line: The row's first line.
        columns: Numbers of the cells, if they have any.
    """
    try:
        return User(**fields).check()
    except InvalidParameterError as error:
        # Our checks' sentences begin with the field's name.
        field = error.message.partition(" ")[0]
        return row_error(
            error.code,
            error.message,
            line=line,
            column=columns.get(field),
            field=field if field in FIELDS else None,
        )


class BadJsonError(Exception):
    """A text is no JSON that we take: what it is instead, and at which character, from 1."""

    def __init__(self, what: str, character: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.character = character


def read_json(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        BadJsonError: If it is none, says something twice, or has a number that JSON cannot have.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise BadJsonError(f"is no JSON: {problem.msg}.", problem.pos + 1) from None
    except RecursionError:
        raise BadJsonError("is nested too deeply.") from None
    except ValueError:  # Python reads no whole number of thousands of digits
        raise BadJsonError("has a number of too many digits.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadJsonError(f"has the key {quoted(name)} twice.")
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise BadJsonError(f"is no JSON: there is no {name} in it.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise BadJsonError("has a number that is too large.")
    return number


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite
)


# What JSON calls a value of such a type, for an error's text.
JSON_TYPES: Final[dict[type, str]] = {
    type(None): "null",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def mistyped(field: str, value: Any, kind: type) -> str | None:
    """Return what is wrong with a value from JSON if it is not of this type."""
    if not isinstance(value, kind):
        return f"{field} must be {JSON_TYPES[kind]}, but is {JSON_TYPES[type(value)]}."
    if isinstance(value, list) and kind is list:
        for place, item in enumerate(value, 1):
            if not isinstance(item, str):
                found = JSON_TYPES[type(item)]
                return f"{field} must hold texts only, but entry {place} is {found}."
    return None


def quoted(name: str) -> str:
    """Return a name from the file as it may stand in an error's text."""
    return repr(name if len(name) <= 40 else f"{name[:40]}...")
