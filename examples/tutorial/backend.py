"""Your own server: it knows who people are, and hands out auth tokens."""

import os

from flask import Flask, abort, request
from werkzeug.security import check_password_hash, generate_password_hash

from cometchat_auth import AppSettings
from cometchat_auth.server import CometChatServer

settings = AppSettings.for_emulator(os.environ["COMETCHAT_EMULATOR"], timeout=5)
server = CometChatServer("emulator-app", settings, os.environ["COMETCHAT_REST_API_KEY"])
app = Flask(__name__)

# Name -> uid at CometChat, and password. A real server has a database of them.
ACCOUNTS = {"andrew": ("cometchat-uid-1", generate_password_hash("correct horse"))}
NOBODY = ("", generate_password_hash(""))


@app.post("/login")
def log_in() -> dict[str, str]:
    name, password = request.get_json()["name"], request.get_json()["password"]
    uid, wanted = ACCOUNTS.get(name, NOBODY)
    if not check_password_hash(wanted, password) or not uid:
        abort(401)
    return {"auth_token": server.create_auth_token(uid, force=True).auth_token}
