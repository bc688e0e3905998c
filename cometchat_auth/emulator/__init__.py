"""CometChat's users and logins on your own machine, for development and tests.

What it imitates: the REST API's users, auth tokens, API keys and roles, and the client API's
``/me``, below ``/v3`` and ``/v3.0``; a plan's quota of users and the rate limit, where told to.
Nothing else is imitated: every other path answers ``ERR_API_NOT_FOUND``, never a guess, roles
restrict nobody, and nobody is ever online. It needs no account and no network, and listens on the
loopback interface only unless told::

    from cometchat_auth import AppSettings, CometChat
    from cometchat_auth.emulator import Emulator

    with Emulator() as service:
        chat = CometChat(service.app_id, AppSettings.for_emulator(service.url))
        user = chat.login("cometchat-uid-1", service.auth_key).result()

It shares no code with the client, so that the two cannot share a mistake.
"""

from __future__ import annotations

try:
    from ._direct import App
    from ._emulator import Emulator
    from ._faults import Fault
    from ._faults_list import ActiveFault, Faults
    from ._log import Entry, RequestLog
except ModuleNotFoundError as _error:
    if (_error.name or "").partition(".")[0] not in {"cheroot", "flask", "werkzeug"}:
        raise
    raise ImportError(
        "The emulator needs Flask and Cheroot, which are not installed. "
        'Install them with: pip install "cometchat-auth[emulator]"',
        name=_error.name,
    ) from _error

__all__ = ["ActiveFault", "App", "Emulator", "Entry", "Fault", "Faults", "RequestLog"]
