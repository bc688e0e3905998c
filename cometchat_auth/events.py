"""Login listeners: who is told when somebody logs in or out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .errors import CometChatException
    from .models import User

Dispatcher = Callable[[Callable[[], None]], object]
"""Anything that takes a function without arguments and sees to it that it is run once."""

Delivery = Callable[[], object]

EVENTS: Final = ("login_success", "login_failure", "logout_success", "logout_failure")


class LoginListener:
    """What to call when somebody logs in or out.

    Give the callbacks as keywords, or override the methods in a subclass. Any object with
    methods of these names serves as a listener as well.

    Args:
        login_success: Called with the `User` when who is logged in, or their token, has changed
            by a login.
        login_failure: Called with the `CometChatException` of a failed login.
        logout_success: Called without arguments when nobody is logged in any more.
        logout_failure: Called with the `CometChatException` that says what a logout did not
            achieve.

    Raises:
        TypeError: If a callback is not callable.
    """

    def __init__(
        self,
        *,
        login_success: Callable[[User], object] | None = None,
        login_failure: Callable[[CometChatException], object] | None = None,
        logout_success: Callable[[], object] | None = None,
        logout_failure: Callable[[CometChatException], object] | None = None,
    ) -> None:
        given = (login_success, login_failure, logout_success, logout_failure)
        for name, callback in zip(EVENTS, given, strict=True):
            require_callable(**{name: callback})
            if callback is not None:
                setattr(self, name, callback)

    def login_success(self, user: User) -> object:
        """Do nothing."""

    def login_failure(self, error: CometChatException) -> object:
        """Do nothing."""

    def logout_success(self) -> object:
        """Do nothing."""

    def logout_failure(self, error: CometChatException) -> object:
        """Do nothing."""


def require_callable(**callbacks: object) -> None:
    """Raise ``TypeError`` for the first that is neither callable nor ``None``."""
    for name, callback in callbacks.items():
        if callback is not None and not callable(callback):
            raise TypeError(f"{name} must be callable, not {type(callback).__name__}")


class ListenerBook:
    """The listeners of one client, in the order in which their ids were first added."""

    def __init__(self) -> None:
        # Each use of it is one operation that no other thread can come into; there is no lock,
        # which a fork could leave closed for ever.
        self._listeners: dict[str, object] = {}

    def add(self, listener_id: str, listener: object) -> None:
        """Add a listener, in place of the one with the same id."""
        self._listeners[listener_id] = listener

    def remove(self, listener_id: str) -> None:
        """Remove a listener; without one of this id do nothing."""
        self._listeners.pop(listener_id, None)

    def audience(self, event: str, *args: object) -> list[Delivery]:
        """Return what has to be delivered to those who are listening now."""
        return [_telling(listener, event, args) for listener in list(self._listeners.values())]


def _telling(listener: object, event: str, args: tuple[object, ...]) -> Delivery:
    def tell() -> None:
        callback = getattr(listener, event, None)
        if callback is not None:
            callback(*args)

    return tell
