"""What a query string may say: which users, and which page of a list."""

from __future__ import annotations

from typing import Any, Final

from werkzeug.datastructures import MultiDict

from . import _rules
from ._checks import Reader
from ._records import Page, Standing, UserFilter

_DEFAULT_PER_PAGE: Final = 100
_MAX_PER_PAGE: Final = 1000
_MAX_PAGE: Final = 1_000_000  # assumed; keeps the arithmetic within the database's integers

_LISTS: Final = ("searchIn", "roles", "tags")
_SEARCHED: Final = ("name", "uid")
_STATUSES: Final = ("available", "offline")


def query_reader(query: MultiDict[str, str]) -> Reader:
    """Return a reader of a query string.

    The documentation has lists as ``a=1,2``; ``a=1&a=2`` and ``a[]=1&a[]=2`` are taken as well.
    """
    values: dict[str, Any] = dict(query.items())
    values.update({name: _items(query, name) for name in _LISTS})
    return Reader(values)


def _items(query: MultiDict[str, str], name: str) -> list[str] | None:
    texts = [*query.getlist(name), *query.getlist(f"{name}[]")]
    items = [item.strip() for text in texts for item in text.split(",")]
    return [item for item in items if item] or None


def page_wanted(reader: Reader) -> Page:
    """Return which page of a list the query string asks for."""
    number = reader.take("page", _rules.whole_number(_MAX_PAGE))
    size = reader.take("perPage", _rules.whole_number(_MAX_PER_PAGE))
    return Page(int(number or 1), int(size or _DEFAULT_PER_PAGE))


def users_wanted(reader: Reader) -> UserFilter:
    """Return which users the query string asks for.

    Whether roles must exist to be asked for is not documented; of one that does not, there is
    nobody.
    """
    role = reader.take("role", _rules.text(None))
    roles = reader.take("roles", _rules.texts) or []
    return UserFilter(
        search=reader.take("searchKey", _rules.text(None)) or "",
        search_in=tuple(reader.take("searchIn", _rules.some_of(_SEARCHED)) or _SEARCHED),
        roles=(*roles, role) if role else tuple(roles),
        tags=tuple(reader.take("tags", _rules.texts) or ()),
        standing=_standing(reader),
        online=reader.take("status", _rules.choice(_STATUSES)) == "available",
    )


def _standing(reader: Reader) -> Standing:
    everyone, only = flag(reader, "withDeactivated"), flag(reader, "onlyDeactivated")
    if only:
        return Standing.DEACTIVATED
    return Standing.ANY if everyone else Standing.ACTIVE


def flag(reader: Reader, name: str) -> bool:
    """Return whether the query string switches something on."""
    return reader.take(name, _rules.flag) in {"true", "1"}
