"""``python -m cometchat_auth``, and the console script ``cometchat-auth``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say in one line what it takes to have one."""
    try:
        from .cli import cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"click", "rich"}:
            raise
        sys.exit(
            "The command line needs click and rich, which are not installed. "
            'Install them with: pip install "cometchat-auth[cli]"'
        )
    cli(prog_name="cometchat-auth")


if __name__ == "__main__":
    main()
