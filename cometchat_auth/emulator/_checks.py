"""What a request may say: its body and its fields, each checked before it is used."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from attrs import field, frozen

from . import _errors, _rules

MAX_BODY: Final = 10 * 1024  # bytes; documented as 10 KB


@frozen
class Reader:
    """Takes fields out of a JSON object and collects every complaint about them.

    ``null`` and blank strings count as absent, as they do in the service's framework.
    """

    body: Mapping[str, Any]
    complaints: dict[str, list[str]] = field(factory=dict, init=False)

    def take(self, name: str, rule: _rules.Rule, *, required: bool = False) -> Any:
        """Return the value of a field, or ``None`` where it is absent or refused."""
        value = self.body.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                self.refuse(name, "field is required.")
            return None
        complaint = rule(value)
        if complaint is not None:
            self.refuse(name, complaint)
            return None
        return value

    def refuse(self, name: str, complaint: str) -> None:
        """Note a complaint about a field."""
        self.complaints.setdefault(name, []).append(f"The {name} {complaint}")

    def finish(self) -> None:
        """Raise what was collected.

        Raises:
            ServiceError: ``ERR_BAD_REQUEST`` if there was any complaint.
        """
        if self.complaints:
            raise _errors.bad_request(self.complaints)


def parse_body(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in the body of a request; an empty body is an empty object.

    Raises:
        ServiceError: ``ERR_BAD_REQUEST`` if it is too long or not a JSON object.
    """
    if len(raw) > MAX_BODY:
        raise _errors.unusable_body(f"The body is longer than {MAX_BODY} bytes.")
    if not raw.strip():
        return {}
    try:
        text = raw.decode()
        body = _DECODER.decode(text)
        if "\\u" in text:
            # A lone surrogate is valid JSON but no text: it can be neither stored nor sent back.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _errors.unusable_body("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise _errors.unusable_body("The body is not a JSON object.")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


def user_fields(reader: Reader, roles: Collection[str], *, creating: bool) -> dict[str, Any]:
    """Return the checked fields of a user that the body names, by their names in the record."""
    fields = {
        # An update may leave the name out, but not blank it.
        "name": reader.take(
            "name", _rules.text(_rules.MAX_NAME), required=creating or "name" in reader.body
        ),
        "avatar": reader.take("avatar", _rules.url),
        "link": reader.take("link", _rules.url),
        "role": reader.take("role", _rules.one_of(roles)),
        "status_message": reader.take("statusMessage", _rules.text(None)),
        "metadata": reader.take("metadata", _rules.metadata),
        "tags": reader.take("tags", _rules.tags),
    }
    given = {name: value for name, value in fields.items() if value is not None}
    if "role" in given:
        given["role"] = given["role"].lower()
    if "tags" in given:
        given["tags"] = tuple(given["tags"])
    return given


def role_fields(reader: Reader, *, creating: bool) -> dict[str, Any]:
    """Return the checked fields of a role that the body names, by their names in the record."""
    fields = {
        "name": reader.take(
            "name", _rules.text(_rules.MAX_NAME), required=creating or "name" in reader.body
        ),
        "description": reader.take("description", _rules.text(_rules.MAX_DESCRIPTION)),
        "metadata": reader.take("metadata", _rules.metadata),
        "settings": reader.take("settings", _rules.metadata),
    }
    return {name: value for name, value in fields.items() if value is not None}


def device_fields(reader: Reader) -> dict[str, Any]:
    """Return what the body says about the device that will use a token."""
    fields = {
        "platform": reader.take("platform", _rules.text(None)),
        "deviceId": reader.take("deviceId", _rules.text(None)),
        "userAgent": reader.take("userAgent", _rules.text(None)),
        "appInfo": reader.take("appInfo", _rules.json_object),
    }
    return {name: value for name, value in fields.items() if value is not None}
