"""N5: what is read of the environment, when, and what wins over what."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from cometchat_auth import CometChat, _connections, _transport

from .fault_places import Certificates
from .faulty import Service
from .network import KEY, TOKEN, client
from .proxy import Proxy
from .tools import LIMIT, error_of


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return a CA of this module's own."""
    return Certificates(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def service(certificates: Certificates) -> Iterator[Service]:
    """Run a service whose CA nobody trusts who was not told to."""
    with Service(certificates.good) as running:
        yield running


def _counted(patch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """Have the calls of a function noted."""
    calls: list[Any] = []
    real = getattr(owner, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return real(*args, **kwargs)

    patch.setattr(owner, name, counting)
    return calls


def _ten_calls(chat: CometChat) -> None:
    for _ in range(3):
        chat.login("alice", KEY).result(LIMIT)
        chat.check_session().result(LIMIT)
        chat.logout().result(LIMIT)
    chat.warm_up().result(LIMIT)


def test_n5_resolved_once_for_each_host(
    service: Service, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten calls to two hosts read the environment twice, and load the certificates once."""
    looks = _counted(monkeypatch, _transport, "get_environ_proxies")
    contexts = _counted(monkeypatch, _connections, "_tls_context")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.file)
    with (
        Service(certificates.good) as admin,
        client(service.url, admin=admin.url) as chat,
    ):
        _ten_calls(chat)
    assert (len(looks), len(contexts)) == (2, 1)
    assert len(service.seen) + len(admin.seen) > 10


def test_n5_a_later_change_reaches_later_clients(
    service: Service, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that the environment names later on is used by clients made later on."""
    with Proxy() as proxy, client(service.url, verify=certificates.file) as chat:
        chat.login(TOKEN).result(LIMIT)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        chat.check_session().result(LIMIT)
        assert proxy.accepted == 0
        with client(service.url, verify=certificates.file) as later:
            later.login(TOKEN).result(LIMIT)
        assert proxy.accepted == 1


GARBAGE: Final = "no such file"

# REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and verify; CA stands for the right file.
TRUSTED: Final = [
    ({"REQUESTS_CA_BUNDLE": "CA"}, True),
    ({"CURL_CA_BUNDLE": "CA"}, True),
    ({"REQUESTS_CA_BUNDLE": "CA", "CURL_CA_BUNDLE": GARBAGE}, True),
    ({"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "CA"}, True),
    ({"REQUESTS_CA_BUNDLE": GARBAGE, "CURL_CA_BUNDLE": GARBAGE}, "CA"),
    ({"REQUESTS_CA_BUNDLE": GARBAGE}, False),
]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # as it has to be said
@pytest.mark.parametrize(("environment", "verify"), TRUSTED)
def test_n5_which_certificates_win(
    service: Service,
    certificates: Certificates,
    environment: dict[str, str],
    verify: bool | str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``verify`` wins over REQUESTS_CA_BUNDLE, and that over CURL_CA_BUNDLE."""
    for name, value in environment.items():
        monkeypatch.setenv(name, certificates.file if value == "CA" else value)
    with client(service.url, verify=certificates.file if verify == "CA" else verify) as chat:
        assert chat.login(TOKEN).result(LIMIT).uid == "alice"


def test_n5_the_environment_does_not_beat_verify(
    service: Service, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A CA of the environment that would do does not help against a ``verify`` that does not."""
    other = Certificates(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.file)
    with client(service.url, verify=other.file) as chat:
        assert error_of(chat.login(TOKEN)).reason == "tls"


def test_n5_an_unusable_ca_file_is_named(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error about a file of certificates names the file, wherever its name came from."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", GARBAGE)
    with client(service.url) as chat:
        assert f"'{GARBAGE}' cannot be used" in error_of(chat.login(TOKEN)).message
    with client(service.url, verify=False, cert="none.pem") as chat:
        error = error_of(chat.login(TOKEN))
    assert "client certificate 'none.pem' cannot be used" in error.message
    assert service.accepted == 0


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "localhost,127.0.0.1", "127.0.0.0/8"])
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_n5_no_proxy(
    service: Service,
    certificates: Certificates,
    no_proxy: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """NO_PROXY is honoured as `requests` does: names, addresses, networks, everything."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv(name, no_proxy)
    with client(service.url, verify=certificates.file) as chat:
        assert chat.login(TOKEN).result(LIMIT).uid == "alice"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_n5_proxy_of_the_environment(
    service: Service, certificates: Certificates, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's proxy is used, unless another host is the one to be spared."""
    with Proxy() as proxy:
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.2,example.com")
        with client(service.url, verify=certificates.file) as chat:
            chat.login(TOKEN).result(LIMIT)
        assert proxy.accepted == 1


def test_n5_given_proxies_win(
    service: Service, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies of the settings replace the environment's, and an empty mapping means none."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with client(service.url, verify=certificates.file, proxies={}) as chat:
        assert chat.login(TOKEN).result(LIMIT).uid == "alice"
    monkeypatch.setenv("NO_PROXY", "*")
    with Proxy() as proxy:
        settings: dict[str, Any] = {"verify": certificates.file, "proxies": {"https": proxy.url}}
        with client(service.url, **settings) as chat:
            chat.login(TOKEN).result(LIMIT)
        assert proxy.accepted == 1


@pytest.mark.parametrize("tls", [False, True])
def test_n5_warm_up_opens_the_tunnel(
    service: Service, certificates: Certificates, tls: bool
) -> None:
    """Behind a proxy, with TLS or not, `warm_up` opens the very connection that is used then."""
    context: ssl.SSLContext | None = certificates.good if tls else None
    with Proxy(context=context) as proxy:
        settings: dict[str, Any] = {"verify": certificates.file, "proxies": {"https": proxy.url}}
        with client(service.url, **settings) as chat:
            chat.warm_up().result(LIMIT)
            assert (proxy.accepted, service.accepted, len(service.seen)) == (1, 1, 0)
            chat.login(TOKEN).result(LIMIT)
            chat.warm_up().result(LIMIT)
            chat.check_session().result(LIMIT)
        assert (proxy.accepted, service.accepted, len(service.seen)) == (1, 1, 2)


def test_n5_a_proxy_that_needs_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy without the library for it is said to be the trouble; nothing is sent."""

    def missing(*_: object, **__: object) -> None:  # as requests has it where PySocks is absent
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
    with client("https://127.0.0.1:9", proxies={"https": "socks5://127.0.0.1:1"}) as chat:
        for future in (chat.login(TOKEN), chat.warm_up()):
            error = error_of(future)
            assert (error.code, error.reason) == ("FAILED_TO_FETCH", "proxy")
            assert "127.0.0.1:1" in error.message
