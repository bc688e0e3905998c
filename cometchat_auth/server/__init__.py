"""`CometChatServer`: users and auth tokens for whoever may hold the REST API key.

For servers and administrators. Methods block, and return values; there is no session, no keyring
and no callback. In production a server creates the user when a person signs up, and makes an
auth token each time that person logs in, which the client then logs in with::

    server = CometChatServer("APP_ID", AppSettings(region="us"), os.environ["REST_API_KEY"])
    token = server.create_auth_token("user1").auth_token
"""

from __future__ import annotations

from ._auth_token import AuthToken
from ._outcomes import Outcome, Progress
from ._server import CometChatServer

__all__ = ["AuthToken", "CometChatServer", "Outcome", "Progress"]
