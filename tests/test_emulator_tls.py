"""The emulator over HTTPS: clients of all kinds, and those that do not keep to TLS."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import requests

from cometchat_auth import AppSettings, CometChat, MemoryStore
from cometchat_auth.emulator import Emulator

from .real_parts import require
from .tools import LIMIT, error_of

WORKERS = 10  # requests that the emulator answers at once

UID = "cometchat-uid-1"

GREETING = b"\x16\x03\x01\x02\x00\x01"  # how a ClientHello of 512 bytes begins


@pytest.fixture
def secure() -> Iterator[Emulator]:
    """Run an emulator that speaks HTTPS."""
    with Emulator(tls=True) as service:
        yield service


@pytest.fixture
def ca_file(secure: Emulator, tmp_path: Path) -> str:
    """Return the path of its CA's certificate."""
    path = tmp_path / "ca.pem"
    secure.write_ca(path)
    return str(path)


@pytest.fixture
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See to it that the emulator logs nothing that somebody would have to look into."""
    caplog.set_level(logging.DEBUG, "cometchat_auth.emulator")
    yield
    loud = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert [text for text in loud if "InsecureRequest" not in text] == []


def at(service: Emulator, host: str) -> str:
    """Return the emulator's URL with another name for the host."""
    return f"https://{host}:{service.url.rpartition(':')[2]}"


def connect(service: Emulator) -> socket.socket:
    """Return a connection without TLS."""
    port = int(service.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)


