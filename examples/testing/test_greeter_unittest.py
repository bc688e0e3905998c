"""The same without pytest: ``python -m unittest test_greeter_unittest``."""

from __future__ import annotations

import unittest
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

from greeter import greet, greet_with

from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator
from cometchat_auth.testing import no_network

T = TypeVar("T")


class GreeterTest(unittest.TestCase):
    """Each test finds the emulator as new, and reaches no other host."""

    service: Emulator

    @classmethod
    def setUpClass(cls) -> None:
        """Start the emulator once; that takes a fraction of a second."""
        cls.service = Emulator().start()
        cls.addClassCleanup(cls.service.stop)

    def setUp(self) -> None:
        """Put the emulator back to its beginning, which takes no time, and make a client."""
        self.service.reset()
        self.enter(no_network())
        settings = AppSettings.for_emulator(self.service.url)
        self.chat = self.enter(
            CometChat(self.service.app_id, settings, session_store=MemoryStore())
        )

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Enter a context for this test; Python 3.11 has ``enterContext`` for that."""
        stack = ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(manager)

    def test_nobody(self) -> None:
        """Without a session one is asked to log in."""
        self.assertEqual(greet(self.chat), "Please log in.")  # noqa: PT009

    def test_login(self) -> None:
        """Whoever logs in is greeted by name."""
        token = self.service.create_auth_token("cometchat-uid-1")
        self.assertEqual(greet_with(self.chat, token), "Hello, Andrew Joseph!")  # noqa: PT009


if __name__ == "__main__":
    unittest.main()
