"""``doctor``: whether the service's hosts answer, and through what.

The requests carry credentials that do not exist: the refusal, in the service's own envelope, is
the answer that is hoped for. A real key or token is never sent.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs

from .. import _transport
from .._answers import Request, no_answer, outcome
from .._api import Api
from .._hosts import DOMAINS, Hosts
from .._http import Http
from .._secrets import Secret
from .._settings import AppSettings
from .._waits import Deadline
from ..errors import CometChatException, RateLimitError, ServiceError
from ._findings import Problem, Section, without_password

# Seconds for each host, unless the person has said otherwise.
_LIMIT: Final = 10.0

# Seconds by which clocks may differ; certificates and waiting times are meant for hours.
_CLOCK_LIMIT: Final = 300.0

_BOGUS: Final = Secret("cometchat-auth-doctor-sends-no-real-credential")

# Codes that say that the app is not there, whatever the credential.
_WRONG_APP: Final = frozenset({"AUTH_ERR_INVALID_APPID", "AUTH_ERR_EMPTY_APPID"})


def network_section(settings: AppSettings | None) -> Section:
    """Return which proxy and which certificates are in force."""
    base = (settings.client_host if settings else None) or f"https://{DOMAINS[0]}"
    line = _transport.line_to(
        base, settings.proxies if settings else None, settings.verify if settings else True
    )
    proxy = _proxy(base, line.proxies)
    section = Section(
        "Network",
        {
            "proxy": without_password(proxy) if proxy else "none",
            "ca_certificates": line.verify,
            "chosen_by": _chosen_by(),
        },
    )
    if isinstance(line.verify, str) and not Path(line.verify).exists():
        section.problems.append(
            Problem(
                f"There are no CA certificates at {line.verify}.",
                "Correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE.",
            )
        )
    return section


def host_sections(app_id: str, settings: AppSettings, timeout: float | None) -> Iterator[Section]:
    """Yield for each of the two hosts whether it answers, and how fast.

    Args:
        app_id: The app's id.
        settings: How the hosts are reached.
        timeout: Seconds for each, or ``None`` for 10.
    """
    hosts = Hosts.of(app_id, settings)
    api = Api.of(Http(settings), app_id, settings.platform)
    look = _Look(settings, timeout or _LIMIT)

    def at(title: str, base: str, path: str, header: str) -> Section:
        request = api.request("look at the host", "GET", base, path, (header, _BOGUS), None)
        return look.at(title, request)

    yield at("Client host", hosts.client, "/me", "authToken")
    yield at("Admin host", hosts.admin, "/users/cometchat-auth-doctor", "apiKey")


@attrs.frozen
class _Look:
    """A look at hosts.

    Attributes:
        settings: How they are reached.
        limit: Seconds for each.
    """

    settings: AppSettings
    limit: float

    def at(self, title: str, request: Request) -> Section:
        """Return what one host answers."""
        section = Section(title, {"address": request.base})
        deadline = Deadline(self.limit)
        settings = self.settings
        line = _transport.line_to(request.base, settings.proxies, settings.verify, settings.cert)
        begin = time.monotonic()
        try:
            _transport.connect(request.base, line=line, deadline=deadline)
            section.facts["connected_after_ms"] = _milliseconds(begin)
            begin = time.monotonic()
            answer = _sent(request, line, deadline)
        except _transport.TransportError as error:
            problem = no_answer(request, error, deadline)
            section.problems.append(Problem("There is no answer.", problem.message))
            return section
        section.facts["answered_after_ms"] = _milliseconds(begin)
        _judge(section, request, answer)
        _compare_clocks(section, answer.headers.get("Date"))
        return section


def _sent(request: Request, line: _transport.Line, deadline: Deadline) -> _transport.Answer:
    return _transport.send(
        request.method,
        request.base,
        request.path,
        request.headers,
        request.body,
        credential=request.credential,
        hidden=request.hidden,
        line=line,
        deadline=deadline,
    )


def _judge(section: Section, request: Request, answer: _transport.Answer) -> None:
    """Say whether an answer is the service's own refusal of a credential that does not exist."""
    try:
        outcome(request, answer, lambda content: content)
    except RateLimitError as error:
        section.facts["answer"] = f"{error.code}: it is there, and busy"
    except ServiceError as error:
        section.facts["answer"] = f"{error.code}, as it should"
        if error.code in _WRONG_APP or error.retryable:
            section.facts["answer"] = error.code
            section.problems.append(Problem("The service refuses the app.", error.message))
    except CometChatException as error:
        section.problems.append(Problem("The answer is not the service's.", error.message))
    else:
        section.problems.append(
            Problem("It accepts a credential that does not exist.", "Is the host right?")
        )


def _compare_clocks(section: Section, date: str | None) -> None:
    try:
        # The header has whole seconds; on average half of one is cut off.
        difference = time.time() - parsedate_to_datetime(date or "").timestamp() - 0.5
    except Exception:  # whatever a parser of dates stumbles over in what strangers send
        return
    section.facts["clock_difference_s"] = round(difference)
    if abs(difference) > _CLOCK_LIMIT:
        section.problems.append(
            Problem(f"This machine's clock is {difference:+,.0f} s off.", "Set the clock.")
        )


def _proxy(base: str, proxies: Mapping[str, str]) -> str | None:
    """Return the proxy for a URL, found as `requests` finds it."""
    parts = urlsplit(base)
    keys = (f"{parts.scheme}://{parts.hostname}", parts.scheme, f"all://{parts.hostname}", "all")
    return next((proxies[key] for key in keys if proxies.get(key)), None)


def _chosen_by() -> str:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if os.environ.get(variable):
            return variable
    return "the requests package"


def _milliseconds(begin: float) -> int:
    return round(1000 * (time.monotonic() - begin))
