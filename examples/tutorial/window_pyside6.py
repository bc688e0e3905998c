"""The same window with Qt."""

import os

from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from cometchat_auth import AppSettings, CometChat, CometChatException, User
from cometchat_auth.dispatchers import for_qt


class Window(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Chat")
        self.entry, self.button = QLineEdit("cometchat-uid-1"), QPushButton("Log in")
        self.status = QLabel("One moment ...")
        self.status.setWordWrap(True)
        self.button.setEnabled(False)
        self.button.clicked.connect(self.press)
        layout = QVBoxLayout(self)
        for part in (self.entry, self.button, self.status):
            layout.addWidget(part)

        settings = AppSettings.for_emulator(os.environ["COMETCHAT_EMULATOR"])
        self.chat = CometChat("emulator-app", settings, dispatcher=for_qt(self))
        self.chat.reload(on_success=self.show_user, on_error=self.complain)

    def press(self) -> None:
        self.button.setEnabled(False)
        if self.button.text() == "Log out":
            self.chat.logout(on_success=self.show_user, on_error=self.complain)
        else:
            uid, key = self.entry.text(), os.environ["COMETCHAT_AUTH_KEY"]
            self.chat.login(uid, key, on_success=self.show_user, on_error=self.complain)

    def show_user(self, user: User | None) -> None:
        self.status.setText(f"{user.name} is logged in." if user else "Nobody is logged in.")
        self.button.setText("Log out" if user else "Log in")
        self.button.setEnabled(True)

    def complain(self, error: CometChatException) -> None:
        self.status.setText(error.message)
        self.button.setEnabled(True)


app = QApplication([])
window = Window()
window.show()
app.exec()
window.chat.close()
