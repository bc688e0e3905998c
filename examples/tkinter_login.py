"""A login window with tkinter.

    python tkinter_login.py APP_ID REGION

REGION is us, eu or in. To try it without an account, run ``cometchat-auth emulator`` in another
terminal, and give the app id and the URL that it prints.
"""

from __future__ import annotations

import sys
import time
import tkinter as tk
from tkinter import ttk

from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener, User
from cometchat_auth.dispatchers import for_tkinter

PAPER, LINE, RED = "#fafafa", "#d8dae0", "#b3261e"
BLUE, DARK_BLUE, PALE_BLUE = "#3451d1", "#2a41a8", "#a9b4e4"


class LoginForm(ttk.Frame):
    """Asks for a user id and the auth key, or for an auth token."""

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent)
        self.uid, self.key, self.token = tk.StringVar(), tk.StringVar(), tk.StringVar()
        ttk.Label(self, text="Log in", style="Title.TLabel").pack(anchor="w", pady=(0, 12))
        self.tabs = ttk.Notebook(self)
        self.tabs.pack(fill="x")
        self.add_tab("Auth key", {"User id": (self.uid, ""), "Auth key": (self.key, "•")})
        self.token_tab = self.add_tab("Auth token", {"Auth token": (self.token, "•")})
        self.button = ttk.Button(self, text="Log in", style="Main.TButton")
        self.button.pack(fill="x", pady=(12, 0))

    def add_tab(self, title: str, fields: dict[str, tuple[tk.StringVar, str]]) -> ttk.Frame:
        """Add a tab with an entry for each field; what is secret shows as dots."""
        tab = ttk.Frame(self.tabs, padding=12)
        tab.columnconfigure(1, weight=1)
        for row, (name, (value, show)) in enumerate(fields.items()):
            ttk.Label(tab, text=name).grid(row=row, column=0, sticky="w", padx=(0, 12), pady=6)
            ttk.Entry(tab, textvariable=value, show=show).grid(row=row, column=1, sticky="ew")
        self.tabs.add(tab, text=title)
        return tab

    def credentials(self) -> tuple[str, ...]:
        """Return the arguments for ``CometChat.login``."""
        if self.token_tab.winfo_viewable():
            return (self.token.get().strip(),)
        return self.uid.get().strip(), self.key.get().strip()

    def forget_secrets(self) -> None:
        """Empty the entries that hold credentials."""
        self.key.set("")
        self.token.set("")


class Profile(ttk.Frame):
    """Shows who is logged in."""

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent)
        self.name = ttk.Label(self, style="Title.TLabel")
        self.name.pack(anchor="w")
        self.uid = ttk.Label(self)
        self.uid.pack(anchor="w", pady=(4, 12))
        self.button = ttk.Button(self, text="Log out", style="Main.TButton")
        self.button.pack(fill="x")

    def show(self, user: User) -> None:
        """Show this user."""
        self.name.configure(text=user.name or user.uid)
        self.uid.configure(text=f"Logged in as {user.uid}")


