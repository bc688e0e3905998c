"""CometChat authentication for scripts and desktop applications.

Everything public is here; it is loaded when it is first used, so that importing the package
costs next to nothing and neither `requests` nor `keyring` is imported before it is needed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from ._session import SessionInfo
    from .client import CometChat
    from .errors import (
        AuthenticationError,
        CallCancelledError,
        ClientClosedError,
        CometChatException,
        InvalidParameterError,
        LoginInProgressError,
        NoAnswerError,
        OutcomeUnknownError,
        RateLimitError,
        ServiceError,
        SessionStoreError,
    )
    from .events import LoginListener
    from .models import AppSettings, User
    from .sessions import KeyringStore, MemoryStore, SessionStore

__all__ = [
    "AppSettings",
    "AuthenticationError",
    "CallCancelledError",
    "ClientClosedError",
    "CometChat",
    "CometChatException",
    "InvalidParameterError",
    "KeyringStore",
    "LoginInProgressError",
    "LoginListener",
    "MemoryStore",
    "NoAnswerError",
    "OutcomeUnknownError",
    "RateLimitError",
    "ServiceError",
    "SessionInfo",
    "SessionStore",
    "SessionStoreError",
    "User",
    "__version__",
]

_HOME = {
    "AppSettings": "models",
    "CometChat": "client",
    "KeyringStore": "sessions",
    "LoginListener": "events",
    "MemoryStore": "sessions",
    "SessionInfo": "_session",
    "SessionStore": "sessions",
    "User": "models",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Load a public name from the module where it lives, once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOME.get(name, 'errors')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
