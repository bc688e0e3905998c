"""The dashboard without a browser: pages and forms over plain HTTP, with any headers."""

from __future__ import annotations

import http.client
import re
from typing import Final
from urllib.parse import urlencode, urlsplit

import attrs

from cometchat_auth.emulator import Emulator

_FORM: Final = "application/x-www-form-urlencoded"
_TOKEN: Final = re.compile(r'name="token" value="([^"]+)"')


@attrs.frozen
class Shown:
    """What came back: the status, the headers in lower case, the page."""

    status: int
    headers: dict[str, str]
    page: str

    @property
    def location(self) -> str:
        """Return where a redirect leads."""
        return self.headers["location"]


def get(emulator: Emulator, path: str, **headers: str) -> Shown:
    """Load a page.

    Args:
        emulator: The emulator.
        path: The page's path and query string.
        **headers: Headers, ``_`` for a dash.
    """
    return send(emulator, "GET", path, headers=headers)


def post(emulator: Emulator, path: str, /, *, token: str | None = None, **fields: str) -> Shown:
    """Post a form as one of the dashboard's own pages does.

    Args:
        emulator: The emulator.
        path: Where the form goes.
        token: The form's token; by default the one that the pages have.
        **fields: What was typed.
    """
    form = {**fields, "token": form_token(emulator) if token is None else token}
    return send(emulator, "POST", path, form=form, headers={"Origin": emulator.url})


def follow(emulator: Emulator, answer: Shown) -> Shown:
    """Load the page that an action leads to."""
    assert answer.status == 303, answer.page
    return get(emulator, answer.location)


def form_token(emulator: Emulator) -> str:
    """Return the token that the dashboard's forms have."""
    found = _TOKEN.search(get(emulator, "/dashboard/new-user").page)
    assert found
    return found[1]


def send(
    emulator: Emulator,
    method: str,
    path: str,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Shown:
    """Send a request, and read its answer."""
    parts = urlsplit(emulator.url)
    body = None if form is None else urlencode(form)
    named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
    kind = {} if form is None else {"Content-Type": _FORM}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request(method, path, body, {**kind, **named})
        answer = connection.getresponse()
        page = answer.read().decode()
    finally:
        connection.close()
    return Shown(answer.status, {name.lower(): value for name, value in answer.getheaders()}, page)
