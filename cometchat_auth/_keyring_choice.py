"""Which back end of `keyring` is used: keyring's own choice, foretold where that is possible.

To choose, keyring imports every back end there is. On Linux 40 of the 56 ms are for the one of
macOS, which starts nine processes to look for its libraries.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from . import _late


def chosen() -> tuple[Any, bool]:
    """Return keyring's back end, and whether somebody has configured it.

    Raises:
        Exception: Whatever keyring raises where what is configured cannot be used.
    """
    untouched = "keyring" not in sys.modules
    with _late.IMPORTING:  # nothing that may hang: no keyring, no plug-in of others
        import keyring
        import keyring.backend

        kind = _secret_service() if untouched and _is_foregone() else None
    if kind is not None and (backend := _usable(kind)) is not None:
        keyring.set_keyring(backend)
        return backend, False
    backend = keyring.get_keyring()
    # What was configured is an object of its own; what is only installed is in the list.
    installed = keyring.backend.get_all_keyring()
    return backend, not any(backend is each for each in installed)


def _is_foregone() -> bool:
    """Return whether only the Secret Service can be chosen, if it is there.

    That is so on Linux if nothing is configured, no other distribution brings a back end, and
    neither KWallet's library nor libsecret's is installed.
    """
    if not sys.platform.startswith("linux") or "PYTHON_KEYRING_BACKEND" in os.environ:
        return False
    from keyring.util import platform_

    if (platform_.config_root() / "keyringrc.cfg").exists():
        return False
    if any(not entry.value.startswith("keyring.backends.") for entry in _installed()):
        return False
    return not any(name in sys.modules or find_spec(name) for name in ("dbus", "gi"))


def _installed() -> Iterable[Any]:
    """Return the entry points of all back ends."""
    # Before Python 3.12 keyring has imported the backport; a second library would take 10 ms.
    metadata: Any = sys.modules.get("importlib_metadata") or import_module("importlib.metadata")
    found: Iterable[Any] = metadata.entry_points(group="keyring.backends")
    return found


def _secret_service() -> Any:
    """Return the back end's class, if it can be imported."""
    try:
        return import_module("keyring.backends.SecretService").Keyring
    except Exception:  # then keyring will find out what else there is
        return None


def _usable(kind: Any) -> Any:
    """Return a back end of a class if there is a keyring for it."""
    try:
        return kind() if kind.viable else None
    except Exception:
        return None
