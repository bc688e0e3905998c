"""The emulators of a test run: started once, and as new for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from ._settings import AppSettings
from .emulator import Emulator

_KEPT: Final = 4  # with different options; each has threads and a port

# An emulator with one of these has something that the next test may want for itself.
_OWN: Final = frozenset({"port", "data"})

_PLAIN: Final = (str, int, float, type(None))  # bool is an int


@attrs.frozen
class Running:
    """An emulator that runs, and how a client reaches it."""

    emulator: Emulator
    settings: AppSettings


class Pool:
    """Lends running emulators to tests, one test at a time, each as if it were new.

    Those whose options are plain values are kept for later tests that ask for the same.

    Args:
        make_folder: Returns a new folder for files that clients need.
    """

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._kept: dict[Any, Running] = {}

    @contextlib.contextmanager
    def lend(self, options: Mapping[str, Any]) -> Iterator[Running]:
        """Lend an emulator with these options.

        Args:
            options: Keywords of `Emulator`.

        Raises:
            TypeError: `Emulator` has no such option.
            ValueError: A value cannot be used.
        """
        key = _key(options)
        if key is None:
            running = self._start(options)
            with running.emulator:
                yield running
        else:
            yield self._as_new(key) or self._keep(key, self._start(options))

    def close(self) -> None:
        """Stop all that were kept."""
        for running in self._kept.values():
            running.emulator.stop()
        self._kept.clear()

    def _as_new(self, key: Any) -> Running | None:
        """Return the emulator that is kept for some options, with nothing of earlier tests."""
        running = self._kept.pop(key, None)
        if running is None:
            return None
        try:
            running.emulator.start()  # a test may have stopped it
        except OSError:
            return None  # and something else has taken its port since
        running.emulator.reset()
        self._kept[key] = running
        return running

    def _start(self, options: Mapping[str, Any]) -> Running:
        emulator = Emulator(**options).start()
        if not options.get("tls"):
            return Running(emulator, AppSettings.for_emulator(emulator.url))
        path = self._make_folder() / "ca.pem"
        emulator.write_ca(path)
        # No proxy of the environment's: it could not reach this machine.
        settings = AppSettings.for_emulator(emulator.url, verify=str(path), proxies={})
        return Running(emulator, settings)

    def _keep(self, key: Any, running: Running) -> Running:
        """Keep an emulator, and stop the one that was not asked for the longest if need be."""
        self._kept[key] = running
        if len(self._kept) > _KEPT:
            self._kept.pop(next(iter(self._kept))).emulator.stop()
        return running


def _key(options: Mapping[str, Any]) -> Any:
    """Return what equal options have in common, or ``None`` if they are for one test only."""
    if _OWN & options.keys() or not all(isinstance(value, _PLAIN) for value in options.values()):
        return None
    return frozenset((name, type(value), value) for name, value in options.items())
