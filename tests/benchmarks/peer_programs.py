"""What the peers do: programs for their own environment, which may know nothing of ours.

``python -m tests.benchmarks.peer_programs request PACKAGE URL`` is a worker that sends one
authenticated request on a warm connection; ``clients PACKAGE COUNT`` prints what clients cost.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

Request = Callable[[], Any]

_SECRET: Final = 32 * "s"


def _slack(url: str) -> Request:
    client = import_module("slack_sdk").WebClient(token="xoxb-0", base_url=f"{url}/api/")
    return lambda: client.auth_test()["ok"]


def _stream(url: str) -> Request:
    client = import_module("stream_chat").StreamChat("key", _SECRET, base_url=url)
    return lambda: client.upsert_user({"id": "alice"})["users"]["alice"]


def _supabase(url: str) -> Request:
    kind = import_module("supabase_auth").SyncGoTrueClient
    client = kind(url=url, auto_refresh_token=False, persist_session=False)
    credentials = {"email": "alice@example.com", "password": "0123456789"}
    return lambda: client.sign_in_with_password(credentials).user.id


def _pubnub(url: str) -> Request:
    settings = import_module("pubnub.pnconfiguration").PNConfiguration()
    settings.subscribe_key = settings.publish_key = "demo"
    settings.user_id, settings.ssl = "alice", False
    settings.origin = url.partition("//")[2]
    client = import_module("pubnub.pubnub").PubNub(settings)
    return lambda: client.time().sync().result


def _slack_client() -> Any:
    return import_module("slack_sdk").WebClient(token="xoxb-0")


def _stream_client() -> Any:
    return import_module("stream_chat").StreamChat("key", _SECRET)


def _supabase_client() -> Any:
    return import_module("supabase_auth").SyncGoTrueClient(url="http://127.0.0.1:9")


def _pubnub_client() -> Any:
    settings = import_module("pubnub.pnconfiguration").PNConfiguration()
    settings.subscribe_key, settings.user_id = "demo", "alice"
    return import_module("pubnub.pubnub").PubNub(settings)


REQUESTS: Final[dict[str, Callable[[str], Request]]] = {
    "slack_sdk": _slack,
    "stream-chat": _stream,
    "supabase-auth": _supabase,
    "pubnub": _pubnub,
}
CLIENTS: Final[dict[str, Callable[[], Any]]] = {
    "slack_sdk": _slack_client,
    "stream-chat": _stream_client,
    "supabase-auth": _supabase_client,
    "pubnub": _pubnub_client,
}


def timed(request: Request) -> Callable[[], float]:
    """Return what sends it once, and returns the seconds that it took."""

    def sample() -> float:
        began = time.perf_counter()
        answer = request()
        took = time.perf_counter() - began
        assert answer, answer
        return took

    return sample


def main() -> None:
    """Do what the command line says."""
    from ._clients import print_cost
    from ._worker import serve

    work, package, argument = sys.argv[1:]
    if work == "request":
        serve(timed(REQUESTS[package](argument)))
    else:
        print_cost(CLIENTS[package], int(argument))


if __name__ == "__main__":
    main()
