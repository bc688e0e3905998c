"""A fault: which requests go wrong, how, and how often."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from . import _faults_checks as checks
from ._faults_match import CALLS, Sighting, path_pattern

BEFORE: Final = "before"
AFTER: Final = "after"
BODY: Final = "body"
HEADERS: Final = "headers"

# What is wrong with the fields together; each sentence begins with the field to change.
_NOTHING: Final = (
    "A fault has to do something: give latency, jitter, hang, cut, drip, status or rate_limit."
)
_TWO_ANSWERS: Final = "rate_limit is an answer, and status another: give one of them."
_HANG_AND_CUT: Final = "hang leaves the connection open, and cut ends it: give one of them."
_NO_ANSWER: Final = (
    "status and rate_limit are answers, but with hang, or cut before or after, there is none."
)
_DRIP: Final = "drip is for a whole answer, which there is not with hang or cut."
_RESET: Final = "reset says how the connection is cut: give cut as well."
_BARE_HEADERS: Final = "headers are those of an answer: give its status as well."
_BARE_BODY: Final = "body is that of an answer: give its status as well."
_CARRIED_OUT: Final = "carried_out goes with status or rate_limit: otherwise requests always are."
_PATH: Final = "path must begin with a slash, as /users/{uid} does."


@frozen(kw_only=True)
class Fault:
    """What goes wrong, with which requests, and how often.

    Which requests: those that match every one of ``call``, ``method``, ``path``, ``uid`` and
    ``app_id`` that is given. A browser's preflights (``OPTIONS``) go well unless named.

    What: ``latency`` goes with everything, also with a request that is carried out as usual.
    Otherwise it is one of ``hang``, ``status`` and ``rate_limit``; ``cut`` or ``drip`` says how
    the answer arrives, be it the usual one or that of ``status`` or ``rate_limit``.

    How often: the first ``skip`` matching requests go well, then each of them fails with
    ``probability``, until ``times`` have failed.

    Args:
        call: Name of the call, such as ``create_user``, ``create_auth_token`` or ``put_me``.
        method: HTTP method.
        path: Path below the version: ``/users/{uid}``, where ``{uid}`` is any one segment; a
            ``*`` at the end is any rest.
        uid: User that the request names in its path, its body or its auth token.
        app_id: App that the request is for.
        latency: Seconds to wait before anything else is done.
        jitter: Up to so many seconds more, by chance.
        hang: Never answer: ``before`` the request is carried out, or ``after`` it was.
        cut: Cut the connection ``before`` the request is carried out, ``after`` it was and
            before a byte is sent, or in the middle of the ``body`` of the answer.
        reset: Whether it is cut by a reset (RST) instead of closed (FIN).
        drip: Seconds between two bytes of the answer.
        drip_from: ``headers`` to drip the whole answer, ``body`` to drip its body only.
        status: Status to answer with.
        headers: Headers of that answer: a mapping, or pairs. Unless they have a
            ``Content-Type``, it is guessed from the beginning of the body.
        body: Body of that answer: a string, bytes, or a value to be sent as JSON.
        rate_limit: Answer 429 with ``ERR_TOO_MANY_REQUESTS`` and so many seconds as
            ``Retry-After``.
        carried_out: Whether the request is carried out before it is answered with ``status``.
        times: How many requests fail; ``None`` for all.
        probability: Of a matching request to fail, above 0 and up to 1.
        seed: Makes ``probability`` and ``jitter`` repeatable: the same requests in the same
            order meet the same.
        skip: How many matching requests go well first.

    Raises:
        ValueError: A value is out of range, or two fields contradict each other.
        TypeError: A value is of the wrong type.
    """

    call: str | None = field(default=None, validator=checks.one_of(*CALLS))
    method: str | None = field(default=None, converter=checks.as_upper, validator=checks.text)
    path: str | None = field(default=None, validator=checks.text)
    uid: str | None = field(default=None, converter=checks.as_lower, validator=checks.text)
    app_id: str | None = field(default=None, validator=checks.text)
    latency: float = field(default=0.0, validator=checks.number(0, checks.MAX_SECONDS))
    jitter: float = field(default=0.0, validator=checks.number(0, checks.MAX_SECONDS))
    hang: str | None = field(default=None, validator=checks.one_of(BEFORE, AFTER))
    cut: str | None = field(default=None, validator=checks.one_of(BEFORE, AFTER, BODY))
    reset: bool = field(default=False, validator=checks.flag)
    drip: float | None = field(default=None, validator=checks.number(0.0001, checks.MAX_SECONDS))
    drip_from: str = field(default=BODY, validator=checks.one_of(HEADERS, BODY))
    status: int | None = field(default=None, validator=checks.whole(200, 599))
    headers: tuple[tuple[str, str], ...] = field(
        default=(), converter=checks.as_pairs, validator=checks.header_pairs, repr=False
    )
    body: bytes = field(default=b"", converter=checks.as_bytes, repr=False)
    rate_limit: int | None = field(default=None, validator=checks.whole(0, checks.MAX_COUNT))
    carried_out: bool = field(default=False, validator=checks.flag)
    times: int | None = field(default=None, validator=checks.whole(1, checks.MAX_COUNT))
    probability: float = field(default=1.0, validator=checks.number(1e-9, 1))
    seed: int | None = field(default=None, validator=checks.whole(-(2**63), 2**63))
    skip: int = field(default=0, validator=checks.whole(0, checks.MAX_COUNT))

    def __attrs_post_init__(self) -> None:
        for sentence, wrong in self._contradictions().items():
            if wrong:
                raise ValueError(sentence)

    @property
    def _answers(self) -> bool:
        return self.status is not None or self.rate_limit is not None

    @property
    def _ends(self) -> bool:
        return self.hang is not None or self.cut in {BEFORE, AFTER}

    def _contradictions(self) -> dict[str, bool]:
        """Return what may be wrong with the fields together, and whether it is."""
        how = (self.latency, self.jitter, self.hang, self.cut, self.drip, self._answers)
        return {
            _NOTHING: not any(how),
            _TWO_ANSWERS: self.status is not None and self.rate_limit is not None,
            _HANG_AND_CUT: self.hang is not None and self.cut is not None,
            _NO_ANSWER: self._ends and self._answers,
            _DRIP: self.drip is not None and (self._ends or self.cut is not None),
            _RESET: self.reset and self.cut is None,
            _BARE_HEADERS: bool(self.headers) and self.status is None,
            _BARE_BODY: bool(self.body) and self.status is None,
            _CARRIED_OUT: self.carried_out and not self._answers,
            _PATH: self.path is not None and not self.path.startswith("/"),
        }

    def matches(self, seen: Sighting) -> bool:
        """Return whether a request is one of those that go wrong."""
        if self.method is None and seen.method == "OPTIONS":
            return False
        wanted = (
            (self.call, seen.call),
            (self.method, seen.method),
            (self.uid, seen.uid),
            (self.app_id, seen.app_id),
        )
        if any(want is not None and want != found for want, found in wanted):
            return False
        return self.path is None or path_pattern(self.path).fullmatch(seen.path) is not None
