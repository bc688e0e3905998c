"""How Ctrl-C and SIGTERM end an import: at a point where nothing is lost."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any


class Stop:
    """Heeds Ctrl-C and SIGTERM inside a ``with`` block: a further one ends it at once.

    A second one that comes before the first was noticed, since somebody was impatient, is none.

    Args:
        said: Is called before the first one ends it.
    """

    def __init__(self, said: Callable[[], None]) -> None:
        self._said = said
        self._asked = 0
        self._has_said = False
        self._at_once = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if somebody asked to stop."""
        if self._asked:
            self._has_said = True
            self._said()
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Let it be ended within the block, which may wait for ever: for a pipe."""
        self._at_once = True  # before looking, so that no signal falls between
        try:
            self.check()
            yield
        finally:
            self._at_once = False

    def _heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's
        self._asked += 1
        if self._has_said or self._asked > 2:
            raise KeyboardInterrupt
        if self._at_once:
            self.check()
