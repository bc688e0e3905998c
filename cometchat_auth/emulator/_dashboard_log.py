"""The dashboard's pages about the requests that the emulator was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flask import Response, abort, render_template, request

from ._dashboard_site import Answer, Page, Site, number, show
from ._log import Entry

_ROWS: Final = 100  # entries on the page when it is loaded

_FIRST_ERROR: Final = 400  # statuses from here on say that something went wrong

_OUTCOMES: Final[Mapping[str, Callable[[Entry], bool]]] = {
    "any": lambda _: True,
    "good": lambda entry: entry.status is not None and entry.status < _FIRST_ERROR,
    "bad": lambda entry: entry.status is None or entry.status >= _FIRST_ERROR,
    "fault": lambda entry: entry.fault is not None,
}


def requests(site: Site) -> Answer:
    """Show the latest requests that match the filter."""
    log = site.emulator.requests
    last = log.last_number
    found = _matching(log.since(0))
    return show(
        "requests.html",
        entries=found[:_ROWS],
        total=len(found),
        last=max((entry.number for entry in found), default=last),
        search=_search(),
        outcome=_outcome(),
    )


def request_rows(site: Site) -> Answer:
    """Return the rows of the requests after the one whose number is given, newest first.

    The header ``X-Last-Number`` says where to go on.
    """
    log = site.emulator.requests
    # Asked for first: what arrives in between is among the new ones, or comes with the next look.
    last, after = log.last_number, request.args.get("after", 0, int)
    # A number that was never reached is one of an emulator that ran here before.
    new = log.since(after if after <= last else 0)
    last = max((entry.number for entry in new), default=last)
    rows = render_template("request_rows.html", entries=_matching(new)[:_ROWS], fresh=True)
    return Response(rows, headers={"X-Last-Number": str(last)})


def request_details(site: Site, text: str) -> Answer:
    """Show everything that the log knows about one request."""
    wanted = number(text)
    for entry in site.emulator.requests:
        if entry.number == wanted:
            return show("request.html", entry=entry)
    return abort(404, f"The log has no request {wanted} any more: it keeps the latest only.")


def clear_requests(site: Site) -> Answer:
    """Forget all requests."""
    site.emulator.requests.clear()
    return site.go("requests", "The log was cleared.")


def _matching(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries that the address's filter lets through, newest first."""
    text, wanted = _search().casefold(), _OUTCOMES[_outcome()]
    found = [entry for entry in entries if wanted(entry) and text in _words(entry)]
    return found[::-1]


def _words(entry: Entry) -> str:
    """Return what a search looks at."""
    facts: tuple[Any, ...] = (
        entry.method,
        entry.path,
        entry.call,
        entry.uid,
        entry.app_id,
        entry.status,
        entry.code,
    )
    return " ".join(str(fact) for fact in facts if fact is not None).casefold()


def _search() -> str:
    return request.args.get("search", "").strip()


def _outcome() -> str:
    chosen = request.args.get("outcome", "")
    return chosen if chosen in _OUTCOMES else "any"


PAGES: Final = (
    Page("GET", "/dashboard/requests", requests),
    Page("GET", "/dashboard/requests/rows", request_rows),
    Page("GET", "/dashboard/requests/<text>", request_details),
    Page("POST", "/dashboard/requests/clear", clear_requests),
)
