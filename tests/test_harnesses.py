"""The test harnesses themselves: what they claim to do, they do."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests import official_sdk, secret_service
from tests.official_sdk import OfficialSdk, OfficialSdkError, OfficialSdkGone
from tests.real_parts import require
from tests.recording import Recorder
from tests.secret_service import Item, SecretService

SET = "import sys, keyring; keyring.set_password('service', 'somebody', sys.argv[1])"
GET = "import keyring; print(keyring.get_password('service', 'somebody'))"
GET_LOCKED = """
import keyring
from keyring.errors import KeyringLocked
try:
    keyring.get_password("service", "somebody")
except KeyringLocked:
    print("locked")
"""

# An answer to any request of the SDK: a user, and settings that name somebody else's hosts.
FOREIGN_SETTINGS = {
    "ADMIN_API_HOST": "admin.example",
    "CLIENT_API_HOST": "client.example",
    "CHAT_API_VERSION": "v3.0",
    "APP_VERSION": 4,
}
ANSWER = {
    "uid": "somebody",
    "name": "Somebody",
    "authToken": "token",
    "settings": FOREIGN_SETTINGS,
}


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, byte for byte."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer with the request line, the headers and the body, and with odd headers."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = f"{self.requestline}\n{self.headers}".encode("latin-1") + body
        self.send_response(418, "Short And Stout")
        self.send_header("x-oDD", "1")
        self.send_header("X-Odd", "2")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Foreign(Echo):
    """Answers every request of the official SDK, naming foreign hosts for the next one."""

    def do_POST(self) -> None:
        """Answer with a user and settings."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = json.dumps({"data": ANSWER}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_PUT(self) -> None:
        """Answer in the same way."""
        self.do_POST()


def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with a handler and give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def echo_url() -> Iterator[str]:
    """Give the address of a server that answers with what it was asked."""
    yield from serve(Echo)


@pytest.fixture
def foreign_url() -> Iterator[str]:
    """Give the address of a server that sends the SDK to foreign hosts."""
    yield from serve(Foreign)


@pytest.fixture
def nobody_url() -> str:
    """Give an address where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.fixture
def secrets() -> Iterator[SecretService]:
    """Start a real Secret Service."""
    require(secret_service.available())
    with SecretService() as service:
        yield service


@pytest.fixture
def sdk() -> Iterator[OfficialSdk]:
    """Start Node with the official SDK."""
    require(official_sdk.available())
    with OfficialSdk() as started:
        yield started


def environment_of(process: Path) -> bytes:
    """Return the environment a process was started with; nothing if it has ended."""
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def processes_of(service: SecretService) -> list[str]:
    """Return the ids of all living processes that run in the service's environment."""
    home = f"HOME={service.env['HOME']}\0".encode()
    return [
        process.name for process in Path("/proc").glob("[0-9]*") if home in environment_of(process)
    ]


