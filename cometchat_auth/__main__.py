"""``python -m cometchat_auth``, and the console script ``cometchat-auth``."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> None:
    """Run the command line, or say in one line what it takes to have one."""
    missing = [name for name in ("click", "rich", "platformdirs") if find_spec(name) is None]
    if missing:
        sys.exit(
            f"The command line needs packages that are not installed: {', '.join(missing)}. "
            'Install them with: pip install "cometchat-auth[cli]"'
        )
    try:
        from .cli import cli
    except KeyboardInterrupt:  # later ones are told of in a line
        sys.exit(130)
    cli(prog_name="cometchat-auth")


if __name__ == "__main__":
    main()
