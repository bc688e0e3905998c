"""The form of a user: what it shows, what of it was changed, and whether the service takes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from attrs import frozen

from . import _errors, _rules
from ._checks import Reader, parse_body, user_fields
from ._dashboard_site import pretty
from ._records import UserRecord

_LINES: Final = ("name", "avatar", "link", "role")
_AREAS: Final = ("statusMessage", "metadata", "tags")
_FIELDS: Final = (*_LINES, *_AREAS)

# What a blank field means when a user is changed: the field's name in the record and its value.
_BLANKS: Final[Mapping[str, tuple[str, Any]]] = {
    "avatar": ("avatar", None),
    "link": ("link", None),
    "statusMessage": ("status_message", None),
    "metadata": ("metadata", None),
    "tags": ("tags", ()),
}


@frozen
class UserForm:
    """What a person typed.

    Attributes:
        texts: Each field's text by the service's name for it; ``uid`` as well.
    """

    texts: Mapping[str, str]

    @classmethod
    def of_request(cls, form: Mapping[str, str]) -> UserForm:
        """Return what a browser posted."""
        return cls({name: _plain(name, form.get(name, "")) for name in ("uid", *_FIELDS)})

    @classmethod
    def of_user(cls, user: UserRecord) -> UserForm:
        """Return the form as it is shown before anything is changed."""
        metadata = user.metadata
        texts = {
            "uid": user.uid,
            "name": user.name,
            "avatar": user.avatar or "",
            "link": user.link or "",
            "role": user.role,
            "statusMessage": user.status_message or "",
            "metadata": "" if metadata is None else pretty(metadata),
            "tags": "\n".join(user.tags),
        }
        return cls({name: _plain(name, text) for name, text in texts.items()})

    def new_user(self, roles: Collection[str]) -> tuple[str, dict[str, Any]]:
        """Return the uid and the fields of the user to create.

        Raises:
            ServiceError: ``ERR_BAD_REQUEST`` with a sentence for each field that is wrong.
        """
        reader = _reader(self.texts)
        uid = reader.take("uid", _rules.uid, required=True)
        fields = user_fields(reader, roles, creating=True)
        reader.finish()
        return str(uid), fields

    def changes(self, user: UserRecord, roles: Collection[str]) -> dict[str, Any]:
        """Return what to change of a user: nothing of a field that was left as it was shown.

        Raises:
            ServiceError: ``ERR_BAD_REQUEST`` with a sentence for each field that is wrong.
        """
        shown = UserForm.of_user(user).texts
        changed = {name: self.texts[name] for name in _FIELDS if self.texts[name] != shown[name]}
        reader = _reader(changed)
        fields = user_fields(reader, roles, creating=False)
        reader.finish()
        blank = [name for name in changed if name in _BLANKS and not changed[name].strip()]
        return {**fields, **dict(_BLANKS[name] for name in blank)}


def _reader(texts: Mapping[str, str]) -> Reader:
    """Return a reader of the request that would say the same."""
    body: dict[str, Any] = dict(texts)
    complaint = None
    if body.get("metadata", "").strip():
        try:
            body["metadata"] = parse_body(body["metadata"].encode())
        except _errors.ServiceError:
            complaint = "must be a JSON object of at most 5 KB."
            body["metadata"] = None
    if "tags" in body:
        body["tags"] = [tag.strip() for tag in body["tags"].split("\n") if tag.strip()]
    reader = Reader(body)
    if complaint:
        reader.refuse("metadata", complaint)
    return reader


def _plain(name: str, text: str) -> str:
    """Return a text as browsers post it: they take line breaks out of fields of one line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if name in _AREAS else text.replace("\n", "")
