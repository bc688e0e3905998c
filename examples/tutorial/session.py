"""Log in once; the next start finds the session. ``python session.py out`` logs out."""

import os
import sys

from cometchat_auth import AppSettings, CometChat

settings = AppSettings.for_emulator(os.environ["COMETCHAT_EMULATOR"])

with CometChat("emulator-app", settings) as chat:
    user = chat.get_logged_in_user()
    if "out" in sys.argv:
        chat.logout().result()
        print("Nobody is logged in now.")
    elif user is not None:
        print(f"{user.name} was logged in already.")
    else:
        user = chat.login("cometchat-uid-1", os.environ["COMETCHAT_AUTH_KEY"]).result()
        print(f"{user.name} has logged in.")
        kept = chat.session_info().persisted
        print(f"The next start will {'find' if kept else 'not find'} the session.")
