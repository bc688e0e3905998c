"""Take pictures of the command line, and of the dashboard and the windows of the tutorial.

    python -m tests.docs_pictures docs/pictures

Commands and programs run as they stand, with a real keyring and the emulator, the commands at a
terminal, the programs on a screen of their own. Folders and the system's version, which would be of
the machine that took the picture, are replaced.
"""

from __future__ import annotations

import io
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import certifi
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from cometchat_auth.emulator import Emulator

from .browser.chromium import chromium, look
from .desktop.screen import Screen
from .desktop.window import Window
from .secret_service import SecretService
from .terminal import ROOT, Terminal

PORT: Final = 8600
COLUMNS: Final = 130  # so that no line is broken; pictures are as wide as their longest line
PATIENCE: Final = 60.0  # seconds
USERS: Final = 400
DASHBOARD: Final = (1120, 550)  # pixels

_COLOURS: Final = {"default": "", "brown": "yellow"}  # the terminal's names, where rich has others

# As rich draws a terminal, but with a font that is there: a picture asks no other host for one.
_FORM: Final = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono",
 monospace; line-height: {line_height}px; font-variant-east-asian: full-width }}
.{unique_id}-title {{ font: bold 18px sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Terminals:
    """Takes pictures of commands, and puts them into a folder.

    Args:
        folder: Where the pictures go.
        env: The environment of the commands.
        home: The folder in which they run.
    """

    def __init__(self, folder: Path, env: dict[str, str], home: Path) -> None:
        self._folder = folder
        self._env = env
        self._home = home

    def take(self, name: str, *command: str) -> None:
        """Run a command of ours to its end, and take a picture of what stands there then."""
        words = [sys.executable, "-m", "cometchat_auth", *command]
        with Terminal(words, env=self._env, columns=COLUMNS, lines=60) as terminal:
            terminal.finish(PATIENCE)
            lines = list(_lines(terminal._screen))
        while lines and not lines[-1].plain.strip():
            lines.pop()
        shown = " ".join(["cometchat-auth", *command])
        text = Text.assemble(("$ ", "bold green"), self._clean(shown), "\n")
        for line in lines:
            text.append_text(self._cleaned(line)).append("\n")
        width = max(map(len, text.plain.splitlines()))
        console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
        console.print(text, end="", soft_wrap=True)
        path = self._folder / f"terminal-{name}.svg"
        console.save_svg(
            str(path), title="", theme=MONOKAI, code_format=_FORM, unique_id=f"terminal-{name}"
        )
        path.write_text(re.sub(r"[ \t]+$", "", path.read_text("utf-8"), flags=re.M), "utf-8")

    def _cleaned(self, line: Text) -> Text:
        clean = self._clean(line.plain)
        if clean == line.plain:
            return line
        return Text(clean, style=line.spans[0].style if line.spans else "")

    def _clean(self, text: str) -> str:
        for found, shown in (
            (f"{self._home}/", ""),
            (self._env["XDG_CONFIG_HOME"], "/home/ann/.config"),
            (str(Path(certifi.__file__).parent), "/home/ann/chat/.venv/certifi"),
            (platform.release(), "6.8.0"),
        ):
            text = text.replace(found, shown)
        return text


def _lines(screen: Any) -> Iterator[Text]:
    """Yield what stands on a screen of pyte's, with its colours."""
    for y in range(screen.lines):
        line = Text()
        for x in range(screen.columns):
            char = screen.buffer[y][x]
            colour = _COLOURS.get(char.fg, char.fg)
            style = f"#{colour}" if re.fullmatch(r"[0-9a-f]{6}", colour) else colour
            line.append(char.data, f"bold {style}" if char.bold else style)
        line.rstrip()
        yield line


def _dashboard(folder: Path, url: str) -> None:
    """Take one of the page that the tutorial has its reader open."""
    with chromium() as driver:
        look(driver, DASHBOARD)
        driver.get(url)
        driver.save_screenshot(str(folder / "tutorial-dashboard.png"))


def _windows(folder: Path, env: dict[str, str]) -> None:
    """Take one of the tutorial's first window, and one of its program."""
    programs = ROOT / "examples" / "tutorial"
    with Screen() as screen:
        with Window(screen, env, programs / "window.py") as window:
            window.see(lambda window: window.can_press("Log in"))
            window.press("Log in")
            window.see(lambda window: window.can_press("Log out"))
            screen.picture(folder / "tutorial-window.png")
            window.press("Log out")
            window.see(lambda window: window.can_press("Log in"))
        # Where nobody listens.
        with Window(screen, {**env, "BACKEND": "http://127.0.0.1:9"}, programs / "app.py") as app:
            app.see(lambda app: app.can_press("Log in"))
            app.fill(0, "andrew")
            app.fill(1, "correct horse")
            app.press("Log in")
            app.see(lambda app: any("online" in text for text in app.texts("label")))
            screen.picture(folder / "tutorial-app.png")


def main() -> None:
    """Take all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (
        Emulator(port=PORT) as service,
        SecretService() as keyring,
        tempfile.TemporaryDirectory() as home,
    ):
        env = {
            **keyring.env,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
            "COMETCHAT_APP_ID": service.app_id,
            "COMETCHAT_EMULATOR": service.url,
            "COMETCHAT_REST_API_KEY": service.rest_api_key,
        }
        _dashboard(folder, service.dashboard_url)
        terminals = Terminals(folder, env, Path(home))
        terminals.take("users", "users", "list")
        terminals.take("doctor", "doctor")
        rows = [f"guest-{number},Guest {number}" for number in range(USERS)]
        rows[70] = "guest 70,Guest 70"
        users = Path(home) / "users.csv"
        users.write_text("uid,name\n" + "\n".join(rows) + "\n", "utf-8")
        terminals.take("import", "users", "import", str(users))
        _windows(folder, {**env, "COMETCHAT_AUTH_KEY": service.auth_key})


if __name__ == "__main__":
    main()
