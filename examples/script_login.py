"""Log in from a script, stay logged in, and say what went wrong.

    python script_login.py APP_ID REGION
    python script_login.py APP_ID REGION --logout

REGION is us, eu or in, or the URL of an emulator. The auth token, which your server makes, comes
from the environment (COMETCHAT_AUTH_TOKEN) or is asked for without echo. It is needed once: the
session is kept in the keyring. Exit code 0: done; 1: it failed; 75: try again later;
130: interrupted by Ctrl-C.
"""

from __future__ import annotations

import getpass
import os
import sys
from typing import Final

from cometchat_auth import AppSettings, CometChat, CometChatException, SessionStoreError, User

TRY_LATER: Final = 75  # EX_TEMPFAIL, as mail programs have it
INTERRUPTED: Final = 130  # as shells report Ctrl-C


def find(chat: CometChat) -> User | None:
    """Return who is logged in, if anybody can tell, and if the service still knows the session."""
    try:
        if chat.get_logged_in_user() is None:
            return None
    except SessionStoreError as error:
        print(f"{error.message} Logging in anew.", file=sys.stderr)  # noqa: T201
        return None
    return chat.check_session().result()


def log_in(chat: CometChat) -> User:
    """Log in with an auth token, and say so if the session will not be kept."""
    token = os.environ.get("COMETCHAT_AUTH_TOKEN") or getpass.getpass("Auth token: ")
    user = chat.login(token).result()
    info = chat.session_info()
    if not info.persisted:
        print(f"The session is not kept ({info.reason}).", file=sys.stderr)  # noqa: T201
    return user


def run(app_id: str, where: str) -> None:
    """Log in, or out, and say who is logged in."""
    at_emulator = where.startswith("http")
    settings = AppSettings.for_emulator(where) if at_emulator else AppSettings(region=where)
    with CometChat(app_id, settings) as chat:
        if "--logout" in sys.argv:
            chat.logout().result()
            print("Nobody is logged in.")  # noqa: T201
        else:
            user = find(chat) or log_in(chat)
            print(f"{user.name} is logged in as {user.uid}.")  # noqa: T201


def main() -> int:
    """Do what the arguments say, and return the exit code."""
    words = [word for word in sys.argv[1:] if word != "--logout"]
    if len(words) != 2:
        sys.exit(__doc__)
    try:
        run(*words)
    except CometChatException as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        return TRY_LATER if error.retryable else 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
