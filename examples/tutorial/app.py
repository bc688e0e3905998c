"""A desktop program that logs in with a name and a password, and stays logged in."""

from __future__ import annotations

import os
import tkinter as tk
from concurrent.futures import Future, ThreadPoolExecutor
from tkinter import ttk

import requests

from cometchat_auth import (
    AppSettings,
    CometChat,
    CometChatException,
    LoginListener,
    NoAnswerError,
    SessionStoreError,
    User,
)
from cometchat_auth.dispatchers import for_tkinter

EMULATOR = os.environ.get("COMETCHAT_EMULATOR", "http://127.0.0.1:8600")
BACKEND = os.environ.get("BACKEND", "http://127.0.0.1:5000")


def fetch_auth_token(name: str, password: str) -> str:
    """Ask your own server for an auth token; this takes a while."""
    answer = requests.post(
        f"{BACKEND}/login",
        json={"name": name, "password": password},
        timeout=10,
        allow_redirects=False,  # the password is for this server alone
    )
    if answer.status_code == 401:
        raise PermissionError("Wrong name or password.")
    answer.raise_for_status()
    return str(answer.json()["auth_token"])


def explain(error: BaseException) -> str:
    """Return what to tell the person in front of the window."""
    if isinstance(error, PermissionError):
        return str(error)
    if isinstance(error, SessionStoreError):
        return f"The keyring could not be read ({error.reason}). You can log in all the same."
    if isinstance(error, (NoAnswerError, requests.RequestException)):
        return "The chat cannot be reached. Are you online?"
    if isinstance(error, CometChatException) and error.retryable:
        return "The chat is busy. Please try again in a moment."
    return f"This did not work: {error}"


class Window(ttk.Frame):
    """Asks for name and password, or shows who is logged in."""

    def __init__(self, root: tk.Tk, pool: ThreadPoolExecutor) -> None:
        super().__init__(root, padding=20)
        self.pool, self.post = pool, for_tkinter(root)
        settings = AppSettings.for_emulator(EMULATOR)
        self.chat = CometChat("emulator-app", settings, dispatcher=self.post)
        self.name, self.password = ttk.Entry(self, width=40), ttk.Entry(self, show="*")
        self.button = ttk.Button(self, text="Log in", state="disabled")
        self.status = ttk.Label(self, text="One moment ...", wraplength=320)
        ttk.Label(self, text="Name").pack(fill="x")
        self.name.pack(fill="x")
        ttk.Label(self, text="Password").pack(fill="x", pady=(12, 0))
        self.password.pack(fill="x")
        self.button.pack(fill="x", pady=12)
        self.status.pack(fill="x")
        # If the service ends the session, the form comes back.
        listener = LoginListener(logout_success=lambda: self.show(None))
        self.chat.add_login_listener("window", listener)
        self.chat.reload(on_success=self.found, on_error=self.failed)

    def found(self, user: User | None) -> None:
        """Show the session that the last start has left, and ask whether it still lives."""
        self.show(user)
        if user is not None:
            self.chat.check_session()

    def log_in(self) -> None:
        """Ask the server for a token on a thread of the pool: the window does not wait."""
        self.button.configure(state="disabled")
        asked = self.pool.submit(fetch_auth_token, self.name.get(), self.password.get())
        asked.add_done_callback(lambda done: self.post(lambda: self.got_token(done)))

    def got_token(self, done: Future[str]) -> None:
        """Log in with the token."""
        if (error := done.exception()) is not None:
            self.failed(error)
        else:
            self.chat.login(done.result(), on_success=self.show, on_error=self.failed)

    def log_out(self) -> None:
        """Log out; whatever happens, nobody is logged in here afterwards."""
        self.button.configure(state="disabled")
        self.chat.logout(on_success=self.show, on_error=lambda _: self.show(None))

    def show(self, user: User | None) -> None:
        """Show who is logged in, or the form."""
        self.password.delete(0, "end")
        self.status.configure(text=f"{user.name} is logged in." if user else "Please log in.")
        self.button.configure(text="Log out" if user else "Log in", state="normal")
        self.button.configure(command=self.log_out if user else self.log_in)

    def failed(self, error: BaseException) -> None:
        """Say what went wrong, and let the person try again."""
        self.show(None)
        self.status.configure(text=explain(error))


def main() -> None:
    """Open the window and wait until it is closed."""
    root = tk.Tk()
    root.title("Chat")
    with ThreadPoolExecutor(1) as pool:
        window = Window(root, pool)
        window.pack()
        with window.chat:
            root.mainloop()


if __name__ == "__main__":
    main()
