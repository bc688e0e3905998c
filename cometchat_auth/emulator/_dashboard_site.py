"""What all pages of the dashboard share: the emulator, the app that is looked at, the ways on."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from attrs import field, frozen
from flask import Response, abort, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ._dashboard_notes import Note, Notes
from ._direct import App
from ._errors import mask
from ._faults_list import Faults
from ._log import RequestLog
from ._service import Service
from ._state import State

_MAX_DIGITS: Final = 18  # of a number in an address; far below what Python refuses to convert

_HANDLE_LENGTH: Final = 24  # hex digits that stand for a token in an address

Answer = str | AnyResponse | tuple[str, int]


class Emulated(Protocol):
    """The emulator, as far as the dashboard looks at it."""

    @property
    def url(self) -> str:
        """Return the base of all URLs."""

    @property
    def apps(self) -> Mapping[str, App]:
        """Return the apps by their ids, the first one first."""

    @property
    def requests(self) -> RequestLog:
        """Return the request log."""

    @property
    def faults(self) -> Faults:
        """Return the faults that are switched on."""

    @property
    def ca_pem(self) -> bytes:
        """Return the certificate of the authority that clients have to trust."""

    def export(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return what all apps know."""

    def reset(self) -> None:
        """Go back to what there was when the emulator was made."""


@frozen
class Site:
    """The dashboard of one emulator.

    Attributes:
        emulator: The emulator.
        notes: What actions tell the pages after them.
        token: What every form of the dashboard holds, and no other page can know.
    """

    emulator: Emulated
    notes: Notes = field(factory=Notes)
    token: str = field(factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def app(self) -> App:
        """Return the app that the request's address names, or the first one.

        Raises:
            NotFound: There is no such app.
        """
        apps = self.emulator.apps
        app_id = request.args.get("app")
        if app_id is None:
            return next(iter(apps.values()))
        return apps[app_id] if app_id in apps else abort(404, f"There is no app {app_id}.")

    @property
    def service(self) -> Service:
        """Return what is behind that app: the dashboard sees deeper than Python programs do."""
        return self.app._service

    @property
    def state(self) -> State:
        """Return that app's users and auth tokens."""
        return self.service.state

    @property
    def roles(self) -> list[str]:
        """Return the ids of that app's roles."""
        return sorted(self.service.roles.ids())

    @property
    def note(self) -> Note:
        """Return what the page says at its top; the same for the whole request."""
        if "note" not in g:
            g.note = self.notes.take(request.args.get("note", ""))
        note: Note = g.note
        return note

    def handle(self, secret: str) -> str:
        """Return what stands for a secret in addresses and forms; it tells nothing about it."""
        digest = hmac.new(self.token.encode(), secret.encode(), hashlib.sha256)
        return digest.hexdigest()[:_HANDLE_LENGTH]

    def go(
        self, endpoint: str, text: str, *, kind: str = "good", shown: str = "", **values: Any
    ) -> Answer:
        """Return the answer to an action: the page to see next, which says what was done."""
        ticket = self.notes.leave(Note(text, kind, shown))
        return redirect(url_for(endpoint, **values, note=ticket), 303)

    def reveal(self, secret: str, endpoint: str, *, shown: str, **values: Any) -> Answer:
        """Return the answer to a wish to see or to copy a secret."""
        if request.accept_mimetypes.best == "application/json":
            return jsonify(secret=secret)
        return self.go(endpoint, "", shown=shown, **values)


View = Callable[..., Answer]


@frozen
class Page:
    """One address of the dashboard: its method, its path, what answers it."""

    method: str
    path: str
    view: View


def show(template: str, status: int = 200, **values: Any) -> tuple[str, int]:
    """Return a page made of a template."""
    return render_template(template, **values), status


def download(content: bytes | str, name: str, mimetype: str) -> Response:
    """Return a file for the browser to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, mimetype=mimetype)


def number(text: str) -> int:
    """Return the number in an address; what is none names a page that does not exist.

    Raises:
        NotFound: It is no whole number, or a longer one than anything has.
    """
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    return abort(404, "There is nothing of that number.")


def moment(seconds: float) -> datetime:
    """Return a unix time as this machine's local time."""
    return datetime.fromtimestamp(seconds).astimezone()


def initial(name: str) -> str:
    """Return the first letter of a name, for the picture that is not fetched from anywhere."""
    return next((letter.upper() for letter in name if letter.isalnum()), "?")


def is_web_link(text: str | None) -> bool:
    """Tell whether a URL may be made a link: others, such as ``javascript://``, may run."""
    return (text or "").lower().startswith(("http://", "https://"))


def pretty(value: Any) -> str:
    """Return a value as JSON that is easy to read."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def readable(body: str) -> str:
    """Return a body of the log easier to read; as it is where it is no JSON, or was cut."""
    try:
        return pretty(json.loads(body))
    except (ValueError, RecursionError):
        return body


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment,
    "initial": initial,
    "masked": mask,
    "pretty": pretty,
    "readable": readable,
}
