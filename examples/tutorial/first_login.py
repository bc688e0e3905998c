"""Log in, and say who that is."""

import os

from cometchat_auth import AppSettings, CometChat

settings = AppSettings.for_emulator(os.environ["COMETCHAT_EMULATOR"])

with CometChat("emulator-app", settings) as chat:
    user = chat.login("cometchat-uid-1", os.environ["COMETCHAT_AUTH_KEY"]).result()
    print(f"{user.name} is logged in as {user.uid}.")
