"""The forms in which a client's methods may be called; anything else is a `TypeError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import _checks
from .events import EVENTS, require_callable

if TYPE_CHECKING:
    from .sessions import SessionStore


class _Absent:
    """The default of an argument for which ``None`` is a value: a missing one."""

    def __repr__(self) -> str:
        return "<not given>"


ABSENT: Final[Any] = _Absent()


def login_form(
    args: tuple[object, ...], uid: object, auth_key: object, auth_token: object
) -> tuple[object, object, object]:
    """Return uid, auth key and auth token as given in either form; `ABSENT` for what was not.

    One argument is a token because it is one argument, not because a second one is ``None``:
    ``login(uid, os.environ.get("KEY"))`` must never become a login with a token.

    Raises:
        TypeError: If it is neither form, or something is no text.
    """
    if len(args) == 1 and uid is ABSENT and auth_token is ABSENT:
        uid, auth_token = (ABSENT, args[0]) if auth_key is ABSENT else (args[0], ABSENT)
    elif len(args) == 2 and uid is ABSENT and auth_key is ABSENT:
        uid, auth_key = args
    elif args:
        raise TypeError(_FORMS)
    by_key = uid is not ABSENT and auth_key is not ABSENT and auth_token is ABSENT
    by_token = auth_token is not ABSENT and uid is ABSENT and auth_key is ABSENT
    if not by_key and not by_token:
        raise TypeError(_FORMS)
    given = {"uid": uid, "auth_key": auth_key, "auth_token": auth_token}
    _checks.types(**{name: value for name, value in given.items() if value is not ABSENT})
    return uid, auth_key, auth_token


_FORMS: Final = "login takes an auth token, or a uid and an auth key"


def require(timeout: object, **callbacks: object) -> None:
    """Raise ``TypeError`` unless the time-out is a number and the callbacks can be called."""
    require_callable(**callbacks)
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float))):
        raise TypeError(f"timeout must be a number of seconds, not {type(timeout).__name__}")


def require_listener(listener: object) -> None:
    """Raise ``TypeError`` unless the object has at least one method of a listener."""
    if not any(callable(getattr(listener, event, None)) for event in EVENTS):
        raise TypeError(
            f"listener must have a method named {', '.join(EVENTS[:-1])} or {EVENTS[-1]}; "
            f"a {type(listener).__name__} has none"
        )


def store(given: SessionStore | None) -> SessionStore | None:
    """Return the store that was given, if one was.

    Raises:
        TypeError: If it lacks a method of `SessionStore`.
    """
    for method in ("load", "save", "delete"):
        if given is not None and not callable(getattr(given, method, None)):
            raise TypeError(
                f"session_store must have the methods load, save and delete; "
                f"a {type(given).__name__} has no {method}"
            )
    return given
