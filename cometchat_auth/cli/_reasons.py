"""Why a session is not kept, or could not be looked at, in words."""

from __future__ import annotations

from typing import Final

# What `SessionInfo.reason` says -> what that means, and what to do about it.
_REASONS: Final = {
    "no_keyring": (
        "there is no keyring on this machine",
        "Install or start one; on Linux a Secret Service such as gnome-keyring.",
    ),
    "locked": ("the keyring is locked", "Unlock it and try again."),
    "dismissed": ("the keyring's prompt was dismissed", "Answer it and try again."),
    "timeout": (
        "the keyring did not answer in time",
        "Is it waiting for a password in another window?",
    ),
    "denied": ("the keyring refused it", "Allow this program to use it."),
    "not_retained": (
        "the keyring took it but does not give it back",
        "Configure another one for the keyring package.",
    ),
    "replaced": ("another program has logged in or out meanwhile", "Look again with whoami."),
}


def why(reason: str | None) -> str:
    """Return what a reason means, as part of a sentence."""
    return _REASONS[reason][0] if reason in _REASONS else "the keyring failed"


def remedy(reason: str | None) -> str:
    """Return what to do about it, in a sentence."""
    if reason in _REASONS:
        return _REASONS[reason][1]
    return "The command doctor looks at the keyring more closely."
