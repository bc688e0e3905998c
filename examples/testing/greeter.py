"""A small program to be tested: it greets whoever is logged in."""

from __future__ import annotations

from cometchat_auth import CometChat, CometChatException, SessionStoreError


def greet(chat: CometChat) -> str:
    """Return a greeting for whoever is logged in."""
    try:
        user = chat.get_logged_in_user()
    except SessionStoreError as error:
        return f"The keyring is {error.reason}."
    return "Please log in." if user is None else f"Hello, {user.name}!"


def greet_with(chat: CometChat, auth_token: str) -> str:
    """Log in and return a greeting, or what to do if that fails."""
    try:
        chat.login(auth_token).result()
    except CometChatException as error:
        return "Please try again later." if error.retryable else "Please ask for a new token."
    return greet(chat)
