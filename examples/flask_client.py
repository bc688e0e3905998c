"""Log in at `flask_backend.py`, and at CometChat with the auth token that it hands out.

    python flask_client.py http://127.0.0.1:5000 APP_ID REGION NAME

REGION is us, eu or in, or the URL of an emulator. The password is asked for. The session is kept
in the keyring, so that neither password nor backend is needed the next time.
"""

from __future__ import annotations

import getpass
import sys
from typing import Final

import requests

from cometchat_auth import AppSettings, CometChat, CometChatException, User

TIMEOUT: Final = 15.0  # seconds


def log_in(chat: CometChat, server: str, name: str, password: str) -> User:
    """Log in with a name and password of the backend's.

    Args:
        chat: The client, which keeps the session.
        server: URL of the backend; ``https``, unless it is on this machine.
        name: Who.
        password: The password at the backend. CometChat never sees it.

    Returns:
        The user who is logged in.

    Raises:
        PermissionError: If the backend refuses; its reason is the message.
        CometChatException: If CometChat does.
    """
    credentials = {"name": name, "password": password}
    # No redirect is followed: the password is for this server alone.
    answer = requests.post(
        f"{server}/login", json=credentials, timeout=TIMEOUT, allow_redirects=False
    )
    if answer.status_code != 200:
        raise PermissionError(answer.json()["error"])
    return chat.login(answer.json()["auth_token"]).result()


def run(server: str, app_id: str, where: str, name: str) -> User:
    """Return who is logged in; log in if nobody is."""
    at_emulator = where.startswith("http")
    settings = AppSettings.for_emulator(where) if at_emulator else AppSettings(region=where)
    with CometChat(app_id, settings) as chat:
        # Asked, since a change of password at the backend ends every session.
        return chat.check_session().result() or log_in(chat, server, name, getpass.getpass())


def main() -> None:
    """Do what the arguments say, or say what went wrong."""
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        user = run(*sys.argv[1:])
    except (PermissionError, CometChatException, requests.RequestException) as error:
        sys.exit(str(error))
    print(f"{user.name} is logged in as {user.uid}.")  # noqa: T201


if __name__ == "__main__":
    main()
