"""A client and a service at the two ends of a long line, in TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import requests

from cometchat_auth import AppSettings, CometChat, MemoryStore

from .fault_places import Certificates
from .faulty import Service
from .network import KEY
from .proxy import Proxy
from .relay import TRIP, Relay, Trips


@attrs.frozen
class Ends:
    """The near end of the line.

    Attributes:
        admin: URL of the admin host.
        client: URL of the client host.
        proxy: URL of the proxy, if the line leads there.
        trips: Counts round trips.
        relays: What the line consists of.
        file: The CA.
    """

    admin: str
    client: str
    proxy: str | None
    trips: Trips
    relays: list[Relay]
    file: str

    def chat(self) -> CometChat:
        """Return a client of the library that keeps nothing."""
        settings = AppSettings(
            admin_host=f"{self.admin}/v3.0",
            client_host=f"{self.client}/v3.0",
            verify=self.file,
            proxies={"https": self.proxy} if self.proxy else None,
        )
        return CometChat("app", settings, session_store=MemoryStore())

    @property
    def connections(self) -> int:
        """Return how many connections have been made."""
        return sum(relay.accepted for relay in self.relays)


@contextmanager
def line(
    certificates: Certificates,
    *,
    proxied: bool = False,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    trip: float = TRIP,
) -> Iterator[Ends]:
    """Lay a line to a service, or to a proxy in front of it."""
    trips = Trips()
    before = certificates.good.maximum_version
    certificates.good.maximum_version = version
    try:
        with ExitStack() as stack:
            hosts = [stack.enter_context(Service(certificates.good)) for _ in range(2)]
            ports = [host.port for host in hosts]
            relays = []
            if proxied:
                relays = [Relay(stack.enter_context(Proxy()).port, trips, trip)]
            else:
                relays = [Relay(port, trips, trip) for port in ports]
                ports = [relay.port for relay in relays]
            for relay in relays:
                stack.enter_context(relay)
            proxy = f"http://127.0.0.1:{relays[0].port}" if proxied else None
            admin, client = (f"https://127.0.0.1:{port}" for port in ports)
            yield Ends(admin, client, proxy, trips, relays, certificates.file)
    finally:
        certificates.good.maximum_version = before


def login_by_hand(ends: Ends) -> Any:
    """Log in as one would with `requests` alone."""
    how: dict[str, Any] = {"verify": ends.file}  # of a session the environment's CA would win
    if ends.proxy:
        how["proxies"] = {"https": ends.proxy}
    with requests.Session() as session:
        url, key = f"{ends.admin}/v3.0/users/alice/auth_tokens", {"apiKey": KEY}
        token = session.post(url, json={}, headers=key, **how).json()["data"]["authToken"]
        url = f"{ends.client}/v3.0/me"
        return session.put(url, json={}, headers={"authToken": token}, **how).json()["data"]
