"""A window that logs in."""

import os
import tkinter as tk
from tkinter import ttk

from cometchat_auth import AppSettings, CometChat, CometChatException, User
from cometchat_auth.dispatchers import for_tkinter


def show(user: User | None) -> None:
    status.configure(text=f"{user.name} is logged in." if user else "Nobody is logged in.")
    button.configure(text="Log out" if user else "Log in", state="normal")
    button.configure(command=log_out if user else log_in)


def complain(error: CometChatException) -> None:
    status.configure(text=error.message)
    button.configure(state="normal")


def log_in() -> None:
    button.configure(state="disabled")
    key = os.environ["COMETCHAT_AUTH_KEY"]
    chat.login(entry.get(), key, on_success=show, on_error=complain)


def log_out() -> None:
    button.configure(state="disabled")
    chat.logout(on_success=show, on_error=complain)


root = tk.Tk()
root.title("Chat")
entry = ttk.Entry(root, width=40)
entry.insert(0, "cometchat-uid-1")
button = ttk.Button(root, text="Log in", state="disabled", command=log_in)
status = ttk.Label(root, text="One moment ...", wraplength=320)
for part in (entry, button, status):
    part.pack(padx=20, pady=10, fill="x")

settings = AppSettings.for_emulator(os.environ["COMETCHAT_EMULATOR"])
with CometChat("emulator-app", settings, dispatcher=for_tkinter(root)) as chat:
    chat.reload(on_success=show, on_error=complain)
    root.mainloop()