class TestRecorder:
    """The recording forwarder."""

    def test_forwards_unchanged(self, echo_url: str) -> None:
        """The target sees the same request line, headers and body as without the recorder."""
        path, headers = "/v3/a%2Fb/../c?q=%20x&q=", {"apiKEY": "k", "Host": "same.example"}

        def ask(url: str) -> requests.Response:
            request = requests.Request("POST", url, headers=headers, data=b"\x00\xff")
            prepared = request.prepare()
            prepared.url = url + path
            with requests.Session() as session:
                return session.send(prepared)

        with Recorder(echo_url) as recorder:
            through, direct = ask(recorder.url), ask(echo_url)
        assert through.content == direct.content
        assert b"POST /v3/a%2Fb/../c?q=%20x&q= HTTP/1.1" in direct.content
        assert b"apiKEY: k" in direct.content

    def test_answers_unchanged(self, echo_url: str) -> None:
        """The client sees the target's status, reason and headers, repeated ones included."""
        with Recorder(echo_url) as recorder:
            answer = requests.post(recorder.url, timeout=5)
        assert (answer.status_code, answer.reason) == (418, "Short And Stout")
        assert answer.headers["X-Odd"] == "1, 2"

    def test_records_what_passed(self, echo_url: str) -> None:
        """Each exchange keeps method, path, headers in wire spelling, body and status."""
        with Recorder(echo_url) as recorder:
            requests.post(f"{recorder.url}/%41?b", headers={"auThToken": "t"}, data="é", timeout=5)
        (exchange,) = recorder.exchanges
        assert (exchange.method, exchange.status) == ("POST", 418)
        assert exchange.path == "/A?b"  # requests itself decodes what needs no escape
        assert exchange.body == "é".encode()
        assert ("auThToken", "t") in exchange.headers
        assert exchange.header("authtoken") == "t"
        assert exchange.header("apikey") is None

    def test_keeps_the_connection(self, echo_url: str) -> None:
        """Several requests over one connection are recorded in order."""
        with Recorder(echo_url) as recorder, requests.Session() as session:
            for number in range(3):
                session.post(f"{recorder.url}/{number}", timeout=5)
        assert [exchange.path for exchange in recorder.exchanges] == ["/0", "/1", "/2"]

    def test_clear_forgets(self, echo_url: str) -> None:
        """After ``clear`` only later exchanges are to be seen."""
        with Recorder(echo_url) as recorder:
            requests.post(f"{recorder.url}/before", timeout=5)
            recorder.clear()
            requests.post(f"{recorder.url}/after", timeout=5)
        assert [exchange.path for exchange in recorder.exchanges] == ["/after"]

    def test_target_gone(self, nobody_url: str) -> None:
        """Where the target does not answer, the client gets a 502 and the record says so."""
        with Recorder(nobody_url) as recorder:
            assert requests.post(recorder.url, timeout=5).status_code == 502
        assert [exchange.status for exchange in recorder.exchanges] == [502]

    def test_stops_at_once_and_leaves_no_thread(self, nobody_url: str) -> None:
        """Leaving ends all threads, even while a client keeps its connection open."""
        before = set(threading.enumerate())
        with requests.Session() as session:
            with Recorder(nobody_url) as recorder:
                session.post(recorder.url, timeout=5)
                assert set(threading.enumerate()) - before
            assert set(threading.enumerate()) <= before


