"""For tests: the contract of session stores, stores that misbehave, and a guard of the network.

The contract needs pytest, the rest nothing. With pytest there are fixtures as well, which it finds
by itself: `cometchat_emulator`, `cometchat_client`, `cometchat_server`, `cometchat_memory_store`
and `cometchat_guard`.

A store of one's own goes through the contract like this, in a test module::

    from cometchat_auth.testing import SessionStoreContract

    class TestMyStore(SessionStoreContract):
        def make_store(self):
            return MyStore()

A program can be tried with a store at its worst::

    with CometChat(app_id, settings, session_store=LockedStore()) as chat:
        ...

And where pytest's fixtures do not reach, it can be seen to that no other host is reached::

    with no_network():
        ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._guard import Attempt, ForeignHostError, Guard, no_network
from ._store_doubles import DenyingStore, ForgetfulStore, FullStore, LockedStore, SlowStore

if TYPE_CHECKING:
    from ._store_contract import SessionStoreContract

__all__ = [
    "Attempt",
    "DenyingStore",
    "ForeignHostError",
    "ForgetfulStore",
    "FullStore",
    "Guard",
    "LockedStore",
    "SessionStoreContract",
    "SlowStore",
    "no_network",
]


def __getattr__(name: str) -> Any:
    """Load the contract when it is first used: it needs pytest."""
    if name != "SessionStoreContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    # Before it is imported, so that a failed assertion shows the values.
    pytest.register_assert_rewrite("cometchat_auth._store_contract")
    from ._store_contract import SessionStoreContract

    globals()[name] = SessionStoreContract
    return SessionStoreContract
