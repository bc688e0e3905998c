"""Take the pictures of the two windows: ``python -m tests.desktop.pictures docs/pictures``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from cometchat_auth.emulator import Emulator

from ..secret_service import SecretService
from .screen import Screen
from .window import ROOT, Window

UID: Final = "cometchat-uid-1"


def take(name: str, folder: Path) -> None:
    """Take one of a program's window with a refused login, and one with somebody logged in."""
    with Emulator() as service, SecretService() as keyring, Screen() as screen:
        program = ROOT / "examples" / f"{name}_login.py"
        with Window(screen, keyring.env, program, service.app_id, service.url) as window:
            window.see(lambda window: window.can_press("Log in") and not window.all("spinner"))
            window.fill(0, UID)
            window.fill(1, "0" * 40)
            window.press("Log in")
            window.see(lambda window: "login_failure" in window.texts("log")[0])
            screen.picture(folder / f"{name}-refused.png")
            window.fill(1, service.auth_key)
            window.press("Log in")
            window.see(lambda window: "login_success" in window.texts("log")[0])
            window.see(lambda window: window.can_press("Log out"))
            screen.picture(folder / f"{name}-logged-in.png")


def main() -> None:
    """Take all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tkinter", "pyside6"):
        take(name, folder)


if __name__ == "__main__":
    main()
