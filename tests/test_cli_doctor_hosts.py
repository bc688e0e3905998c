"""``doctor`` and the hosts: what it sends them, and what it makes of their answers."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .canary import leaks
from .test_cli import CANARY, NO_KEYRING
from .test_cli_doctor import problems, run, sections
from .tools import Reply, Seen, scripted


def test_x2_real_keys_go_to_no_host() -> None:
    """The hosts see credentials that do not exist, and nothing but GET."""
    keys = {"COMETCHAT_AUTH_KEY": CANARY, "COMETCHAT_REST_API_KEY": CANARY}

    def refuse(_: Seen) -> Reply:
        body = {"error": {"code": "AUTH_ERR_AUTH_TOKEN_NOT_FOUND", "message": "No."}}
        return Reply(401, json.dumps(body).encode())

    with scripted(refuse) as server:
        env = {**NO_KEYRING, **keys, "COMETCHAT_APP_ID": "app", "COMETCHAT_EMULATOR": server.url}
        run(env)
        seen = list(server.seen)
    assert [(each.method, each.path) for each in seen] == [
        ("GET", "/v3.0/me"),
        ("GET", "/v3.0/users/cometchat-auth-doctor"),
    ]
    assert leaks([str(each) for each in seen], [CANARY]) == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(200, b"<html>Please sign in</html>"), "The answer is not the service's"),
        (Reply(302, b"", (("Location", "https://a.example"),)), "status 302"),
        (Reply(200, b'{"data": {"uid": "x"}}'), "accepts a credential that does not exist"),
        (
            Reply(401, b'{"error": {"code": "AUTH_ERR_INVALID_APPID", "message": "No."}}'),
            "The service refuses the app.",
        ),
        (Reply(503, b"busy"), "The answer is not the service's"),
    ],
)
def test_what_is_not_the_service_is_named(reply: Reply, said: str) -> None:
    """Sign-in pages, wrong apps and broken gateways are problems of both hosts."""
    with scripted(lambda _: reply) as server:
        env = {**NO_KEYRING, "COMETCHAT_APP_ID": "app", "COMETCHAT_EMULATOR": server.url}
        done = run(env, "--json")
    assert done.returncode == 1
    assert sum(said in problem for problem in problems(done)) == 2


@pytest.mark.parametrize(
    ("date", "problem"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", "s off. Set the clock."),
        ("soon", None),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_a_clock_that_is_wrong_is_named(date: str, problem: str | None) -> None:
    """Years of difference to the service's Date are a problem; what is no date says nothing."""
    body = b'{"error": {"code": "AUTH_ERR_AUTH_TOKEN_NOT_FOUND", "message": "No."}}'
    head = f"HTTP/1.1 401 No\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n"
    with answering(head.encode() + body) as port:
        env = {"COMETCHAT_APP_ID": "app", "COMETCHAT_EMULATOR": f"http://127.0.0.1:{port}"}
        done = run({**NO_KEYRING, **env}, "--json")
    assert len([each for each in problems(done) if problem and problem in each]) == (
        2 if problem else 0
    )
    assert len(problems(done)) == (3 if problem else 1)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Answer every request with the same bytes, the headers included; yield the port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline() not in {b"\r\n", b""}:
                pass
            self.wfile.write(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_a_host_that_is_not_there_is_named() -> None:
    """Nobody listening is a problem of each host, with its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {"COMETCHAT_APP_ID": "app", "COMETCHAT_EMULATOR": f"http://127.0.0.1:{port}"}
    done = run({**NO_KEYRING, **env}, "--json")
    found = [problem for problem in problems(done) if "There is no answer." in problem]
    assert len(found) == 2
    assert all(f"127.0.0.1:{port}" in problem for problem in found)


def test_n5_proxy_and_certificates_are_named() -> None:
    """What is in force is shown, without the proxy's password, and a missing file is a problem."""
    env = {
        **NO_KEYRING,
        "HTTPS_PROXY": f"http://me:{CANARY}@127.0.0.1:1",
        "REQUESTS_CA_BUNDLE": "/nowhere/ca.pem",
        "COMETCHAT_APP_ID": "app",
        "COMETCHAT_REGION": "us",
    }
    done = run(env, "--json")
    facts = sections(done)["Network"]["facts"]
    assert facts["proxy"] == "http://***@127.0.0.1:1"
    assert facts["ca_certificates"] == "/nowhere/ca.pem"
    assert facts["chosen_by"] == "REQUESTS_CA_BUNDLE"
    assert any("no CA certificates at /nowhere/ca.pem" in problem for problem in problems(done))
    assert leaks([done.stdout, done.stderr], [CANARY]) == []
