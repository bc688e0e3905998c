"""Where the emulator listens: this machine alone, unless it is told otherwise."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator
from cometchat_auth.emulator._hosts import (
    exposure,
    is_loopback,
    listening_address,
    names,
    reached_by,
    reached_from_elsewhere,
)
from cometchat_auth.emulator._tls import Authority

from .tools import LIMIT

EVERYWHERE = "0.0.0.0"  # noqa: S104
ANOTHER = "127.0.0.2"  # loopback as well, but not where 127.0.0.1 listens


def has_ipv6() -> bool:
    """Return whether this machine has ``::1``."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def logs_in(service: Emulator, url: str) -> bool:
    """Return whether a client logs in at a URL."""
    with CometChat(
        service.app_id, AppSettings.for_emulator(url), session_store=MemoryStore()
    ) as chat:
        return chat.login("cometchat-uid-1", service.auth_key).result(LIMIT).uid != ""


@pytest.mark.parametrize(
    "host",
    [EVERYWHERE, "::", "203.0.113.1", "2001:db8::1", "example.com", "", "127.0.0.1.", " ::1"],
)
def test_e3_other_hosts_are_refused(host: str) -> None:
    """Without ``allow_remote`` nothing but a loopback address may be listened on."""
    with pytest.raises(ValueError, match=r"(?s)loopback address.*allow_remote=True"):
        Emulator(host=host)


def test_e3_only_its_own_address_answers(emulator: Emulator) -> None:
    """What listens on 127.0.0.1 must not answer on another address, not even on this machine."""
    port = int(emulator.url.rpartition(":")[2])
    with socket.socket() as client:
        assert client.connect_ex((ANOTHER, port)) == errno.ECONNREFUSED


def test_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    """With ``allow_remote`` all addresses must answer, and a warning say what that means."""
    with Emulator(host=EVERYWHERE, allow_remote=True) as service:
        port = service.url.rpartition(":")[2]
        assert service.url == f"http://127.0.0.1:{port}"
        assert logs_in(service, service.url)
        assert logs_in(service, f"http://{ANOTHER}:{port}")
    (record,) = [each for each in caplog.records if each.name == "cometchat_auth.emulator"]
    assert record.levelno == logging.WARNING
    assert "every address of this machine" in record.getMessage()
    assert "log in as any of them" in record.getMessage()


def test_everywhere_over_ipv6() -> None:
    """``::`` must be reached by the address that its URL shows."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    # In a process of its own: this one's tests may not even look "::" up.
    program = """
from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator
with Emulator(host="::", allow_remote=True) as service:
    settings = AppSettings.for_emulator(service.url)
    with CometChat(service.app_id, settings, session_store=MemoryStore()) as chat:
        chat.login("cometchat-uid-1", service.auth_key).result(10)
    print(service.url)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("http://[::1]:")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_loopback_is_no_cause_for_a_warning(caplog: pytest.LogCaptureFixture, host: str) -> None:
    """On a loopback address ``allow_remote`` must change nothing."""
    with Emulator(host=host, allow_remote=True) as service:
        assert logs_in(service, service.url)
    assert [each for each in caplog.records if each.name == "cometchat_auth.emulator"] == []


def test_the_certificate_is_for_all_that_it_is_called(tmp_path: Path) -> None:
    """Over TLS a client must be served by each name that the emulator knows of its machine."""
    with Emulator(host=EVERYWHERE, allow_remote=True, tls=True) as service:
        context = ssl.create_default_context(cadata=service.ca_pem.decode())
        assert {"localhost", "127.0.0.1", "::1", socket.gethostname()} <= set(names(EVERYWHERE))
        for name in names(EVERYWHERE):
            port = int(service.url.rpartition(":")[2])
            line = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
            with context.wrap_socket(line, server_hostname=name) as connection:
                assert connection.version() is not None
        service.write_ca(tmp_path / "ca.pem")
        settings = AppSettings.for_emulator(service.url, verify=str(tmp_path / "ca.pem"))
        with CometChat(service.app_id, settings, session_store=MemoryStore()) as chat:
            assert chat.login("cometchat-uid-1", service.auth_key).result(LIMIT)


def test_an_address_of_another_machine_is_named() -> None:
    """An address that this machine does not have must be an error that names it."""
    with pytest.raises(OSError, match=r"cannot listen on 203\.0\.113\.1 port 0"):
        Emulator(host="203.0.113.1", allow_remote=True).start()


NO_HOSTS = (
    *("", "a b", "a..b", "http://127.0.0.1", "127.0.0.1:80", "x" * 300),
    *("my_host", "-a", "a-", "xn--x", "\u00e9.example"),
)


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_no_host_is_refused(host: str) -> None:
    """Even with ``allow_remote`` something that is no host must be refused in words."""
    with pytest.raises(ValueError, match="neither an IP address nor a host name"):
        Emulator(host=host, allow_remote=True)


@pytest.mark.parametrize(
    ("address", "here", "elsewhere"),
    [
        ("127.0.0.1", "127.0.0.1", None),
        ("::1", "[::1]", None),
        ("203.0.113.1", "203.0.113.1", "203.0.113.1"),
        ("2001:db8::1", "[2001:db8::1]", "[2001:db8::1]"),
        ("emulator.example", "emulator.example", "emulator.example"),
    ],
)
def test_how_it_is_reached(address: str, here: str, elsewhere: str | None) -> None:
    """The host in a URL must be one that can be connected to, an IPv6 address in brackets."""
    assert (reached_by(address), reached_from_elsewhere(address)) == (here, elsewhere)
    assert (exposure(address) is None) == (elsewhere is None)


@given(st.text(max_size=40) | st.ip_addresses().map(str), st.booleans())
def test_any_text_is_a_place_or_refused(host: str, allow_remote: bool) -> None:
    """Whatever is given must be an address, a name, or a ValueError; loopback unless allowed."""
    try:
        address = listening_address(host, allow_remote=allow_remote)
    except ValueError:
        assert not is_loopback(host)
    else:
        assert address
        assert allow_remote or is_loopback(address)


@settings(max_examples=50, deadline=None)
@given(st.text("a1-.", min_size=1, max_size=12) | st.ip_addresses().map(str))
def test_every_place_can_have_a_certificate(host: str) -> None:
    """Whatever can be listened on must be something that a certificate can be made for."""
    try:
        address = listening_address(host, allow_remote=True)
    except ValueError:
        return
    assert Authority(names(address)).pem.startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_machine_with_a_strange_name_has_a_certificate_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine's name that no certificate can be for must be left out, and harm nothing."""
    monkeypatch.setattr(socket, "gethostname", lambda: "my_host")
    assert "my_host" not in names(EVERYWHERE)
    Emulator(host=EVERYWHERE, allow_remote=True, tls=True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_e3_this_machine_alone_is_no_exposure(host: str) -> None:
    """Who listens on this machine only must not be warned of others, whatever it is called."""
    assert exposure(host) is None
