"""Ways to log in with an auth key: two requests, the second with what the first one brought.

``python -m tests.benchmarks.logins WAY URL`` is a worker that goes one of them.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

KEY: Final = "0123456789abcdef"
LIMIT: Final = 30.0  # seconds
WORKERS: Final = 4  # as many as the library has
CROWD: Final = 200  # of goal B8

Login = Callable[[], Any]


def with_http_client(url: str) -> Login:
    """Return a login with one connection of the standard library's."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=LIMIT)

    def ask(method: str, path: str, name: str, value: str, body: dict[str, Any]) -> Any:
        headers = {name: value, "Content-Type": "application/json", "Accept": "application/json"}
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        data = json.loads(answer.read())
        assert answer.status == 200
        return data["data"]

    def login() -> Any:
        token = ask("POST", "/v3.0/users/alice/auth_tokens", "apikey", KEY, {})["authToken"]
        return ask("PUT", "/v3.0/me", "authToken", token, {})["uid"]

    return login


def with_session(url: str) -> Login:
    """Return a login as a script does it that has one ``requests.Session``."""
    import requests

    session = requests.Session()

    def login() -> Any:
        minted = session.post(
            f"{url}/v3.0/users/alice/auth_tokens", json={}, headers={"apikey": KEY}, timeout=LIMIT
        )
        minted.raise_for_status()
        token = minted.json()["data"]["authToken"]
        me = session.put(f"{url}/v3.0/me", json={}, headers={"authToken": token}, timeout=LIMIT)
        me.raise_for_status()
        return me.json()["data"]["uid"]

    return login


def with_session_in_a_pool(url: str) -> Login:
    """Return the same on another thread, which is how a window does not freeze."""
    from concurrent.futures import ThreadPoolExecutor

    pool, login = ThreadPoolExecutor(4), with_session(url)
    return lambda: pool.submit(login).result(LIMIT)


def with_new_connections(url: str) -> Login:
    """Return a login as the shortest script does it."""
    import requests

    def login() -> Any:
        path = "/v3.0/users/alice/auth_tokens"
        minted = requests.post(url + path, json={}, headers={"apikey": KEY}, timeout=LIMIT)
        token = minted.json()["data"]["authToken"]
        headers = {"authToken": token}
        me = requests.put(f"{url}/v3.0/me", json={}, headers=headers, timeout=LIMIT)
        return me.json()["data"]["uid"]

    return login


WAYS: Final[dict[str, Callable[[str], Login]]] = {
    "http.client": with_http_client,
    "one requests.Session": with_session,
    "the same in a pool": with_session_in_a_pool,
    "requests.post, requests.put": with_new_connections,
}


def timed(login: Login) -> Callable[[], float]:
    """Return what does it once, and returns the seconds that it took."""

    def sample() -> float:
        began = time.perf_counter()
        uid = login()
        took = time.perf_counter() - began
        assert uid == "alice", uid
        return took

    return sample


def ours(url: str) -> Callable[[], float]:
    """Return a login with this library, which a logout follows that is not timed."""
    from cometchat_auth import AppSettings, CometChat, MemoryStore

    chat = CometChat("app", AppSettings.for_emulator(url), session_store=MemoryStore())

    def sample() -> float:
        began = time.perf_counter()
        user = chat.login("alice", KEY).result(LIMIT)
        took = time.perf_counter() - began
        assert user.uid == "alice"
        chat.logout().result(LIMIT)
        return took

    return sample


def our_request(url: str) -> Callable[[], float]:
    """Return one request with this library: is the session alive?"""
    from cometchat_auth import AppSettings, CometChat, MemoryStore

    chat = CometChat("app", AppSettings.for_emulator(url), session_store=MemoryStore())
    chat.login("alice", KEY).result(LIMIT)
    return timed(lambda: getattr(chat.check_session().result(LIMIT), "uid", None))


def our_crowd(url: str) -> Callable[[], float]:
    """Return the logins of `CROWD` clients at once, with this library."""
    from cometchat_auth import AppSettings, CometChat, MemoryStore

    settings = AppSettings.for_emulator(url)
    chats = [CometChat("app", settings, session_store=MemoryStore()) for _ in range(CROWD)]

    def sample() -> float:
        began = time.perf_counter()
        for future in [chat.login("alice", KEY) for chat in chats]:
            assert future.result(LIMIT).uid == "alice"
        took = time.perf_counter() - began
        for done in [chat.logout() for chat in chats]:
            done.result(LIMIT)
        return took

    return sample


def crowd_by_hand(url: str) -> Callable[[], float]:
    """Return the same with a pool of as many threads, which share one ``requests.Session``."""
    from concurrent.futures import ThreadPoolExecutor

    pool, login = ThreadPoolExecutor(WORKERS), with_session(url)

    def sample() -> float:
        began = time.perf_counter()
        for future in [pool.submit(login) for _ in range(CROWD)]:
            assert future.result(LIMIT) == "alice"
        return time.perf_counter() - began

    return sample


def _worker(way: str, url: str) -> Callable[[], float]:
    makers = {
        "ours": ours,
        "our request": our_request,
        "our crowd": our_crowd,
        "crowd by hand": crowd_by_hand,
    }
    return makers[way](url) if way in makers else timed(WAYS[way](url))


if __name__ == "__main__":
    from ._worker import serve

    serve(_worker(*sys.argv[1:]))
