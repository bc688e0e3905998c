"""``python -m cometchat_auth.emulator``, as a person at a terminal or a script sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from .tools import LIMIT

COMMAND = (sys.executable, "-W", "error", "-m", "cometchat_auth.emulator")
EVERYWHERE = "0.0.0.0"  # noqa: S104

Process = subprocess.Popen[str]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with changes, without keys of the developer's."""
    kept = {name: value for name, value in os.environ.items() if "COMETCHAT" not in name}
    return {**kept, **changes}


def run(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        (*COMMAND, *options),
        env=environment(variables),
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return subprocess.run(
        (sys.executable, "-W", "error", "-c", code),
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


@contextmanager
def started(*options: str, **variables: str) -> Iterator[Process]:
    """Run the command until the end of the block, or the limit."""
    with subprocess.Popen(
        (*COMMAND, *options),
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        alarm = threading.Timer(3 * LIMIT, process.kill)
        alarm.start()
        try:
            yield process
        finally:
            process.kill()
            alarm.cancel()
            alarm.join()


def read_until(process: Process, text: str) -> list[str]:
    """Return the lines that a program writes up to and with one that has this in it."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if text in line:
            return lines
    assert process.stderr is not None
    raise AssertionError(f"the program ended with {lines} and {process.stderr.read()}")


def end(process: Process, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """End the program by a signal, and return its exit code and what it still wrote."""
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    return process.returncode, out, err


@contextmanager
def serving(*options: str, **variables: str) -> Iterator[tuple[dict[str, Any], Process]]:
    """Run the command with ``--json``, and return what it says of itself; end it as users do."""
    with started("--json", *options, **variables) as process:
        yield json.loads(read_until(process, "{")[0]), process
        if process.poll() is None:
            assert end(process)[:2] == (0, "")


def call(about: Mapping[str, Any], method: str, path: str, body: Any = None) -> Any:
    """Send a request with the REST API key, and return the answer's body."""
    return requests.request(
        method,
        f"{about['url']}/v3/{path}",
        json=body,
        headers={"apikey": about["rest_api_key"], "appId": about["app_id"]},
        verify=about["ca"],
        timeout=LIMIT,
    ).json()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_ends_it(number: signal.Signals) -> None:
    """It must print what a client needs, serve, and end with exit code 0, saying so."""
    with started("--app-id", "mine") as process:
        lines = read_until(process, "Ctrl-C ends it")
        first = next(index for index, line in enumerate(lines) if line.startswith("from "))
        assert python("\n".join(lines[first:-1])).stdout == "Andrew Joseph\n"
        assert end(process, number) == (0, "The emulator has ended.\n", "")
    facts = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert facts["App id"] == "mine"
    assert facts["Dashboard"] == facts["URL"] + "/"


def test_json_is_one_line_that_says_all() -> None:
    """A script must find URLs and the keys of every app in one line, and nothing else."""
    with serving("--app-id", "one", "--app-id", "two") as (about, process):
        first, second = about["apps"]
        assert first == {name: about[name] for name in ("app_id", "auth_key", "rest_api_key")}
        assert (first["app_id"], second["app_id"]) == ("one", "two")
        for app in (first, second):
            users = call({**about, **app}, "GET", "users")["data"]
            assert len(users) == 5
        assert requests.get(about["dashboard_url"], timeout=LIMIT).status_code == 200
        assert end(process) == (0, "", "")


def test_keys_and_port_can_be_chosen() -> None:
    """Keys and port that are given must be used, so that a client can rely on them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    keys = ("--auth-key", "a" * 40, "--rest-api-key", "b" * 40)
    with serving("--port", str(port), "--host", "localhost", *keys) as (about, _):
        assert about["url"] == f"http://127.0.0.1:{port}"
        assert (about["auth_key"], about["rest_api_key"]) == ("a" * 40, "b" * 40)


def test_keys_come_from_variables_of_its_own_only() -> None:
    """The emulator's variables must give its keys, and the real service's must not be printed."""
    real = {"COMETCHAT_AUTH_KEY": "c" * 40, "COMETCHAT_REST_API_KEY": "d" * 40}
    ours = {"COMETCHAT_EMULATOR_AUTH_KEY": "a" * 40, "COMETCHAT_EMULATOR_REST_API_KEY": "b" * 40}
    with serving(**real, **ours) as (about, _):
        assert (about["auth_key"], about["rest_api_key"]) == ("a" * 40, "b" * 40)
    with serving(**real) as (about, _):
        assert not {"c" * 40, "d" * 40} & {about["auth_key"], about["rest_api_key"]}


def test_tls(tmp_path: Path) -> None:
    """Over TLS the CA must be where it was asked for, and the printed program must log in."""
    path = tmp_path / "ca.pem"
    with started("--tls", "--ca", str(path)) as process:
        lines = read_until(process, "Ctrl-C ends it")
        first = next(index for index, line in enumerate(lines) if line.startswith("from "))
        assert python("\n".join(lines[first:-1])).stdout == "Andrew Joseph\n"
    assert f"CA:           {path}" in lines
    with serving("--tls", "--ca", str(path)) as (about, _):
        assert (about["url"][:8], about["ca"]) == ("https://", str(path))
        assert len(call(about, "GET", "users")["data"]) == 5


def test_data_lasts(tmp_path: Path) -> None:
    """With ``--data`` users and keys must be there the next time."""
    options = ("--data", str(tmp_path / "users.db"), "--app-id", "one", "--app-id", "two")
    with serving(*options) as (first, process):
        call(first, "POST", "users", {"uid": "kevin", "name": "Kevin"})
        assert end(process) == (0, "", "")
    with serving(*options) as (second, _):
        assert second["apps"] == first["apps"]
        assert call(second, "GET", "users/kevin")["data"]["name"] == "Kevin"


def test_seed_and_export(tmp_path: Path) -> None:
    """What ``--export`` writes at the end must be a seed; no key or token may be in it."""
    seed, export = tmp_path / "seed.json", tmp_path / "export.json"
    seed.write_text(json.dumps({"users": [{"uid": "kevin", "name": "Kevin"}]}), "utf-8")
    with serving("--seed", str(seed), "--export", str(export)) as (about, process):
        call(about, "POST", "users", {"uid": "maria", "name": "Maria"})
        token = call(about, "POST", "users/maria/auth_tokens", {})["data"]["authToken"]
        assert not export.exists()
        assert end(process) == (0, "", "")
    for secret in (token, about["auth_key"], about["rest_api_key"]):
        assert secret not in export.read_text("utf-8")
    with serving("--seed", str(export)) as (about, _):
        users = call(about, "GET", "users")["data"]
    assert [user["uid"] for user in users] == ["kevin", "maria"]


def test_limits_hold_for_each_app() -> None:
    """Quota, rate and strictness must be those that were asked for, in every app."""
    apps = ("--app-id", "one", "--app-id", "two")
    limits = ("--user-quota", "5", "--requests-per-minute", "2", "--strict-auth-key")
    with serving(*apps, *limits) as (about, _):
        for app in about["apps"]:
            key = {**about, **app}
            kevin = {"uid": "kevin", "name": "Kevin"}
            strict = call({**key, "rest_api_key": app["auth_key"]}, "POST", "users", kevin)
            assert strict["error"]["code"] == "AUTH_ERR_NO_ACCESS"
            codes = [call(key, "POST", "users", kevin)["error"]["code"] for _ in range(2)]
            assert "ERR_PLAN_QUOTA_RESTRICTION" in codes
            assert call(key, "GET", "users")["error"]["code"] == "ERR_TOO_MANY_REQUESTS"


def test_e3_other_machines_only_when_told() -> None:
    """Another address must be refused in one line without ``--allow-remote``, and warned of."""
    done = run("--host", EVERYWHERE)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "loopback" in done.stderr
    with serving("--host", EVERYWHERE, "--allow-remote") as (about, process):
        assert about["url"].startswith("http://127.0.0.1:")
        code, _, err = end(process)
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("Warning: The emulator listens on every address of this machine")


def test_open_shows_the_dashboard(tmp_path: Path) -> None:
    """``--open`` must hand the dashboard's address to the browser."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" >{opened}\n', "utf-8")
    browser.chmod(0o755)
    os.mkfifo(opened)
    with serving("--open", BROWSER=f"{browser} %s") as (about, _):
        assert opened.read_text("utf-8") == about["dashboard_url"]


def test_open_without_a_browser_is_a_warning() -> None:
    """Where there is no browser it must say so, and serve all the same."""
    with serving("--open", BROWSER="/nonexistent/browser %s", PATH="") as (about, process):
        assert process.stderr is not None
        assert process.stderr.readline() == "Warning: No browser was found to open.\n"
        assert len(call(about, "GET", "users")["data"]) == 5


def test_a_reader_that_has_had_enough_is_no_failure_to_tell() -> None:
    """Where nobody reads on, as with ``head``, it must end without a traceback."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            COMMAND, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--auth-key", "same", "--rest-api-key", "same"], 1, "two different"),
        (["--auth-key", ""], 1, "auth_key"),
        (["--ca", "ca.pem"], 1, "--tls"),
        (["--seed", "/nonexistent/seed.json"], 1, "/nonexistent/seed.json"),
        (["--data", "/nonexistent/users.db"], 1, "/nonexistent/users.db"),
        (["--tls", "--ca", "/nonexistent/ca.pem"], 1, "/nonexistent/ca.pem"),
        (["--export", "/nonexistent/out.json"], 1, "/nonexistent/out.json"),
        (["--export", "/"], 1, "/: Is a directory"),
        (["--app-id", "same", "--app-id", "same", "--app-id", ""], 1, "app"),
        (["--host", "no host"], 1, "no host"),
        (["--port", "70000"], 2, "'70000' is no whole number of 0-65535"),
        (["--user-quota", "-1"], 2, "'-1' is no whole number of 0 or more"),
        (["--requests-per-minute", "0"], 2, "'0' is no whole number of 1 or more"),
        (["--port", "x"], 2, "'x' is no whole number"),
        (["--por", "0"], 2, "--por"),
        (["unexpected"], 2, "unexpected"),
    ],
)
def test_wrong_use_has_its_exit_code(options: list[str], code: int, words: str) -> None:
    """Wrong values must be 1, a wrong use 2; a person reads why, never a traceback."""
    done = run(*options)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert code == 2 or done.stderr.count("\n") == 1


def test_a_port_in_use_is_named() -> None:
    """A port in use must be one line on standard error and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"port {port}" in done.stderr
    assert "Choose another port" in done.stderr


def test_help_names_every_option() -> None:
    """The help must name the options, and the variables that stand for keys."""
    told = run("--help").stdout
    words = ("--data", "--seed", "--export", "--tls", "--ca", "--json", "--open", "--allow-remote")
    assert [word for word in (*words, "COMETCHAT_EMULATOR_AUTH_KEY") if word not in told] == []


def test_it_needs_no_more_than_the_emulator() -> None:
    """It must work where rich is missing, and load neither the client nor, for HTTP, trustme."""
    code = """
import sys, threading, _thread
sys.modules["rich"] = sys.modules["trustme"] = None
from cometchat_auth.emulator import __main__ as program
program._wait_for_ever = _thread.interrupt_main
program.main(["--json"])
ours = [name for name in sys.modules if name.startswith("cometchat_auth.")]
print([name for name in ours if ".emulator" not in name and name != "cometchat_auth._version"])
"""
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == ["[]"]
