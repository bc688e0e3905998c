"""The dashboard's pages about faults: what goes wrong on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final

from flask import abort, request

from ._dashboard_kinds import (
    DELAYS,
    HOW_OFTEN,
    KINDS,
    FormField,
    Kind,
    WrongField,
    read_fault,
    which_fields,
)
from ._dashboard_site import Answer, Page, Site, number, show
from ._faults import AFTER, BEFORE, BODY, HEADERS, Fault

_CUTS: Final = {
    BEFORE: "connection cut before the request is carried out",
    AFTER: "connection cut after the request was carried out",
    BODY: "connection cut in the middle of the answer",
}
_HANGS: Final = {
    BEFORE: "no answer, nothing is carried out",
    AFTER: "no answer, but the request is carried out",
}


def faults(site: Site) -> Answer:
    """Show the faults that there are, and the kinds that can be added."""
    return show("faults.html", active=list(site.emulator.faults), kinds=KINDS)


def new_fault(site: Site, kind: str) -> Answer:
    """Show the form for a fault of a kind."""
    chosen = _kind(kind)
    texts = {each.name: each.initial for each in _all_fields(site, chosen)}
    return _fault_form(site, chosen, texts)


def add_fault(site: Site, kind: str) -> Answer:
    """Add the fault that the form describes, or show what is wrong with it."""
    chosen = _kind(kind)
    texts = {name: text.replace("\r\n", "\n") for name, text in request.form.items()}
    try:
        added = site.emulator.faults.add(read_fault(_all_fields(site, chosen), texts))
    except WrongField as error:
        return _fault_form(site, chosen, texts, wrong=error.wrong)
    return site.go("faults", f"Fault {added} was added. It holds from the next request on.")


def remove_fault(site: Site, text: str) -> Answer:
    """Remove one fault."""
    wanted = number(text)
    with suppress(LookupError):  # what is gone already is what was wished for
        site.emulator.faults.remove(wanted)
    return site.go("faults", f"Fault {wanted} was removed.")


def clear_faults(site: Site) -> Answer:
    """Remove all faults."""
    site.emulator.faults.clear()
    return site.go("faults", "All faults were removed.")


def what_happens(fault: Fault) -> str:
    """Return in words what a fault does to a request."""
    text = ", ".join(_effects(fault))
    return text[:1].upper() + text[1:]


def which_requests(fault: Fault) -> str:
    """Return in words which requests meet a fault."""
    parts = [fault.method, fault.path, fault.call]
    if fault.uid is not None:
        parts.append(f"user {fault.uid}")
    if fault.app_id is not None:
        parts.append(f"app {fault.app_id}")
    return " · ".join(part for part in parts if part) or "Every request"


def how_often(fault: Fault) -> str:
    """Return in words how often a fault happens."""
    parts = []
    if fault.times is not None:
        parts.append("once" if fault.times == 1 else f"{fault.times} times")
    if fault.probability < 1:
        parts.append(f"with probability {fault.probability:g}")
    if fault.skip:
        parts.append(f"after {fault.skip} that go well")
    if fault.seed is not None:
        parts.append(f"seed {fault.seed}")
    return ", ".join(parts) or "always"


def _effects(fault: Fault) -> Iterator[str]:
    if fault.latency or fault.jitter:
        more = f" to {fault.latency + fault.jitter:g}" if fault.jitter else ""
        yield f"waits {fault.latency:g}{more} s"
    if fault.hang is not None:
        yield _HANGS[fault.hang]
    if fault.cut is not None:
        yield _CUTS[fault.cut] + (", by a reset" if fault.reset else "")
    if fault.status is not None:
        yield f"answers {fault.status}"
    if fault.rate_limit is not None:
        yield f"answers 429, to be tried again after {fault.rate_limit} s"
    if fault.carried_out:
        yield "although the request is carried out"
    if fault.drip is not None:
        what = "everything" if fault.drip_from == HEADERS else "the body"
        yield f"{what} drips, {fault.drip:g} s for each byte"


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind.name == name:
            return kind
    return abort(404, f"There is no kind of fault called {name}.")


def _parts(site: Site, kind: Kind) -> dict[str, tuple[FormField, ...]]:
    """Return the fields of a kind's form, in parts with titles."""
    return {
        "What happens": (*kind.fields, *DELAYS),
        "Which requests": which_fields(list(site.emulator.apps)),
        "How often": HOW_OFTEN,
    }


def _all_fields(site: Site, kind: Kind) -> tuple[FormField, ...]:
    return tuple(each for fields in _parts(site, kind).values() for each in fields)


def _fault_form(
    site: Site,
    kind: Kind,
    texts: Mapping[str, str],
    *,
    wrong: Mapping[str, list[str]] | None = None,
) -> Answer:
    values = {"kind": kind, "form_parts": _parts(site, kind), "texts": texts}
    return show("fault_form.html", 400 if wrong else 200, wrong=wrong or {}, **values)


FILTERS: Final = {
    "what_happens": what_happens,
    "which_requests": which_requests,
    "how_often": how_often,
}

PAGES: Final = (
    Page("GET", "/dashboard/faults", faults),
    Page("GET", "/dashboard/faults/new/<kind>", new_fault),
    Page("POST", "/dashboard/faults/new/<kind>", add_fault),
    Page("POST", "/dashboard/faults/<text>/remove", remove_fault),
    Page("POST", "/dashboard/faults/clear", clear_faults),
)
