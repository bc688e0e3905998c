"""The description that the emulator gives of itself, and whether it is as described.

More than this by hand, against an emulator of one's own::

    EMULATOR_URL=http://127.0.0.1:8080 EMULATOR_KEY=... SCHEMATHESIS_HOOKS=tests.openapi_hooks \
        python -m schemathesis.cli run http://127.0.0.1:8080/openapi.json \
        --exclude-checks unsupported_method --max-examples 500
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis

from cometchat_auth.emulator import Emulator, _openapi_calls, _openapi_document, _openapi_schemas
from cometchat_auth.emulator._routes import ROUTES

pytestmark = pytest.mark.timeout(300)  # beside other tests on a small machine

ROOT: Final = Path(__file__).parent.parent

EXAMPLES: Final = 8  # requests for each call, in the phases that make them up
SEED: Final = 7
TIME_LIMIT: Final = 280  # seconds; each phase takes about 5, and 90 have been seen

# The service answers an unknown method with 404, as the contract says, where HTTP has 405.
UNWANTED: Final = "unsupported_method"


@pytest.fixture
def description(emulator: Emulator) -> dict[str, Any]:
    """Return the description, as anybody gets it."""
    answer = requests.get(f"{emulator.url}/openapi.json", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    return dict(answer.json())


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of each call."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(value: Any) -> Iterator[str]:
    """Yield every reference inside a value."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_description_is_valid(description: dict[str, Any]) -> None:
    """It is a document of OpenAPI 3.0, and what it refers to is there."""
    schemathesis.openapi.from_dict(copy.deepcopy(description)).validate()
    schemas = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert set(references(description)) == schemas
    ids = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(ids) == len(set(ids))


def test_an_invalid_description_is_noticed(description: dict[str, Any]) -> None:
    """A description that OpenAPI does not allow does not pass for a valid one."""
    del description["paths"]["/me"]["get"]["responses"]["200"]["description"]
    with pytest.raises(ValueError, match="not valid"):
        schemathesis.openapi.from_dict(description).validate()