class TestSecretService:
    """The private Secret Service."""

    def test_stores_and_reads_back(self, secrets: SecretService) -> None:
        """What one process stores with keyring, another reads."""
        secrets.run(SET, "a secret é")
        assert secrets.run(GET).stdout == "a secret é\n"

    def test_lists_items(self, secrets: SecretService) -> None:
        """``items`` shows everything that is stored, with attributes and secrets."""
        assert secrets.items() == []
        secrets.run(SET, "a secret")
        (item,) = secrets.items()
        assert isinstance(item, Item)
        assert (item.attributes["service"], item.attributes["username"]) == ("service", "somebody")
        assert item.secret == "a secret"

    def test_each_is_empty(self, secrets: SecretService) -> None:
        """Two Secret Services at a time do not see each other's items."""
        secrets.run(SET, "a secret")
        with SecretService() as other:
            assert other.run(GET).stdout == "None\n"

    def test_lock(self, secrets: SecretService) -> None:
        """After ``lock`` keyring says that the keyring is locked; nobody is asked."""
        secrets.run(SET, "a secret")
        secrets.lock()
        assert secrets.run(GET_LOCKED).stdout == "locked\n"

    def test_kill_daemon(self, secrets: SecretService) -> None:
        """After ``kill_daemon`` D-Bus starts another one, which is locked."""
        secrets.run(SET, "a secret")
        secrets.kill_daemon()
        assert secrets.run(GET_LOCKED).stdout == "locked\n"

    def test_freeze_daemon(self, secrets: SecretService) -> None:
        """A frozen daemon answers nobody, until it is let go on."""
        secrets.run(SET, "a secret")
        secrets.freeze_daemon()
        with pytest.raises(subprocess.TimeoutExpired):
            secrets.run(GET, time_limit=1)
        secrets.thaw_daemon()
        assert secrets.run(GET).stdout == "a secret\n"

    def test_environment_is_private(self, secrets: SecretService) -> None:
        """A child gets no display and no folder of the surrounding user."""
        code = "import json, os; print(json.dumps(dict(os.environ)))"
        seen = json.loads(secrets.run(code).stdout)
        assert "DISPLAY" not in seen
        folders = [value for name, value in seen.items() if name.startswith(("XDG_", "HOME"))]
        assert len(folders) == 5
        for folder in folders:
            assert folder.startswith(secrets.env["HOME"])
            assert Path(folder).stat().st_mode & 0o777 == 0o700

    def test_failing_child_is_told(self, secrets: SecretService) -> None:
        """A child's failure is an error that shows what it wrote, unless it is expected."""
        with pytest.raises(AssertionError, match="exit status 3: no way"):
            secrets.run("import sys; sys.stderr.write('no way'); sys.exit(3)")
        assert secrets.run(["false"], check=False).returncode == 1

    @pytest.mark.parametrize("spoil", ["nothing", "kill_daemon", "freeze_daemon"])
    def test_leaves_nothing(self, spoil: str) -> None:
        """Leaving ends all processes, those started by D-Bus too, and removes the folder."""
        require(secret_service.available())
        with SecretService() as service:
            service.run(SET, "a secret")
            if spoil != "nothing":
                getattr(service, spoil)()
            if spoil == "kill_daemon":
                service.run(GET_LOCKED)
            assert processes_of(service)
        assert processes_of(service) == []
        assert not Path(service.env["HOME"]).exists()


class TestOfficialSdk:
    """The driver of the official SDK."""

    def test_goes_nowhere_else(self, sdk: OfficialSdk, foreign_url: str) -> None:
        """A request for any other host than the service's fails, unsent, and is recorded."""
        sdk.init("app", foreign_url)
        sdk.login("token")
        with pytest.raises(OfficialSdkError):
            sdk.update_current_user_details({"name": "Else"})
        assert sdk.blocked() == [{"kind": "fetch", "url": "https://client.example/v3.0/me"}]
        assert sdk.blocked() == []

    def test_time_limit(self, sdk: OfficialSdk) -> None:
        """A command that is not answered in time ends Node, and only Node."""
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            sdk.init("app", f"http://127.0.0.1:{silent.getsockname()[1]}")
            sdk.time_limit = 0.5
            with OfficialSdk() as other:
                with pytest.raises(OfficialSdkGone, match="'login'"):
                    sdk.login("token")
                assert not Path(f"/proc/{sdk.pid}/exe").exists()
                assert Path(f"/proc/{other.pid}/exe").exists()

    def test_close_ends_node(self) -> None:
        """After ``close`` there is no process, a second ``close`` is harmless, and it says so."""
        require(official_sdk.available())
        sdk = OfficialSdk()
        sdk.close()
        sdk.close()
        assert not Path(f"/proc/{sdk.pid}").exists()
        with pytest.raises(OfficialSdkGone, match="was ended"):
            sdk.logout()


class TestRequire:
    """The policy for real parts that are not installed."""

    def test_there(self) -> None:
        """Nothing happens if the part is there."""
        require(None)

    def test_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a user's machine the test is skipped, with the reason."""
        monkeypatch.delenv("CI", raising=False)
        with pytest.raises(pytest.skip.Exception, match="no node"):
            require("no node")

    def test_ci(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where everything has to be installed, the test fails, with the reason."""
        monkeypatch.setenv("CI", "1")
        with pytest.raises(pytest.fail.Exception, match="no node"):
            require("no node")
