"""Be told of every login and logout."""

import os

from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener, User


def logged_in(user: User) -> None:
    print(f"login_success: {user.name}")


def not_logged_in(error: CometChatException) -> None:
    print(f"login_failure: {error.code}")


settings = AppSettings.for_emulator(os.environ["COMETCHAT_EMULATOR"])
key = os.environ["COMETCHAT_AUTH_KEY"]
listener = LoginListener(
    login_success=logged_in,
    login_failure=not_logged_in,
    logout_success=lambda: print("logout_success"),
)

with CometChat("emulator-app", settings) as chat:
    chat.add_login_listener("tutorial", listener)
    chat.login("nobody", key).exception()  # waits, and returns the error
    chat.login("cometchat-uid-2", key).result()
    chat.logout().result()
