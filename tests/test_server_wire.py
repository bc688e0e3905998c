"""What `CometChatServer` puts on the wire, and what it makes of what comes back."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cometchat_auth import (
    AppSettings,
    CometChatException,
    InvalidParameterError,
    NoAnswerError,
    OutcomeUnknownError,
    User,
)
from cometchat_auth.server import AuthToken, CometChatServer

from .network import data, refusal
from .server_calls import ALICE, CASES, ONE_TOKEN, REST_KEY, TOKEN, Case, server_of
from .tools import Reply, Seen, scripted


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_call_sends_what_the_contract_says(case: Case) -> None:
    """Method, path, query, key and body must be those of CometChat's REST API."""
    with scripted(lambda _: data(case.answer)) as server:
        case.call(server_of(server.url))
    (seen,) = server.seen
    assert (seen.method, seen.path) == (case.method, f"/v3.0{case.path}")
    assert seen.headers["apiKey"] == REST_KEY
    assert (json.loads(seen.body) if seen.body else None) == case.body


def test_every_public_method_is_among_the_calls() -> None:
    """A method that the tests of this file do not know would be tested by none of them."""
    public = {name for name in vars(CometChatServer) if not name.startswith("_")}
    assert public - {"create_users"} == CASES.keys() - {"create_user_with_token"}


def test_asking_on_behalf_of_a_user_is_a_header() -> None:
    """The service wants the uid of the one who asks in a header, and only where there is one."""
    with scripted(lambda _: data(ALICE)) as server:
        server_of(server.url).get_user("alice", on_behalf_of="bob")
        server_of(server.url).get_user("alice")
    assert [seen.headers.get("onBehalfOf") for seen in server.seen] == ["bob", None]


def test_models_are_made_of_the_answers() -> None:
    """Users and tokens must come back as values, with what is not known in ``extra``."""
    described: dict[str, Any] = {
        **ONE_TOKEN,
        "platform": "WEB",
        "appInfo": {"a": 1},
        "new": 1,
        "userAgent": 5,
    }
    answers: Iterator[Any] = iter([{**ALICE, "authToken": TOKEN}, described, [described]])
    with scripted(lambda _: data(next(answers))) as server:
        ours = server_of(server.url)
        user, token = ours.create_user(User("alice", "Alice"), with_auth_token=True)
        again = ours.get_auth_token("alice", TOKEN)
        assert list(ours.list_auth_tokens("alice")) == [again]
    assert (user.uid, user.created_at, user.extra) == ("alice", 1700000000, {})
    assert token == AuthToken("alice", TOKEN, 1700000000)
    assert (again.platform, again.user_agent, again.app_info) == ("WEB", None, {"a": 1})
    assert again.extra == {"new": 1, "userAgent": 5}
    assert TOKEN not in repr((token, again))


