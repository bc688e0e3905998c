"""A login window with PySide6.

    python pyside6_login.py APP_ID REGION

REGION is us, eu or in. To try it without an account, run ``cometchat-auth emulator`` in another
terminal, and give the app id and the URL that it prints.
"""

from __future__ import annotations

import sys
import time

from PySide6.QtWidgets import (
    QApplication,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener, User
from cometchat_auth.dispatchers import for_qt

STYLE = """
    QLabel#title { font-size: 23px; font-weight: 600 }
    QLabel#error { color: #b3261e }
    QLineEdit { padding: 5px }
    QPushButton { background: #3451d1; color: white; border: 0; border-radius: 5px; padding: 10px }
    QPushButton:hover, QPushButton:focus { background: #2a41a8 }
    QPushButton:disabled { background: #a9b4e4 }
    QProgressBar { max-height: 5px; border: 0; background: #d8dae0 }
    QProgressBar::chunk { background: #3451d1 }
    QPlainTextEdit { background: white; border: 1px solid #d8dae0; padding: 6px }
    QPlainTextEdit { font-family: monospace }
"""


def label(name: str, text: str = "") -> QLabel:
    """Return a label to which a rule of the style applies."""
    made = QLabel(text)
    made.setObjectName(name)
    return made


class LoginForm(QWidget):
    """Asks for a user id and the auth key, or for an auth token."""

    def __init__(self) -> None:
        super().__init__()
        self.uid, self.key, self.token = QLineEdit(), QLineEdit(), QLineEdit()
        for secret in (self.key, self.token):
            secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.tabs = QTabWidget()
        self.add_tab("Auth key", {"User id": self.uid, "Auth key": self.key})
        self.token_tab = self.add_tab("Auth token", {"Auth token": self.token})
        self.button = QPushButton("Log in")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(label("title", "Log in"))
        layout.addWidget(self.tabs)
        layout.addWidget(self.button)

    def add_tab(self, title: str, fields: dict[str, QLineEdit]) -> QWidget:
        """Add a tab with these fields; Return in one of them presses the button."""
        tab = QWidget()
        form = QFormLayout(tab)
        for name, field in fields.items():
            form.addRow(name, field)
            field.returnPressed.connect(lambda: self.button.click())  # nothing while disabled
        self.tabs.addTab(tab, title)
        return tab

    def credentials(self) -> tuple[str, ...]:
        """Return the arguments for ``CometChat.login``."""
        if self.tabs.currentWidget() is self.token_tab:
            return (self.token.text().strip(),)
        return self.uid.text().strip(), self.key.text().strip()

    def forget_secrets(self) -> None:
        """Empty the fields that hold credentials."""
        self.key.clear()
        self.token.clear()


class Profile(QWidget):
    """Shows who is logged in."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.uid = label("title"), QLabel()
        self.button = QPushButton("Log out")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.name)
        layout.addWidget(self.uid)
        layout.addStretch()
        layout.addWidget(self.button)

    def show_user(self, user: User) -> None:
        """Show this user."""
        self.name.setText(user.name or user.uid)
        self.uid.setText(f"Logged in as {user.uid}")


class LoginWindow(QWidget):
    """Shows who is logged in, or the form, and what is going on."""

    def __init__(self, chat: CometChat) -> None:
        super().__init__()
        self.chat = chat
        self.form, self.profile, self.views = LoginForm(), Profile(), QStackedWidget()
        self.form.button.clicked.connect(self.log_in)
        self.profile.button.clicked.connect(self.log_out)
        self.views.addWidget(self.form)
        self.views.addWidget(self.profile)
        self.spinner = QProgressBar(maximum=0, textVisible=False)  # 0: it runs to and fro
        self.error = label("error")
        self.error.setWordWrap(True)
        self.log = QPlainTextEdit(readOnly=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        for part in (self.views, self.spinner, self.error, self.log):
            layout.addWidget(part)
        self.setWindowTitle("CometChat")
        self.setStyleSheet(STYLE)
        self.resize(440, 480)

        listener = LoginListener(
            login_success=lambda user: self.note(f"login_success: {user.name}"),
            login_failure=lambda error: self.note(f"login_failure: {error.code}"),
            logout_success=self.ended,
            logout_failure=lambda error: self.note(f"logout_failure: {error.code}"),
        )
        chat.add_login_listener("login window", listener)
        self.wait()
        # The keyring may be slow, or ask for a password: the window does not wait for it.
        chat.reload(on_success=self.found, on_error=self.could_not_look)

    def found(self, user: User | None) -> None:
        """Go straight to the profile if there is a session."""
        self.show_user(user)
        if user is not None:
            self.note(f"found the session of {user.name}")
            self.chat.check_session()  # if the service has ended it, logout_success follows

    def could_not_look(self, error: CometChatException) -> None:
        """Say why nobody could tell whether there is a session; logging in works all the same."""
        self.ready()
        why = f"The keyring could not be read ({error.reason})."
        self.error.setText(f"{why} Unlock it and start again, or log in.")

    def log_in(self) -> None:
        """Log in with what was typed."""
        self.wait()
        self.chat.login(*self.form.credentials(), on_success=self.show_user, on_error=self.failed)

    def log_out(self) -> None:
        """Log out."""
        self.wait()
        self.chat.logout(on_success=self.show_user, on_error=self.logged_out_but)

    def logged_out_but(self, error: CometChatException) -> None:
        """Say what a logout did not achieve; nobody is logged in here all the same."""
        self.show_user(None)
        self.failed(error)

    def ended(self) -> None:
        """Ask anew when the session has ended, here or on the service."""
        self.note("logout_success")
        self.show_user(None)

    def show_user(self, user: User | None) -> None:
        """Show the profile of a user, or the form."""
        self.ready()
        if user is None:
            self.views.setCurrentWidget(self.form)
        else:
            self.profile.show_user(user)
            self.form.forget_secrets()
            self.views.setCurrentWidget(self.profile)

    def wait(self) -> None:
        """Show that something is under way, and let no button be pressed meanwhile."""
        self.error.clear()
        self.set_waiting(True)

    def ready(self) -> None:
        """Show that nothing is under way any more."""
        self.set_waiting(False)

    def set_waiting(self, waiting: bool) -> None:
        """Turn the spinner, or let the buttons be pressed."""
        self.spinner.setVisible(waiting)
        self.form.button.setDisabled(waiting)
        self.profile.button.setDisabled(waiting)

    def failed(self, error: CometChatException) -> None:
        """Show what went wrong."""
        self.ready()
        self.error.setText(error.message)

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.log.appendPlainText(f"{time.strftime('%H:%M:%S')}  {text}")


def main() -> None:
    """Open the window and wait until it is closed."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    app_id, where = sys.argv[1:]
    at_emulator = where.startswith("http")
    settings = AppSettings.for_emulator(where) if at_emulator else AppSettings(region=where)
    app = QApplication()
    # Leaving the `with` waits until a login that is still under way is over and stored.
    with CometChat(app_id, settings, dispatcher=for_qt(app)) as chat:
        window = LoginWindow(chat)
        window.show()
        app.exec()


if __name__ == "__main__":
    main()
