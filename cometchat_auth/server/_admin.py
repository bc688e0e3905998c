"""The admin half of the service: how it is asked, and how its lists are read page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import attrs

from .. import _checks
from .._answers import Request, Unreadable
from .._api import Api
from .._secrets import Secret
from .._waits import Deadline, Flow

T = TypeVar("T")

PAGE_SIZE: Final = 100  # the service's default; a user has no more auth tokens than this
LARGEST_PAGE: Final = 1000  # CometChat's OpenAPI description

_BESIDE: Final = 3  # bytes of JSON beside each uid of a list: two quotes and a comma
_AROUND: Final = 100  # bytes of JSON around the list, generously


@attrs.frozen
class Admin:
    """The admin half of the service, and the key that opens it.

    Attributes:
        api: What every request has in common.
        base: Base URL of the admin host.
        key: The REST API key.
    """

    api: Api
    base: str
    key: Secret

    def request(
        self,
        what: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Request:
        """Return a request with the key; see `Api.request`."""
        key = ("apiKey", self.key)
        return self.api.request(what, method, self.base, path, key, body, **more)

    def exchange(self, request: Request, deadline: Deadline, read: Callable[[Any], T]) -> Flow[T]:
        """Send a request; see `Http.exchange`."""
        return (yield from self.api.http.exchange(request, deadline, read))


@attrs.frozen
class Page:
    """One page of a list.

    Attributes:
        items: What is on it.
        is_last: Whether none comes after it.
    """

    items: Sequence[Any]
    is_last: bool


def joined(values: Iterable[str]) -> str:
    """Return a list as it stands in a query string: quoted, with bare commas between."""
    return ",".join(quote(value, safe="") for value in values)


def parts(uids: Iterable[str]) -> Iterator[list[str]]:
    """Return uids in as many parts as the service's limit for a body makes necessary."""
    part: list[str] = []
    size = 0
    for uid in uids:
        if part and size + len(uid) + _BESIDE > _checks.BODY_LIMIT - _AROUND:
            yield part
            part, size = [], 0
        part.append(uid)
        size += len(uid) + _BESIDE
    yield part


def paged(query: Mapping[str, str], number: int, size: int) -> str:
    """Return the query string; its values are quoted already."""
    whole = {**query, "perPage": str(size), "page": str(number)}
    return "&".join(f"{name}={value}" for name, value in whole.items())


def page_reader(item: Callable[[Any], Any], number: int, size: int) -> Callable[[Any], Page]:
    """Return what reads one page of a list.

    Args:
        item: Makes a value of one entry, or raises `Unreadable`.
        number: Which page was asked for, from 1.
        size: How many entries were asked for.
    """

    def read(content: Any) -> Page:
        data = content["data"]
        if not isinstance(data, list):
            raise Unreadable("no list")
        return Page([item(each) for each in data], _is_last(content, number, size, len(data)))

    return read


def _is_last(content: Any, number: int, size: int, found: int) -> bool:
    """Return what the answer says about it, or else whether the page is not full."""
    meta = content.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    pages = pagination.get("total_pages") if isinstance(pagination, dict) else None
    if isinstance(pages, int) and pages >= number:  # else it contradicts the page itself
        return found == 0 or number == pages
    return found < size
