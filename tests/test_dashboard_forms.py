"""The dashboard's forms: whatever is stored survives them, whatever is typed is judged."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometchat_auth.emulator import Emulator, Fault
from cometchat_auth.emulator._dashboard_forms import UserForm
from cometchat_auth.emulator._dashboard_kinds import (
    DELAYS,
    HOW_OFTEN,
    KINDS,
    Kind,
    WrongField,
    read_fault,
    which_fields,
)
from cometchat_auth.emulator._dashboard_notes import Note
from cometchat_auth.emulator._dashboard_site import Site
from cometchat_auth.emulator._errors import ServiceError
from cometchat_auth.emulator._records import UserRecord

from .browser.plain import form_token, get, post

ROLES = ("default", "teacher")

# What browsers can post: everything but lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)

USERS = st.builds(
    UserRecord,
    uid=st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=100),
    name=TEXTS,
    role=st.sampled_from(ROLES),
    avatar=st.none() | TEXTS,
    link=st.none() | TEXTS,
    status_message=st.none() | TEXTS,
    metadata=st.none() | st.dictionaries(TEXTS, JSON, max_size=3),
    tags=st.lists(TEXTS, max_size=4).map(tuple),
)

FIELD_NAMES = ("uid", "name", "avatar", "link", "role", "statusMessage", "metadata", "tags")


@pytest.fixture(scope="module")
def service() -> Iterator[Emulator]:
    """Run an emulator for all examples of this module."""
    with Emulator(roles=["teacher"]) as emulator:
        yield emulator


def as_posted(texts: dict[str, str]) -> dict[str, str]:
    """Return a form's texts as a browser sends them: line breaks become CR LF."""
    return {
        name: text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
        for name, text in texts.items()
    }


@given(user=USERS)
def test_a_form_left_alone_changes_nothing(user: UserRecord) -> None:
    """Whatever a user's fields hold, saving the form as it was shown must change none of them."""
    shown = UserForm.of_user(user)
    posted = UserForm.of_request(as_posted(dict(shown.texts)))
    assert posted.changes(user, ROLES) == {}


@given(user=USERS, name=TEXTS.filter(str.strip).filter(str.isprintable))
def test_only_what_was_changed_is_changed(user: UserRecord, name: str) -> None:
    """Changing one field must touch no other, whatever the others hold."""
    texts = {**UserForm.of_user(user).texts, "name": name}
    changes = UserForm.of_request(as_posted(texts)).changes(user, ROLES)
    assert changes == ({"name": name} if name != UserForm.of_user(user).texts["name"] else {})


@given(texts=st.fixed_dictionaries(dict.fromkeys(FIELD_NAMES, TEXTS)))
def test_any_texts_are_judged(texts: dict[str, str]) -> None:
    """A form must be a user that the service takes, or be refused with words for its fields."""
    wrong: Mapping[str, Sequence[str]] = {}
    uid, fields = "", {"name": ""}
    try:
        uid, fields = UserForm.of_request(texts).new_user(ROLES)
    except ServiceError as error:
        wrong = error.details or {}
    assert set(wrong) <= set(FIELD_NAMES)
    assert bool(wrong) != bool(uid and fields["name"])


def test_blank_fields_are_removed() -> None:
    """Emptying a field must remove what it held; emptying the name must be refused."""
    user = UserRecord("k", "K", "teacher", "http://a.b", "http://a.b", "s", {"a": 1}, ("t",))
    blank = UserForm.of_request({"name": "K", "role": "teacher"})
    assert blank.changes(user, ROLES) == {
        "avatar": None,
        "link": None,
        "status_message": None,
        "metadata": None,
        "tags": (),
    }
    with pytest.raises(ServiceError) as refused:
        UserForm.of_request({"role": "teacher"}).changes(user, ROLES)
    assert refused.value.details == {"name": ["The name field is required."]}


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "1", '{"a": NaN}', '{"a": "\\ud800"}', "[" * 9999, '{"a": "%s"}' % ("x" * 20000)],
)
def test_unusable_metadata_is_refused(text: str) -> None:
    """Metadata that cannot be stored or sent must be refused beside its field."""
    with pytest.raises(ServiceError) as refused:
        UserForm.of_request({"uid": "k", "name": "K", "metadata": text}).new_user(ROLES)
    assert list(refused.value.details or {}) == ["metadata"]


FAULT_NAMES = tuple(
    {
        each.name
        for kind in KINDS
        for each in (*kind.fields, *DELAYS, *which_fields(["a", "b"]), *HOW_OFTEN)
    }
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(
    texts=st.dictionaries(
        st.sampled_from(FAULT_NAMES), TEXTS | st.sampled_from(["1", "0.5", "before", "GET", "/x"])
    )
)
def test_any_fault_is_judged(kind: Kind, texts: dict[str, str]) -> None:
    """What is typed must be a fault, or be refused with words for fields that the form has."""
    fields = (*kind.fields, *DELAYS, *which_fields(["a", "b"]), *HOW_OFTEN)
    fault, wrong = None, {"": ["nothing"]}
    try:
        fault = read_fault(fields, texts)
    except WrongField as error:
        wrong = dict(error.wrong)
    assert fault is not None or wrong != {"": ["nothing"]}
    assert set(wrong) <= {"", *(each.name for each in fields)}
    assert all(text for texts in wrong.values() for text in texts)


def test_each_field_of_a_fault_has_a_place() -> None:
    """Everything that a fault can have must be in one of the forms."""
    attributes = {attribute.name for attribute in Fault.__attrs_attrs__}
    assert set(FAULT_NAMES) == attributes


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_form_is_an_internal_error(service: Emulator, data: Any) -> None:
    """Whatever is posted to whatever form, the answer must not be an internal error."""
    path = data.draw(
        st.sampled_from(
            [
                "/dashboard/new-user",
                "/dashboard/users/cometchat-uid-1/edit",
                *(f"/dashboard/faults/new/{kind.name}" for kind in KINDS),
            ]
        )
    )
    names = st.sampled_from((*FIELD_NAMES, *FAULT_NAMES))
    fields = data.draw(st.dictionaries(names, TEXTS, max_size=8))
    fields.pop("token", None)
    answer = post(service, path, token=form_token(service), **fields)
    assert answer.status in {303, 400}
    if answer.status == 303:
        assert get(service, answer.location).status == 200
    assert get(service, "/dashboard/users").status == 200
    assert get(service, "/dashboard/faults").status == 200


def test_x2_values_show_no_token(service: Emulator) -> None:
    """The dashboard's own values must not have secrets in their repr."""
    site = Site(service)
    assert site.token not in repr(site)
    ticket = site.notes.leave(Note("text"))
    assert ticket not in repr(site.notes)