def _pages(total: int, *, told: bool, wrong: bool = False) -> Any:
    def script(seen: Seen) -> Reply:
        query = dict(pair.split("=") for pair in seen.path.partition("?")[2].split("&"))
        size, number = int(query["perPage"]), int(query["page"])
        items = [{"uid": f"u{n}"} for n in range(total)][(number - 1) * size : number * size]
        pages = {"total_pages": 0 if wrong else -(-total // size), "current_page": number}
        meta = {"meta": {"pagination": pages}} if told else {}
        return Reply(200, json.dumps({"data": items, **meta}).encode())

    return script


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("total", "requests"), [(0, 1), (1, 1), (10, 1), (11, 2), (30, 3)])
def test_a_list_is_read_to_its_end(total: int, requests: int, told: bool) -> None:
    """Every user must come once, in order, whether or not the service tells how many there are."""
    with scripted(_pages(total, told=told)) as server:
        found = [user.uid for user in server_of(server.url).list_users(per_page=10)]
    assert found == [f"u{number}" for number in range(total)]
    full = total > 0 and total % 10 == 0
    assert len(server.seen) == requests + (1 if full and not told else 0)


def test_a_list_is_read_on_where_the_totals_are_wrong() -> None:
    """CometChat's examples have totals of 0 beside five entries: no user may be lost to that."""
    with scripted(_pages(11, told=True, wrong=True)) as server:
        assert len(list(server_of(server.url).list_users(per_page=10))) == 11
    assert len(server.seen) == 2


def test_a_list_asks_for_a_page_when_it_is_needed() -> None:
    """Nothing may be sent before the first user is asked for, nor a page beyond the one read."""
    with scripted(_pages(30, told=True)) as server:
        users = server_of(server.url).list_users(per_page=10)
        assert server.seen == []
        for _ in range(10):
            next(users)
        assert len(server.seen) == 1
        next(users)
        assert len(server.seen) == 2


def test_a_page_that_is_empty_ends_a_list() -> None:
    """A service that names more pages than it has must not be asked for ever."""
    body = json.dumps({"data": [], "meta": {"pagination": {"total_pages": 10**9}}}).encode()
    with scripted(lambda _: Reply(200, body)) as server:
        assert list(server_of(server.url).list_users()) == []
    assert len(server.seen) == 1


def _switched(seen: Seen) -> Reply:
    body = json.loads(seen.body)
    return data({"deactivatedUids": body["uidsToDeactivate"]})


def test_many_uids_are_sent_in_parts() -> None:
    """No body may be larger than the service takes, and no uid may be lost or sent twice."""
    uids = [f"{number:0100}" for number in range(250)]
    with scripted(_switched) as server:
        done = server_of(server.url).deactivate_users(iter([*uids, uids[0].upper()]))
    assert done == tuple(uids)
    assert len(server.seen) == 3
    assert max(len(seen.body) for seen in server.seen) <= 10 * 1024


def test_an_error_in_the_midst_says_what_is_done() -> None:
    """Whoever deactivates many must know which were, should a later request fail."""
    answers: Iterator[Callable[[Seen], Reply]] = iter(
        [_switched, lambda _: refusal("ERR_EXCEPTION", 500)]
    )
    uids = [f"{number:0100}" for number in range(150)]
    with (
        scripted(lambda seen: next(answers)(seen)) as server,
        pytest.raises(CometChatException) as caught,
    ):
        server_of(server.url).deactivate_users(uids)
    assert caught.value.code == "ERR_EXCEPTION"
    done = caught.value.details["done"]
    assert done == uids[: len(done)]
    assert 0 < len(done) < 150


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_n2_only_what_may_be_repeated_is(case: Case) -> None:
    """A lost answer must be asked for again, unless a second time could do something else."""
    first = threading.Event()

    def script(_: Seen) -> Reply:
        if not first.is_set():
            first.set()
            return Reply(200, b"x" * 100, cut=10)
        return data(case.answer)

    with scripted(script) as server:
        if case.repeatable:
            case.call(server_of(server.url))
        else:
            with pytest.raises(OutcomeUnknownError):
                case.call(server_of(server.url))
    assert len(server.seen) == (2 if case.repeatable else 1)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_n1_the_time_limit_of_one_call_holds(case: Case) -> None:
    """``timeout`` of the settings must bound every call to a server that never answers."""
    go = threading.Event()

    def script(_: Seen) -> Reply:
        go.wait(20)
        return data(case.answer)

    with scripted(script) as server:
        with pytest.raises((NoAnswerError, OutcomeUnknownError)):
            case.call(server_of(server.url, timeout=0.2))
        go.set()


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>"),
        Reply(200, b"null"),
        data(None),
        data([[]]),
        data({"uid": 5}),
        data("text"),
    ],
)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_n4_whatever_comes_back_is_an_error_of_ours(case: Case, answer: Reply) -> None:
    """No answer may surface as an exception of another kind."""
    with scripted(lambda _: answer) as server:
        try:
            result = case.call(server_of(server.url))
        except CometChatException:
            return
    assert result is None  # what only asks for a yes takes any answer of the service for one


def test_server_and_its_values_survive_pickle() -> None:
    """Another process must be able to go on with the server, and with what it returned."""
    answers = {"/v3.0/users/alice": ALICE, f"/v3.0/users/alice/auth_tokens/{TOKEN}": ONE_TOKEN}
    with scripted(lambda seen: data(answers[seen.path])) as server:
        ours = pickle.loads(pickle.dumps(server_of(server.url)))  # noqa: S301
        assert ours.get_user("alice").name == "Alice"
        token = ours.get_auth_token("alice", TOKEN)
    assert pickle.loads(pickle.dumps(token)) == token  # noqa: S301
    assert server.seen[0].headers["apiKey"] == REST_KEY


def test_server_needs_neither_the_client_nor_a_keyring_nor_threads() -> None:
    """A web server must pay for nothing that only a desktop application needs."""
    code = (
        "import sys, threading\n"
        "from cometchat_auth import AppSettings, User\n"
        "from cometchat_auth.server import CometChatServer\n"
        "assert 'requests' not in sys.modules\n"
        "server = CometChatServer('app', AppSettings(region='us', admin_host='http://127.0.0.1:9'),"
        " 'k')\n"
        "assert 'requests' not in sys.modules\n"
        "try:\n"
        "    server.get_user('a')\n"
        "except Exception as error:\n"
        "    assert error.code == 'FAILED_TO_FETCH', error\n"
        "unwanted = {'keyring', 'cometchat_auth.client', 'cometchat_auth.sessions',"
        " 'cometchat_auth.events'}\n"
        "print(sorted(unwanted & set(sys.modules)), threading.active_count())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("[] 1\n", "")


def test_x1_neither_uid_nor_token_can_change_the_path() -> None:
    """What would name another place must be refused before anything is sent."""
    with scripted(lambda _: data(ALICE)) as server:
        ours = server_of(server.url)
        for uid in ("../users", "a/b", "a?b", "a%2fb", "."):
            with pytest.raises(InvalidParameterError):
                ours.get_user(uid)
        for token in (".", "..", "a b", "a\n"):
            with pytest.raises(InvalidParameterError):
                ours.delete_auth_token("alice", token)
        with pytest.raises(CometChatException):
            ours.get_auth_token("alice", "../../bob?x#y%2f")
    (seen,) = server.seen
    assert seen.path == "/v3.0/users/alice/auth_tokens/..%2F..%2Fbob%3Fx%23y%252f"


def test_x1_plain_http_to_another_machine_is_refused() -> None:
    """The REST API key must not travel readable."""
    with pytest.raises(InvalidParameterError, match="https"):
        AppSettings(region="us", admin_host="http://chat.example.com")
