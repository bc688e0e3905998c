"""Why a keyring failed: its exceptions, and those of what is below it, as this library's own."""

from __future__ import annotations

from typing import Final

from .errors import SESSION_STORE, SessionStoreError

# The class of keyring's exception (by name, since keyring may be absent) and our reason for it.
_REASONS: Final = {
    "NoKeyringError": "no_keyring",
    "KeyringLocked": "locked",
    "LockedException": "locked",
    "PromptDismissedException": "dismissed",
    "PasswordSetError": "denied",
    "PasswordDeleteError": "denied",
}
# The status of macOS's Security framework that keyring's exception was raised from.
_STATUSES: Final = {
    -128: "dismissed",  # userCanceledErr: the prompt was answered with "deny" or "cancel"
    -25244: "denied",  # errSecInvalidOwnerEdit: the item was made by another program
    -25293: "denied",  # errSecAuthFailed
    -25308: "locked",  # errSecInteractionNotAllowed: locked, and nobody can be asked
    -67030: "denied",  # errSecCSInfoPlistFailed: this program's signature is not whole
}
_REMEDIES: Final = {
    "no_keyring": "Install or start one (on Linux a Secret Service such as gnome-keyring) and "
    "restart this program, or pass another session_store.",
    "locked": "Unlock it, then call reload().",
    "dismissed": "Answer its prompt, then call reload().",
    "denied": "Allow this program to use it, then call reload().",
}


def translated(error: Exception, attempt: str) -> SessionStoreError:
    """Return the error to raise for one that came out of a keyring.

    Args:
        error: Whatever was raised.
        attempt: What was tried: ``"read"``, ``"write to"``, ``"delete from"``.
    """
    reason = _reason(error)
    what = (
        "There is no keyring to keep sessions in."
        if reason == "no_keyring"
        else f"Could not {attempt} the keyring ({type(error).__name__})."
    )
    remedy = _REMEDIES.get(reason, "See the error's __cause__, then call reload().")
    return SessionStoreError(SESSION_STORE, f"{what} {remedy}", reason=reason)


def _reason(error: Exception) -> str:
    if isinstance(error, ImportError):  # of anything else: a back end configured but broken
        return "no_keyring" if error.name == "keyring" else "error"
    status = _status(error)
    if status in _STATUSES:
        return _STATUSES[status]
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if "InitError" in kinds and "ismiss" in str(error):
        return "dismissed"
    return next((_REASONS[kind] for kind in kinds if kind in _REASONS), "error")


def _status(error: Exception) -> int | None:
    below = error.__cause__ or error.__context__  # the latter in older keyrings
    found = below.args[0] if below and below.args else None
    return found if isinstance(found, int) else None


def bare(error: Exception) -> Exception:
    """Return the error without its traceback, whose frames hold connections and the record."""
    error.__context__ = None
    return error.with_traceback(None)
