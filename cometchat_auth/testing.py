"""For tests: the contract that every session store has to keep, and stores that misbehave.

This module needs pytest; nothing else of the package imports it.

A store of one's own goes through the contract like this, in a test module::

    from cometchat_auth.testing import SessionStoreContract

    class TestMyStore(SessionStoreContract):
        def make_store(self):
            return MyStore()

And a program can be tried with a store at its worst::

    with CometChat(app_id, settings, session_store=LockedStore()) as chat:
        ...
"""

from __future__ import annotations

import pytest

from ._store_doubles import DenyingStore, ForgetfulStore, FullStore, LockedStore, SlowStore

# Before it is imported, so that a failed assertion shows the values.
pytest.register_assert_rewrite("cometchat_auth._store_contract")

from ._store_contract import SessionStoreContract  # noqa: E402

__all__ = [
    "DenyingStore",
    "ForgetfulStore",
    "FullStore",
    "LockedStore",
    "SessionStoreContract",
    "SlowStore",
]
