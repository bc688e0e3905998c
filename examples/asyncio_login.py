"""Log in from a coroutine, while the event loop goes on.

    python asyncio_login.py APP_ID REGION

REGION is us, eu or in, or the URL of an emulator. The auth token comes from the environment:
COMETCHAT_AUTH_TOKEN.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

from cometchat_auth import AppSettings, CometChat, CometChatException, LoginListener, User
from cometchat_auth.dispatchers import for_asyncio


@contextlib.asynccontextmanager
async def client(app_id: str, settings: AppSettings) -> AsyncIterator[CometChat]:
    """Have a client whose callbacks run in this event loop; close it without blocking the loop."""
    chat = CometChat(app_id, settings, dispatcher=for_asyncio())
    try:
        yield chat
    finally:
        await asyncio.to_thread(chat.close)


async def log_in(chat: CometChat) -> User:
    """Return who is logged in, after a login if need be."""
    user = await asyncio.wrap_future(chat.reload())
    if user is not None:
        user = await asyncio.wrap_future(chat.check_session())
    if user is not None:
        return user
    return await asyncio.wrap_future(chat.login(os.environ.get("COMETCHAT_AUTH_TOKEN")))


async def spin() -> None:
    """Show that something else goes on meanwhile."""
    while True:
        print(".", end="", file=sys.stderr, flush=True)  # noqa: T201
        await asyncio.sleep(0.1)


async def log_in_and_out(app_id: str, where: str) -> None:
    """Log in, say who that is, and log out."""
    at_emulator = where.startswith("http")
    settings = AppSettings.for_emulator(where) if at_emulator else AppSettings(region=where)
    async with client(app_id, settings) as chat:
        over = asyncio.Event()  # set in the loop's own thread, since that is where listeners run
        chat.add_login_listener("main", LoginListener(logout_success=over.set))
        user = await log_in(chat)
        print(f"{user.name} is logged in as {user.uid}.")  # noqa: T201
        await asyncio.wrap_future(chat.logout())
        await over.wait()
        print("Logged out.")  # noqa: T201


async def main() -> None:
    """Do what the arguments say, or say what went wrong."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    spinning = asyncio.create_task(spin())
    try:
        await log_in_and_out(*sys.argv[1:])
    except CometChatException as error:
        sys.exit(error.message)
    finally:
        spinning.cancel()


if __name__ == "__main__":
    asyncio.run(main())
