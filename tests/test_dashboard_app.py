"""The dashboard in a real browser: keys, examples, export, reset, several apps, TLS."""

from __future__ import annotations

import http.client
import json
import shlex
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator

from .browser.plain import get, post
from .browser.visitor import Visitor
from .test_emulator_http import ask
from .tools import error_of

pytest_plugins = ("tests.browser.fixtures",)

UID = "cometchat-uid-1"


def test_the_keys_are_copied(visitor: Visitor, emulator: Emulator) -> None:
    """Each copy button must give its own secret, without showing it."""
    visitor.click("App")
    for name, secret in (
        ("auth key", emulator.auth_key),
        ("REST API key", emulator.rest_api_key),
    ):
        visitor.find(f"Copy {name}").click()
        _wait_for_copy(visitor, name)
        assert visitor.clipboard() == secret
        assert secret not in visitor.driver.page_source
    visitor.click("Reveal REST API key")
    assert emulator.rest_api_key in visitor.text
    assert visitor.focused().text == emulator.rest_api_key


def _wait_for_copy(visitor: Visitor, name: str) -> None:
    code = "return document.getElementById('live').textContent"
    visitor.wait(lambda: visitor.script(code) == f"{name} copied.")


def test_the_python_example_runs(visitor: Visitor, emulator: Emulator, tmp_path: Path) -> None:
    """The copied program must log a user in as it stands."""
    visitor.open("/dashboard/app")
    visitor.find("Copy Python example").click()
    _wait_for_copy(visitor, "Python example")
    program = tmp_path / "example.py"
    program.write_text(visitor.clipboard(), "utf-8")
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("Andrew Joseph\n", "")
    assert len(emulator.auth_tokens(UID)) == 1


def test_the_curl_example_lists_the_users(visitor: Visitor, emulator: Emulator) -> None:
    """The revealed command must be the one that lists the users."""
    visitor.open("/dashboard/app")
    visitor.click("Reveal curl example")
    words = shlex.split(visitor.focused().text)
    headers = dict(words[at + 1].split(": ") for at, word in enumerate(words) if word == "-H")
    assert words[-1] == f"{emulator.url}/v3/users"
    key, app_id = headers["apikey"], headers["appId"]
    assert ask(emulator, "GET", "/v3/users", apikey=key, appId=app_id).data[0]["uid"] == UID


def test_the_settings_are_told() -> None:
    """How the app behaves must be on its page, escaped."""
    with Emulator(
        roles=["teacher"],
        user_quota=17,
        requests_per_minute=99,
        strict_auth_key=True,
        settings={"<b>": "</pre>"},
    ) as emulator:
        page = get(emulator, "/dashboard/app").page
    for text in ("teacher", ">17<", ">99<", "no, mint tokens only", "&lt;b&gt;"):
        assert text in page
    assert "<b>" not in page


def test_the_reset_asks_first(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """A reset must undo everything that happened, once it was confirmed."""
    emulator.create_user("kevin", "Kevin")
    chat.login(UID, emulator.auth_key).result()
    visitor.click("Data")
    visitor.click("Reset everything")
    visitor.click("Cancel")
    assert emulator.user("kevin")
    visitor.click("Reset everything")
    visitor.click("Reset everything")
    assert "as it was when the emulator was made" in visitor.note
    assert chat.check_session().result() is None
    assert error_of(chat.login("kevin", emulator.auth_key)).code == "ERR_UID_NOT_FOUND"


@pytest.mark.parametrize("secrets", ["", "yes"])
def test_the_export_is_a_file(emulator: Emulator, secrets: str) -> None:
    """The file must be what Python exports, with keys and tokens only where that was chosen."""
    token = emulator.create_auth_token(UID)
    answer = post(emulator, "/dashboard/data/export", secrets=secrets)
    assert answer.headers["content-disposition"] == 'attachment; filename="cometchat-emulator.json"'
    assert json.loads(answer.page) == emulator.export(secrets=bool(secrets))
    assert (token in answer.page) == bool(secrets)
    assert (emulator.auth_key in answer.page) == bool(secrets)


def test_each_app_has_its_own_users(visitor: Visitor, emulator: Emulator) -> None:
    """With several apps, one must be chosen, and links, forms and effects stay with it."""
    second = emulator.add_app("second-app")
    visitor.open()
    visitor.fill(App="second-app")
    visitor.wait(lambda: "app=second-app" in visitor.driver.current_url)
    visitor.click("Create user")
    visitor.fill(Uid="kevin", Name="Kevin")
    visitor.click("Create user")
    visitor.click("Create auth token")
    assert len(second.auth_tokens("kevin")) == 1
    assert "kevin" not in {user["uid"] for user in emulator.users()}
    visitor.click("App")
    visitor.click("Reveal auth key")
    assert second.auth_key in visitor.text
    assert emulator.auth_key not in visitor.text
    visitor.click("Users")
    visitor.fill(Name_or_uid_begins_with="kev")
    visitor.click("Search")
    assert len(visitor.rows) == 1


def test_tls_has_its_authority_to_download() -> None:
    """Over TLS the certificate that clients have to trust must be there to download."""
    with Emulator(tls=True) as emulator:
        context = ssl.create_default_context(cadata=emulator.ca_pem.decode())
        port = int(emulator.url.rpartition(":")[2])
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        try:
            connection.request("GET", "/dashboard/app/ca.pem")
            assert connection.getresponse().read() == emulator.ca_pem
            connection.request("GET", "/dashboard/app")
            page = connection.getresponse().read().decode()
            connection.request(
                "POST", "/dashboard/faults/clear", "", {"Origin": "http://127.0.0.1"}
            )
            assert connection.getresponse().status == 403
        finally:
            connection.close()
    assert "Download the CA certificate" in page
    assert "verify=&#34;cometchat-emulator-ca.pem&#34;" in page
    assert "--cacert" in page
