"""The forms for faults: the kinds, the fields of each, and what was typed into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from ._faults import AFTER, BEFORE, BODY, HEADERS, Fault
from ._faults_match import CALLS


class WrongField(Exception):
    """What was typed into a form's fields cannot be used.

    Args:
        wrong: For each field its sentences; an empty name is for the form as a whole.
    """

    def __init__(self, wrong: Mapping[str, list[str]]) -> None:
        super().__init__(" ".join(text for texts in wrong.values() for text in texts))
        self.wrong = wrong


@frozen
class FormField:
    """One field of a form.

    Attributes:
        name: The fault's attribute.
        label: What is written above it.
        hint: What is written below it.
        form: ``number``, ``line``, ``area``, ``choice`` or ``check``.
        choices: For a choice: each value with its name.
        parse: Makes the fault's value of the text; raises ``ValueError`` with a sentence's end.
        initial: What stands in it at first.
        needed: Whether it may not be empty.
    """

    name: str
    label: str
    hint: str = ""
    form: str = "line"
    choices: Mapping[str, str] = field(factory=dict)
    parse: Callable[[str], Any] = str
    initial: str = ""
    needed: bool = False


@frozen
class Kind:
    """One kind of fault: its name in addresses, its title, what it does, its own fields."""

    name: str
    title: str
    text: str
    fields: tuple[FormField, ...]


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number, such as 0.5.") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number.") from None


def _header_lines(text: str) -> list[tuple[str, str]]:
    lines = [line.partition(":") for line in text.splitlines() if line.strip()]
    if not all(colon for _, colon, _ in lines):
        raise ValueError("must have a name, a colon and a value on each line.")
    return [(name.strip(), value.strip()) for name, _, value in lines]


def _number(name: str, label: str, hint: str = "", **more: Any) -> FormField:
    return FormField(name, label, hint, "number", parse=_seconds, **more)


def _count(name: str, label: str, hint: str = "", **more: Any) -> FormField:
    return FormField(name, label, hint, "number", parse=_whole, **more)


_LATENCY: Final = _number("latency", "Wait, in seconds", "Before anything else is done.")
_JITTER: Final = _number("jitter", "Up to so many seconds more", "By chance, each time anew.")
_CARRIED_OUT: Final = FormField(
    "carried_out",
    "Carry the request out first",
    "Its effect is there, only the answer says otherwise.",
    "check",
    parse=bool,
)

KINDS: Final = (
    Kind("latency", "Slow answer", "Requests wait, and are then answered as usual.", ()),
    Kind(
        "cut",
        "Cut connection",
        "The connection ends before the answer, or in the middle of it.",
        (
            FormField(
                "cut",
                "When",
                form="choice",
                choices={
                    BEFORE: "Before the request is carried out",
                    AFTER: "After it was carried out",
                    BODY: "In the middle of the answer",
                },
            ),
            FormField(
                "reset",
                "By a reset",
                "As when a machine crashes, instead of an orderly end.",
                "check",
                parse=bool,
            ),
        ),
    ),
    Kind(
        "hang",
        "No answer",
        "The connection stays open, and nothing ever comes.",
        (
            FormField(
                "hang",
                "When",
                form="choice",
                choices={
                    BEFORE: "Before the request is carried out",
                    AFTER: "After it was carried out",
                },
            ),
        ),
    ),
    Kind(
        "drip",
        "Dripping answer",
        "The answer comes byte by byte.",
        (
            _number("drip", "Seconds between two bytes", initial="0.1", needed=True),
            FormField(
                "drip_from",
                "What drips",
                form="choice",
                choices={BODY: "The body", HEADERS: "Everything, headers included"},
            ),
        ),
    ),
    Kind(
        "status",
        "Another answer",
        "Any status, headers and body, such as a gateway's error page.",
        (
            _count("status", "Status", "From 200 to 599.", initial="503", needed=True),
            FormField(
                "headers",
                "Headers",
                "One on each line, such as Retry-After: 5.",
                "area",
                parse=_header_lines,
            ),
            FormField("body", "Body", "As it is to be sent.", "area"),
            _CARRIED_OUT,
        ),
    ),
    Kind(
        "rate_limit",
        "Too many requests",
        "429 with ERR_TOO_MANY_REQUESTS and a Retry-After.",
        (
            _count("rate_limit", "Retry after, in seconds", initial="5", needed=True),
            _CARRIED_OUT,
        ),
    ),
)

DELAYS: Final = (_LATENCY, _JITTER)

# What a fault can do besides waiting: each kind has a field of its own name.
_EFFECTS: Final = {kind.name for kind in KINDS} - {_LATENCY.name}

HOW_OFTEN: Final = (
    _count("times", "How many times", "Empty for as long as it is there."),
    _count("skip", "Requests that go well first", initial="0"),
    _number("probability", "Probability", "Above 0 and up to 1.", initial="1"),
    _count("seed", "Seed", "Makes chance repeatable; empty for another each time."),
)


def which_fields(app_ids: list[str]) -> tuple[FormField, ...]:
    """Return the fields that say which requests go wrong."""
    methods = {name: name for name in ("GET", "POST", "PUT", "DELETE", "OPTIONS")}
    fields = [
        FormField("call", "Call", form="choice", choices={"": "Any", **{c: c for c in CALLS}}),
        FormField("method", "Method", form="choice", choices={"": "Any", **methods}),
        FormField("path", "Path", "Such as /users/{uid}, or /users* for all below. Empty for any."),
        FormField("uid", "User", "A uid. Empty for any."),
    ]
    if len(app_ids) > 1:
        apps = {app_id: app_id for app_id in app_ids}
        fields.append(FormField("app_id", "App", form="choice", choices={"": "Any", **apps}))
    return tuple(fields)


def read_fault(fields: tuple[FormField, ...], texts: Mapping[str, str]) -> Fault:
    """Return the fault that was described.

    Args:
        fields: The form's fields.
        texts: What was typed, by the fields' names; an empty text leaves the field out.

    Raises:
        WrongField: Something cannot be used.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for each in fields:
        text = texts.get(each.name, "")
        if not text.strip():
            if each.needed:
                wrong[each.name] = [f"{each.label}: a number is needed."]
            continue
        try:
            values[each.name] = each.parse(text)
        except ValueError as error:
            wrong[each.name] = [f"{each.label}: {error}"]
    if wrong:
        raise WrongField(wrong)
    return _make(fields, values)


def _make(fields: tuple[FormField, ...], values: Mapping[str, Any]) -> Fault:
    if not values.keys() & _EFFECTS and not any(values.get(each.name) for each in DELAYS):
        raise WrongField({_LATENCY.name: [f"{_LATENCY.label}: a number above 0 is needed."]})
    try:
        return Fault(**values)
    except (TypeError, ValueError) as error:
        # The sentences begin with the field that they are about; people know it by its label.
        labels = {each.name: each.label for each in fields}
        name, _, rest = str(error).partition(" ")
        if name not in labels:
            raise WrongField({"": [str(error)]}) from None
        raise WrongField({name: [f"{labels[name]}: {rest}"]}) from None