def secured(service: Emulator, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """Return a connection over TLS."""
    context = context or ssl.create_default_context(cadata=service.ca_pem.decode())
    return context.wrap_socket(connect(service), server_hostname="127.0.0.1")


def users(service: Emulator) -> bytes:
    """Return a request for the users."""
    return f"GET /v3/users HTTP/1.1\r\nHost: x\r\napikey: {service.rest_api_key}\r\n\r\n".encode()


def serves(service: Emulator) -> bool:
    """Return whether a client has its answer."""
    with secured(service) as connection:
        connection.sendall(users(service))
        return connection.recv(20).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_our_client_trusts_the_ca_it_is_given(secure: Emulator, ca_file: str, host: str) -> None:
    """With the CA's certificate as ``verify`` the whole road must work, by name and by address."""
    settings = AppSettings.for_emulator(at(secure, host), verify=ca_file)
    with CometChat(secure.app_id, settings, session_store=MemoryStore()) as chat:
        assert chat.login(UID, secure.auth_key).result(LIMIT).name == "Andrew Joseph"
        chat.logout().result(LIMIT)
    assert secure.auth_tokens(UID) == []


def test_our_client_trusts_no_other(secure: Emulator) -> None:
    """Without the CA's certificate nothing may be sent."""
    settings = AppSettings.for_emulator(secure.url)
    with CometChat(secure.app_id, settings, session_store=MemoryStore()) as chat:
        assert error_of(chat.login(UID, secure.auth_key)).reason == "tls"


def test_requests_trusts_the_ca(secure: Emulator, ca_file: str) -> None:
    """The library requests must accept the certificate, and keep its connection."""
    headers = {"apikey": secure.rest_api_key}
    with requests.Session() as session:
        for _ in range(3):
            answer = session.get(f"{secure.url}/v3/users", headers=headers, verify=ca_file)
            assert len(answer.json()["data"]) == 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_curl_trusts_the_ca(secure: Emulator, ca_file: str, host: str) -> None:
    """The program curl must accept the certificate."""
    require(None if shutil.which("curl") else "curl is not installed")
    trust, key = ("--cacert", ca_file), ("-H", f"apikey: {secure.rest_api_key}")
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", *trust, *key, f"{at(secure, host)}/v3/users/{UID}"],
        capture_output=True,
        check=False,
        timeout=LIMIT,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["data"]["name"] == "Andrew Joseph"


def test_node_trusts_the_ca(secure: Emulator, ca_file: str) -> None:
    """Node.js must accept the certificate where ``NODE_EXTRA_CA_CERTS`` names the CA's."""
    require(None if shutil.which("node") else "Node.js is not installed")
    program = """
    const [url, apikey] = process.argv.slice(1);
    fetch(`${url}/v3/users/cometchat-uid-1`, {headers: {apikey}})
        .then(answer => answer.json()).then(body => console.log(body.data.name));
    """
    done = subprocess.run(
        ["node", "-e", program, secure.url, secure.rest_api_key],
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": ca_file},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "Andrew Joseph\n", "")


def test_the_strictest_check_passes(secure: Emulator) -> None:
    """The certificate must pass the checks that Python 3.13 makes by default."""
    context = ssl.create_default_context(cadata=secure.ca_pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    with secured(secure, context) as connection:
        certificate: Any = connection.getpeercert()
    names = {value for _, value in certificate["subjectAltName"]}
    assert {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"} <= names


def test_the_ca_lives_as_long_as_the_emulator() -> None:
    """Stopped and started again it must be trusted still; another emulator's CA is another."""
    service, other = Emulator(tls=True), Emulator(tls=True)
    for _ in range(2):
        with service:
            assert serves(service)
    assert service.ca_pem != other.ca_pem


def test_only_the_certificate_is_handed_out(secure: Emulator, ca_file: str) -> None:
    """The file must hold the CA's certificate, and no key of anybody's."""
    content = Path(ca_file).read_bytes()
    assert content == secure.ca_pem
    assert content.count(b"-----BEGIN ") == content.count(b"-----BEGIN CERTIFICATE-----") == 1


def test_without_tls_there_is_no_ca(emulator: Emulator, tmp_path: Path) -> None:
    """Asking for a CA where there is none must name the option that makes one."""
    with pytest.raises(RuntimeError, match="tls=True"):
        emulator.ca_pem  # noqa: B018
    with pytest.raises(RuntimeError, match="tls=True"):
        emulator.write_ca(tmp_path / "ca.pem")
    assert not (tmp_path / "ca.pem").exists()


def test_without_trustme_one_line_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trustme is not installed the error must say how to install it; HTTP needs it not."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ImportError, match=r'pip install "cometchat-auth\[emulator\]"'):
        Emulator(tls=True)
    Emulator()


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize("body", [b"", b"{}" * 20_000], ids=["short", "long"])
def test_plain_http_is_told_to_speak_https(secure: Emulator, body: bytes) -> None:
    """A request without TLS must be answered in words, and logged as no failure."""
    with connect(secure) as connection:
        head = b"POST /v3/users HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"This port speaks HTTPS only" in answer
    assert serves(secure)


@pytest.mark.usefixtures("silence")
@pytest.mark.parametrize("said", [b"", b"\x16", GREETING, GREETING + b"\x00" * 100])
def test_clients_that_never_finish_hold_nobody_up(said: bytes) -> None:
    """More clients than workers stuck in their handshake must hold up neither others nor a stop."""
    with Emulator(tls=True) as service, ExitStack() as stuck:
        for _ in range(3 * WORKERS):
            stuck.enter_context(closing(connect(service))).sendall(said)
        for _ in range(3):
            assert serves(service)


@pytest.mark.usefixtures("silence")
def test_handshakes_that_fail_are_no_failure_of_the_emulators(secure: Emulator) -> None:
    """Garbage, a vanished client, one that trusts nobody: the emulator must serve the next one."""
    with connect(secure) as connection:
        connection.sendall(b"\x80garbage" * 100)
        assert not connection.recv(1000).startswith(b"HTTP")
    with connect(secure) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(GREETING)
    with pytest.raises(ssl.SSLCertVerificationError):
        secured(secure, ssl.create_default_context())
    old = ssl.create_default_context(cadata=secure.ca_pem.decode())
    old.set_ciphers("AES128-SHA")  # no forward secrecy, and no ECDSA certificate goes with it
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        secured(secure, old)
    assert serves(secure)


def test_requests_in_one_record_are_all_answered(secure: Emulator) -> None:
    """What TLS has decrypted ahead must be answered, though no socket tells of it."""
    number = 40  # together more than what is read at a time, 8,192 bytes, and less than a record
    request = users(secure).replace(b"/v3/users", b"/v3/users/cometchat-uid-1")
    padded = request.replace(b"\r\n\r\n", b"\r\nX-Padding: " + b"x" * 200 + b"\r\n\r\n")
    with secured(secure) as connection:
        assert len(padded * number) < 16_384
        connection.sendall(padded * number)
        answers = b""
        while answers.count(b"Andrew Joseph") < number:
            answers += connection.recv(65_536)
    assert answers.count(b"HTTP/1.1 200 ") == number


def test_bodies_of_many_records(secure: Emulator, ca_file: str) -> None:
    """A body and an answer that come in several TLS records must arrive whole."""
    body = json.dumps({"uid": "long", "name": "x" * 100, "metadata": {"text": "y" * 4_000}})
    head = users(secure).replace(b"GET", b"POST", 1)[:-2]
    head += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    with secured(secure) as connection:
        connection.sendall(head)
        for begin in range(0, len(body), 500):
            connection.sendall(body[begin : begin + 500].encode())
        assert connection.recv(20).startswith(b"HTTP/1.1 200 ")
    for number in range(100):
        secure.create_user(f"user-{number}", "z" * 100, metadata={"text": "y" * 1_000})
    answer = requests.get(
        f"{secure.url}/v3/users?perPage=100",
        headers={"apikey": secure.rest_api_key},
        verify=ca_file,
        timeout=LIMIT,
    )
    assert len(answer.content) > 100_000
    assert len(answer.json()["data"]) == 100


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls(secure: Emulator, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 must both work."""
    context = ssl.create_default_context(cadata=secure.ca_pem.decode())
    context.minimum_version = context.maximum_version = version
    with secured(secure, context) as connection:
        connection.sendall(users(secure))
        assert connection.recv(20).startswith(b"HTTP/1.1 200 ")


def test_a_handshake_in_single_bytes_succeeds(secure: Emulator) -> None:
    """A client on a slow line, whose greeting comes in pieces, must be served in the end."""
    context = ssl.create_default_context(cadata=secure.ca_pem.decode())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with connect(secure) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                _send_slowly(line, outgoing.read())
                incoming.write(line.recv(4096))
        client.write(users(secure))
        _send_slowly(line, outgoing.read())
        incoming.write(line.recv(65_536))
        assert b"HTTP/1.1 200 " in _read(client, line, incoming)


def _send_slowly(line: socket.socket, data: bytes) -> None:
    for each in data:
        line.sendall(bytes([each]))


def _read(client: ssl.SSLObject, line: socket.socket, incoming: ssl.MemoryBIO) -> bytes:
    """Return the first of the answer; TLS 1.3 sends tickets before it."""
    while True:
        try:
            return client.read(20)
        except ssl.SSLWantReadError:
            incoming.write(line.recv(65_536))
