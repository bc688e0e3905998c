"""A web backend in Flask: accounts with passwords of its own, each of them a CometChat user.

    export COMETCHAT_APP_ID=... COMETCHAT_REGION=us COMETCHAT_REST_API_KEY=...
    flask --app flask_backend run

The region is us, eu or in. To try it without an account, run ``cometchat-auth emulator`` in
another terminal, and set COMETCHAT_EMULATOR to the URL that it prints instead of the region.

``/signup``, ``/login`` and ``/password`` take JSON; `flask_client.py` is a client for it. In
production put a WSGI server and HTTPS in front, and limit how often somebody may try a password.
"""

from __future__ import annotations

import math
import os
import uuid
from typing import Final

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from flask_accounts import Accounts
from werkzeug.exceptions import HTTPException

from cometchat_auth import AppSettings, CometChatException, InvalidParameterError, User
from cometchat_auth.server import AuthToken, CometChatServer

TIMEOUT: Final = 5.0  # seconds that a request may wait for CometChat
LARGEST_REQUEST: Final = 10_000  # bytes
SHORTEST_PASSWORD: Final = 8  # characters


def cometchat() -> CometChatServer:
    """Return the app's server side; what it needs stands in the environment, the key as well."""
    url = os.environ.get("COMETCHAT_EMULATOR")
    if url:
        settings = AppSettings.for_emulator(url, timeout=TIMEOUT)
    else:
        settings = AppSettings(region=os.environ["COMETCHAT_REGION"], timeout=TIMEOUT)
    key = os.environ["COMETCHAT_REST_API_KEY"]
    return CometChatServer(os.environ["COMETCHAT_APP_ID"], settings, key)


def create_if_absent(chat: CometChatServer, user: User) -> None:
    """Create a user at CometChat, unless there is one."""
    try:
        chat.create_user(user)
    except CometChatException as error:
        if error.code != "ERR_UID_ALREADY_EXISTS":
            raise


def new_auth_token(chat: CometChatServer, user: User) -> AuthToken:
    """Return a token for one device; make up for a sign-up that CometChat did not hear of."""
    try:
        return chat.create_auth_token(user.uid, force=True)
    except CometChatException as error:
        if error.code != "ERR_UID_NOT_FOUND":
            raise
    create_if_absent(chat, user)
    return chat.create_auth_token(user.uid, force=True)


def posted(*names: str) -> list[str]:
    """Return texts from the request's JSON, or answer 400."""
    body = request.get_json()
    values = [body.get(name) if isinstance(body, dict) else None for name in names]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(names):
        abort(400, f"Needed, as texts: {', '.join(names)}.")
    return texts


def require_length(password: str) -> None:
    """Answer 400 if a password that somebody chooses is short."""
    if len(password) < SHORTEST_PASSWORD:
        abort(400, f"A password has at least {SHORTEST_PASSWORD} characters.")


def create_app() -> Flask:
    """Return the application, which Flask and WSGI servers look for under this name."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    chat, accounts = cometchat(), Accounts(os.environ.get("ACCOUNTS", "accounts.sqlite3"))

    def authenticated(name: str, password: str) -> User:
        uid = accounts.uid(name, password)
        if uid is None:  # the same answer, whether the name exists or not
            abort(401, "Wrong name or password.")
        return User(uid, name=name)

    @app.post("/signup")
    def sign_up() -> ResponseReturnValue:
        name, password = posted("name", "password")
        require_length(password)
        user = User(str(uuid.uuid4()), name=name).check()
        if not accounts.add(name, user.uid, password):
            abort(409, "This name is taken.")
        try:
            create_if_absent(chat, user)
        except CometChatException as error:  # the account counts; the login sees to the rest
            app.logger.warning("CometChat, at a sign-up: %s", error)
        return {"uid": user.uid}, 201

    @app.post("/login")
    def log_in() -> ResponseReturnValue:
        token = new_auth_token(chat, authenticated(*posted("name", "password")))
        answer = {"uid": token.uid, "auth_token": token.auth_token}
        return answer, {"Cache-Control": "no-store"}

    @app.post("/password")
    def change_password() -> ResponseReturnValue:
        name, old, new = posted("name", "password", "new_password")
        require_length(new)
        user = authenticated(name, old)
        accounts.set_password(name, new)
        try:
            chat.flush_auth_tokens(user.uid)  # every device has to log in again
        except CometChatException as error:
            if error.code != "ERR_UID_NOT_FOUND":
                accounts.set_password(name, old)  # all or nothing: it can be tried again
                raise
        return {}

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> ResponseReturnValue:
        return {"error": error.description}, error.code or 500

    @app.errorhandler(InvalidParameterError)
    @app.errorhandler(UnicodeError)
    def refuse_text(error: Exception) -> ResponseReturnValue:
        return {"error": getattr(error, "message", "There is a text that cannot be written.")}, 400

    @app.errorhandler(CometChatException)
    def chat_fails(error: CometChatException) -> ResponseReturnValue:
        if error.code == "ERR_UID_NOT_FOUND":
            return {"error": "This account has been deactivated."}, 403
        app.logger.error("CometChat: %s", error)  # no error of the library's holds a credential
        wait = math.ceil(error.retry_after or TIMEOUT)  # seconds
        return {"error": "The chat is not available."}, 503, {"Retry-After": str(wait)}

    return app
