"""``doctor``: where sessions are kept, and whether what is written there can be read again."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from .._storage import Ticket
from ..errors import SessionStoreError
from ..sessions import KeyringStore
from ._findings import Problem, Section
from ._reasons import remedy, why

if TYPE_CHECKING:
    from ._target import Target

T = TypeVar("T")

# Seconds for each use of the keyring; after the first that takes longer the others are refused.
_LIMIT: Final = 10.0

# Beside every session's, so that none is touched.
_SERVICE: Final = "cometchat_auth-doctor"

# Characters: more than the largest session that one item of Windows' Credential Manager holds.
_SIZE: Final = 2000

_VARIABLE: Final = "PYTHON_KEYRING_BACKEND"


def keyring_section(target: Target | None) -> Section:
    """Return what is known of the keyring, after something was written there and removed.

    Args:
        target: Whose session to look for, if that is known.
    """
    section = Section("Keyring")
    store = KeyringStore()
    try:
        names = _bounded(store.backends)
    except SessionStoreError as error:
        section.problems.append(_problem("use", store, error))
        return section
    section.facts["back_end"] = store.name
    if names != (store.name,):
        section.facts["made_of"] = list(names)
    section.facts["chosen_by"] = (
        _VARIABLE if os.environ.get(_VARIABLE) else "the keyring package or its configuration"
    )
    _try_out(store, section)
    if target is not None and not section.problems:
        _look_for_session(target, section)
    return section


def _try_out(store: KeyringStore, section: Section) -> None:
    """Write, read and remove an item; it is removed whatever happens."""
    name, text = secrets.token_hex(8), secrets.token_hex(_SIZE // 2)
    begin = time.monotonic()
    attempt, is_there = "write to", False
    try:
        _bounded(lambda: store.save(_SERVICE, name, text))
        attempt, is_there = "read", True
        if _bounded(lambda: store.load(_SERVICE, name)) != text:
            section.problems.append(_forgets())
    except SessionStoreError as error:
        section.problems.append(_problem(attempt, store, error))
        is_there = is_there or error.reason == "timeout"
    finally:
        _remove(store, name, section, is_there)
    if not section.problems:
        section.facts["trial"] = "an item was written, read and removed"
        section.facts["trial_took_ms"] = round(1000 * (time.monotonic() - begin))


def _remove(store: KeyringStore, name: str, section: Section, is_there: bool) -> None:
    try:
        _bounded(lambda: store.delete(_SERVICE, name), owner=name)
    except SessionStoreError as error:
        if not section.problems:
            section.problems.append(_problem("delete from", store, error))
        if is_there:
            section.facts["left_behind"] = f"perhaps an item named {_SERVICE!r}: remove it"


def _look_for_session(target: Target, section: Section) -> None:
    with target.client() as chat:
        info = chat.session_info()
    section.facts["sessions"] = f"item {info.service_name!r}, user name {info.profile!r}"
    section.facts["logged_in"] = info.user.uid if info.user is not None else "nobody"


def _bounded(operation: Callable[[], T], *, owner: str | None = None) -> T:
    """Return what the keyring answers, on the thread for it and within the limit.

    Args:
        operation: What to do there.
        owner: For something that has to be done later if it could not be done in time.

    Raises:
        SessionStoreError: If it failed, or did not answer in time.
    """
    ticket = Ticket(operation, _LIMIT, postpone_as=owner)
    ticket.block()
    return ticket.take()


def _problem(attempt: str, store: KeyringStore, error: SessionStoreError) -> Problem:
    cause = error.__cause__
    # keyring's own way of saying that there is none adds nothing.
    says_more = cause is not None and store.name != "keyring.backends.fail.Keyring"
    below = f" ({type(cause).__name__}: {cause})" if says_more else ""
    advice = remedy(error.reason) if error.reason in _KNOWN else _ELSE
    return Problem(
        f"Sessions are not kept. An attempt to {attempt} the keyring failed: "
        f"{why(error.reason)}{below}.",
        advice,
    )


def _forgets() -> Problem:
    return Problem(f"Sessions are not kept: {why('not_retained')}.", remedy("not_retained"))


_KNOWN: Final = {"no_keyring", "locked", "dismissed", "timeout", "denied"}
_ELSE: Final = "Configure another back end for the keyring package, or repair this one."
