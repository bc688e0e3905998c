"""Install the lowest versions that setup.cfg allows: ``python -m tests.lowest``.

They are those of the package itself and of its command line. They take the place of others in the
virtual environment that runs this; it does nothing outside of one.
"""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path
from typing import Final

SETUP: Final = Path(__file__).parent.parent / "setup.cfg"
# Not asked for by name; `requests` is content with its old major version.
BESIDES: Final = ("urllib3<2",)


def lowest() -> list[str]:
    """Return a requirement for each package, with its lowest version."""
    setup = configparser.ConfigParser()
    setup.read(SETUP, "utf-8")
    bounds = [setup["options"]["install_requires"], setup["options.extras_require"]["cli"]]
    needed = [line.strip() for text in bounds for line in text.splitlines() if line.strip()]
    return [each.replace(">=", "==") for each in needed]


def main() -> None:
    """Install them."""
    if len(sys.argv) > 1 or sys.prefix == sys.base_prefix:
        sys.exit(f"{__doc__}\nThis is {sys.executable}.")
    command = [sys.executable, "-m", "pip", "install", "--quiet", *lowest(), *BESIDES]
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