def test_every_call_is_described(description: dict[str, Any]) -> None:
    """It names the calls that there are, no more and no less, and each parameter of a path."""
    described = {(method, path.count("/"), path) for method, path, _ in operations(description)}
    assert len(described) == len(ROUTES)
    assert {operation["operationId"] for _, _, operation in operations(description)} == {
        *_openapi_calls.OPERATIONS
    }
    for _, path, operation in operations(description):
        named = [entry["name"] for entry in operation["parameters"] if entry["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", path)


def test_every_call_can_be_refused(description: dict[str, Any]) -> None:
    """Each call says which codes its refusals have, and for the credential it says them right."""
    for _, path, operation in operations(description):
        codes = {
            status: set(
                answer["content"]["application/json"]["schema"]["allOf"][1]["properties"]["error"][
                    "properties"
                ]["code"]["enum"]
            )
            for status, answer in operation["responses"].items()
            if status != "200"
        }
        wanted = "AUTH_ERR_EMPTY_AUTH_TOKEN" if path == "/me" else "AUTH_ERR_EMPTY_APIKEY"
        assert wanted in codes["401"]
        assert codes["429"] == {"ERR_TOO_MANY_REQUESTS"}


def test_description_needs_no_key_and_only_get(emulator: Emulator) -> None:
    """It is there for whoever asks, and cannot be written to."""
    answer = requests.put(f"{emulator.url}/openapi.json", timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ERR_API_NOT_FOUND")


def test_a_call_that_is_not_described_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that was forgotten cannot be served a description without it."""
    rest = dict(_openapi_calls.OPERATIONS)
    del rest["get_user"]
    monkeypatch.setattr(_openapi_document, "OPERATIONS", rest)
    with pytest.raises(LookupError, match="get_user"):
        _openapi_document.describe()


def run_schemathesis(
    emulator: Emulator, where: str, folder: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """Have Schemathesis call the emulator with what a description says, and with what it does not.

    Args:
        emulator: The emulator.
        where: URL or file of the description.
        folder: Where it may write.
        options: Of its command line.
    """
    command = ["-m", "schemathesis.cli", "--no-color", "run", where, "--url"]
    return subprocess.run(
        [
            *(sys.executable, *command, f"{emulator.url}/v3"),
            *("--exclude-checks", UNWANTED, "--seed", str(SEED), "--suppress-health-check", "all"),
            *options,
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.openapi_hooks",
            "EMULATOR_URL": emulator.url,
            "EMULATOR_KEY": emulator.rest_api_key,
        },
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
    )


@pytest.mark.parametrize(("phases", "least"), [("coverage", 40), ("fuzzing", 5), ("stateful", 1)])
def test_emulator_is_as_described(
    emulator: Emulator, tmp_path: Path, phases: str, least: int
) -> None:
    """Whatever is sent, to each call: no 500, and an answer that its description foretells."""
    where = f"{emulator.url}/openapi.json"
    options = ("--phases", phases, "--max-examples", str(EXAMPLES))
    done = run_schemathesis(emulator, where, tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ROUTES)} selected / {len(ROUTES)} total" in done.stdout
    passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert passed is not None, done.stdout
    assert int(passed[1]) == int(passed[2]) > least * len(ROUTES)


@pytest.mark.parametrize(
    ("options", "method", "key", "code"),
    [
        ({"user_quota": 5}, "POST", "rest_api_key", "ERR_PLAN_QUOTA_RESTRICTION"),
        ({"requests_per_minute": 1}, "POST", "rest_api_key", "ERR_TOO_MANY_REQUESTS"),
        ({"strict_auth_key": True}, "POST", "auth_key", "AUTH_ERR_NO_ACCESS"),
        ({}, "GET", "auth_key", "AUTH_ERR_NO_ACCESS"),
    ],
)
def test_rare_refusals_are_as_described(
    options: dict[str, Any], method: str, key: str, code: str
) -> None:
    """Refusals that no ordinary request meets are described too: status, code and headers."""
    with Emulator(**options) as service:
        headers = {"apikey": getattr(service, key)}
        for uid in ("first", "second"):
            answer = requests.request(
                method,
                f"{service.url}/v3/users",
                headers=headers,
                json={"uid": uid, "name": uid},
                timeout=10,
            )
    assert answer.json()["error"]["code"] == code
    operation = schemathesis.openapi.from_dict(_openapi_document.describe())["/users"][method]
    assert str(answer.status_code) in operation.definition.raw["responses"]
    operation.validate_response(answer)
    told = operation.definition.raw["responses"][str(answer.status_code)].get("headers", {})
    assert told.keys() <= answer.headers.keys()


def _forget_a_field(description: dict[str, Any]) -> None:
    user = description["components"]["schemas"]["User"]
    user["required"].remove("status")
    del user["properties"]["status"]


def _forget_a_status(description: dict[str, Any]) -> None:
    del description["paths"]["/users/{uid}"]["get"]["responses"]["404"]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_forget_a_field, "Response violates schema"),
        (_forget_a_status, "Undocumented (HTTP )?status code"),  # by its version
    ],
)
def test_a_wrong_description_is_noticed(
    emulator: Emulator, tmp_path: Path, spoil: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    """An answer that the description does not foretell is found: a field, or a status."""
    spoiled = copy.deepcopy(_openapi_document.describe())
    spoil(spoiled)
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(spoiled))
    only = ["--include-operation-id", "get_user", "--phases", "coverage,fuzzing"]
    done = run_schemathesis(emulator, str(file), tmp_path, *only)
    assert done.returncode == 1
    assert re.search(complaint, done.stdout)


def test_blank_is_absent_as_described() -> None:
    """What counts as absent is described once, and referred to by every field that may be."""
    change = _openapi_schemas.changes({"link": {"type": "string"}})
    assert change["properties"]["link"]["anyOf"][1] == {"$ref": "#/components/schemas/Blank"}
    assert "anyOf" not in change["properties"]["name"]
