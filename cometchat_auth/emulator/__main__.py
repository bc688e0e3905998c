"""``python -m cometchat_auth.emulator``: for where the command line's own libraries are missing."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn, TextIO

from . import _command
from ._command import OPTIONS, Option
from ._emulator import Emulator

_INTERRUPTED: Final = 130  # what shells report for a program that Ctrl-C ended: 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the emulator until Ctrl-C or SIGTERM ends it.

    Exit codes: 0 if a signal ended it, 1 if it cannot run, with one line on standard error that
    says why, and 2 for a wrong use of the command line.
    """
    _heed_signals()
    values = vars(_parser().parse_args(arguments))
    try:
        emulator = _command.start(values)
        _serve(emulator, values)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has had enough; Python must not try again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (ImportError, ValueError, OSError) as error:
        sys.exit(f"Error: {_sentence(error)}")


def _serve(emulator: Emulator, values: dict[str, Any]) -> None:
    """Say that the emulator runs, and wait for the end."""
    try:
        _introduce(emulator, values)
        _wait_for_ever()
    except KeyboardInterrupt:
        if not values["json"]:
            _say("The emulator has ended.")
    finally:
        _command.finish(emulator, values)


def _introduce(emulator: Emulator, values: dict[str, Any]) -> None:
    """Print what a client needs in order to use the emulator."""
    if warning := _command.warning(values):
        _warn(warning)
    if values["json"]:
        _say(_command.as_json(emulator, values))
    else:
        for name, value in _command.facts(emulator, values):
            _say(f"{name + ':':<14}{value}")
        _say(f"\nA client for it:\n\n{_command.snippet(emulator, values)}")
        _say("\nThe emulator is running. Ctrl-C ends it.")
    if values["open"] and not _command.show_dashboard(emulator):
        _warn("No browser was found to open.")


def _say(text: str) -> None:
    _write(sys.stdout, text)


def _warn(text: str) -> None:
    _write(sys.stderr, f"Warning: {text}")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:  # a program without a console has none
        stream.write(f"{text}\n")
        stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cometchat_auth.emulator",
        description="Run CometChat's users and logins on this machine.",
        epilog="Ctrl-C or SIGTERM ends it, with exit code 0.",
        allow_abbrev=False,
    )
    for option in OPTIONS:
        _add(parser, option)
    return parser


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    if not option.metavar:
        parser.add_argument(option.flag, action="store_true", help=option.help)
        return
    parser.add_argument(
        option.flag,
        action="append" if option.several else "store",
        default=(os.environ.get(option.variable) or None) if option.variable else None,
        metavar=option.metavar,
        type=str if option.least is None else _Number(option.least, option.most),
        help=option.help + (f" [env: {option.variable}]" if option.variable else ""),
    )


class _Number:
    """Makes a number of a text, or says why it is none."""

    def __init__(self, least: int, most: int | None) -> None:
        self._least = least
        self._most = most

    def __call__(self, text: str) -> int:
        """Return the number."""
        limits = f"{self._least} or more" if self._most is None else f"{self._least}-{self._most}"
        try:
            number = int(text)
        except ValueError:
            number = self._least - 1
        if number < self._least or (self._most is not None and number > self._most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of {limits}")
        return number


def _heed_signals() -> None:
    """Let Ctrl-C and SIGTERM interrupt, also where the shell that started this ignores them."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _wait_for_ever() -> NoReturn:
    while True:
        time.sleep(0.5)  # not for long: a signal that comes just before it is heard after it


def _sentence(error: Exception) -> str:
    """Return what went wrong as one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return " ".join(text.split())


if __name__ == "__main__":
    main()