class LoginWindow(ttk.Frame):
    """Shows who is logged in, or the form, and what is going on."""

    def __init__(self, root: tk.Tk, chat: CometChat) -> None:
        super().__init__(root, padding=24)
        self.chat = chat
        self.form, self.profile = LoginForm(self), Profile(self)
        self.form.button.configure(command=self.log_in)
        self.profile.button.configure(command=self.log_out)
        root.bind("<Return>", lambda _: self.form.button.invoke())  # does nothing while disabled
        self.spinner = ttk.Progressbar(self, mode="indeterminate")
        self.error = ttk.Label(self, style="Error.TLabel", wraplength=400)
        self.log = tk.Text(self, height=4, width=48, state="disabled", takefocus=False)
        self.log.configure(relief="flat", padx=8, pady=8, font="TkFixedFont")
        self.log.configure(highlightthickness=1, highlightbackground=LINE)
        parts = (self.form, self.profile, self.spinner, self.error, self.log)
        for row, part in enumerate(parts):
            part.grid(row=row, sticky="nsew", pady=(12 if row > 1 else 0, 0))
        self.columnconfigure(0, weight=1)
        self.rowconfigure(len(parts) - 1, weight=1)

        listener = LoginListener(
            login_success=lambda user: self.note(f"login_success: {user.name}"),
            login_failure=lambda error: self.note(f"login_failure: {error.code}"),
            logout_success=self.ended,
            logout_failure=lambda error: self.note(f"logout_failure: {error.code}"),
        )
        chat.add_login_listener("login window", listener)
        self.show(None)
        self.wait()
        # The keyring may be slow, or ask for a password: the window does not wait for it.
        chat.reload(on_success=self.found, on_error=self.could_not_look)

    def found(self, user: User | None) -> None:
        """Go straight to the profile if there is a session."""
        self.show(user)
        if user is not None:
            self.note(f"found the session of {user.name}")
            self.chat.check_session()  # if the service has ended it, logout_success follows

    def could_not_look(self, error: CometChatException) -> None:
        """Say why nobody could tell whether there is a session; logging in works all the same."""
        self.ready()
        why = f"The keyring could not be read ({error.reason})."
        self.error.configure(text=f"{why} Unlock it and start again, or log in.")

    def log_in(self) -> None:
        """Log in with what was typed."""
        self.wait()
        self.chat.login(*self.form.credentials(), on_success=self.show, on_error=self.failed)

    def log_out(self) -> None:
        """Log out."""
        self.wait()
        self.chat.logout(on_success=self.show, on_error=self.logged_out_but)

    def logged_out_but(self, error: CometChatException) -> None:
        """Say what a logout did not achieve; nobody is logged in here all the same."""
        self.show(None)
        self.failed(error)

    def ended(self) -> None:
        """Ask anew when the session has ended, here or on the service."""
        self.note("logout_success")
        self.show(None)

    def show(self, user: User | None) -> None:
        """Show the profile of a user, or the form."""
        self.ready()
        if user is None:
            self.profile.grid_remove()
            self.form.grid()
        else:
            self.profile.show(user)
            self.form.forget_secrets()
            self.form.grid_remove()
            self.profile.grid()

    def wait(self) -> None:
        """Show that something is under way, and let no button be pressed meanwhile."""
        self.error.configure(text="")
        self.form.button.state(["disabled"])
        self.profile.button.state(["disabled"])
        self.spinner.grid()
        self.spinner.start()

    def ready(self) -> None:
        """Show that nothing is under way any more."""
        self.spinner.stop()
        self.spinner.grid_remove()
        self.form.button.state(["!disabled"])
        self.profile.button.state(["!disabled"])

    def failed(self, error: CometChatException) -> None:
        """Show what went wrong."""
        self.ready()
        self.error.configure(text=error.message)

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.log.configure(state="normal")
        self.log.insert("end", f"{time.strftime('%H:%M:%S')}  {text}\n")
        self.log.configure(state="disabled")
        self.log.see("end")


def give_style(root: tk.Tk) -> None:
    """Set fonts and colours; on Linux also a theme that is less old than the default one."""
    style = ttk.Style(root)
    if root.tk.call("tk", "windowingsystem") == "x11":
        style.theme_use("clam")
        style.configure(".", background=PAPER, bordercolor=LINE, lightcolor=PAPER, darkcolor=PAPER)
        style.configure("TEntry", padding=5)
        style.configure("TNotebook.Tab", background=LINE, padding=(12, 5))
        style.map(
            "TNotebook.Tab", background=[("selected", PAPER)], padding=[("selected", (12, 5))]
        )
        style.configure("Main.TButton", background=BLUE, foreground="white", relief="flat")
        style.map("Main.TButton", background=[("disabled", PALE_BLUE), ("active", DARK_BLUE)])
        style.map("Main.TButton", foreground=[("disabled", "white")])
        style.configure("TProgressbar", background=BLUE, troughcolor=LINE, thickness=5)
    style.configure("Title.TLabel", font=("TkDefaultFont", 17, "bold"))
    style.configure("Error.TLabel", foreground=RED)
    style.configure("Main.TButton", padding=8)


def main() -> None:
    """Open the window and wait until it is closed."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    app_id, where = sys.argv[1:]
    at_emulator = where.startswith("http")
    settings = AppSettings.for_emulator(where) if at_emulator else AppSettings(region=where)
    root = tk.Tk()
    root.title("CometChat")
    root.geometry("480x540")
    give_style(root)
    # Leaving the `with` waits until a login that is still under way is over and stored.
    with CometChat(app_id, settings, dispatcher=for_tkinter(root)) as chat:
        LoginWindow(root, chat).pack(fill="both", expand=True)
        root.mainloop()


if __name__ == "__main__":
    main()
