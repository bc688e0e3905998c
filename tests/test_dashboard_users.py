"""The dashboard in a real browser: users and their auth tokens, each effect seen by a client."""

from __future__ import annotations

import pytest

from cometchat_auth import CometChat
from cometchat_auth.emulator import Emulator

from .browser.visitor import Visitor
from .tools import error_of

pytest_plugins = ("tests.browser.fixtures",)

UID = "cometchat-uid-1"
USER = f"/dashboard/users/{UID}"

NASTY = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"><svg onload=document.title='owned'>",
    "'-document.title='owned'-'",
    "{{ 7 * 7 }}",
    "</textarea><script>document.title='owned'</script>",
    "\u202eright to left\u202c עברית",
    "\U0001f389 \U0001f469\u200d\U0001f4bb",
    "x" * 100,
)


def test_a_created_user_can_log_in(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """A user created by typing into every field must be the one that a client logs in."""
    visitor.click("Create user")
    visitor.fill(
        Uid="Kevin",
        Name="Kevin Kay",
        Role="default",
        Avatar="https://example.com/k.png",
        Link="https://example.com/kevin",
        Status_message="Back soon",
        Tags="5b\nchess",
        Metadata='{"class": "5b"}',
    )
    visitor.click("Create user")
    assert visitor.note == "The user kevin was created."
    assert visitor.heading == "Kevin Kay"
    user = chat.login("kevin", emulator.auth_key).result()
    assert (user.name, user.avatar, user.link) == (
        "Kevin Kay",
        "https://example.com/k.png",
        "https://example.com/kevin",
    )
    assert (user.status_message, user.metadata) == ("Back soon", {"class": "5b"})
    assert user.tags == ("5b", "chess")


def test_what_is_wrong_is_said_beside_the_fields(visitor: Visitor, emulator: Emulator) -> None:
    """A form that the service would refuse must come back as typed, with the service's words."""
    before = emulator.users()
    visitor.open("/dashboard/new-user")
    visitor.fill(Uid="with space", Link="nowhere", Metadata="[1]", Status_message="kept")
    visitor.click("Create user")
    wrong = {
        "Uid": "The uid may only contain letters a-z, digits, dashes and underscores.",
        "Name": "The name field is required.",
        "Link": "The link must be a valid URL.",
        "Metadata": "The metadata must be a JSON object of at most 5 KB.",
    }
    for label, sentence in wrong.items():
        field = visitor.field(label)
        assert field.get_attribute("aria-invalid") == "true"
        first = str(field.get_attribute("aria-describedby")).split()[0]
        assert (
            visitor.script("return document.getElementById(arguments[0]).textContent", first)
            == sentence
        )
        assert sentence in visitor.note
    assert visitor.field("Uid").get_attribute("value") == "with space"
    assert visitor.field("Status message").get_attribute("value") == "kept"
    assert emulator.users() == before


def test_a_uid_is_taken_once(visitor: Visitor) -> None:
    """A uid that is taken must be refused beside the field, with the service's words."""
    visitor.open("/dashboard/new-user")
    visitor.fill(Uid="COMETCHAT-uid-1", Name="Again")
    visitor.click("Create user")
    assert "There is a user with the uid cometchat-uid-1 already" in visitor.note


def test_a_user_is_edited(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """Changed fields must be what a client sees, and emptied ones gone."""
    emulator.create_user(
        "kevin", "Kevin", avatar="https://example.com/k.png", tags=["a"], metadata={"a": 1}
    )
    visitor.open("/dashboard/users/kevin")
    visitor.click("Edit")
    visitor.fill(Name="Kevin II", Avatar="", Tags="", Metadata="")
    visitor.click("Save changes")
    assert visitor.note == "The user kevin was changed."
    user = chat.login("kevin", emulator.auth_key).result()
    assert (user.name, user.avatar, user.tags, user.metadata) == ("Kevin II", None, (), None)


def test_a_form_left_alone_changes_nothing(visitor: Visitor, emulator: Emulator) -> None:
    """Saving what was not changed must leave every field as it was, odd ones too."""
    made = emulator.create_user(
        "kevin",
        "  two\nlines ",
        status_message="\n a\r\nb ",
        tags=["a\nb", " c"],
        metadata={"é": []},
    )
    visitor.open("/dashboard/users/kevin/edit")
    visitor.click("Save changes")
    assert "nothing was changed" in visitor.note
    assert emulator.user("kevin") == made


def test_deactivating_ends_sessions(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """A deactivated user must be logged out and locked out, and come back once reactivated."""
    chat.login(UID, emulator.auth_key).result()
    visitor.open(USER)
    visitor.click("Deactivate")
    assert "was deactivated" in visitor.note
    assert chat.check_session().result() is None
    assert error_of(chat.login(UID, emulator.auth_key)).code == "ERR_UID_NOT_FOUND"
    visitor.click("Reactivate")
    assert visitor.note == f"The user {UID} is active again."
    assert chat.login(UID, emulator.auth_key).result().uid == UID


def test_deleting_asks_first(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """A user must be deleted only once that was confirmed, and then be gone for clients."""
    visitor.open(USER)
    visitor.click("Delete")
    assert visitor.heading == "Delete Andrew Joseph?"
    visitor.click("Cancel")
    assert emulator.user(UID)["name"] == "Andrew Joseph"
    visitor.click("Delete")
    visitor.click("Delete for ever")
    assert visitor.note == f"The user {UID} was deleted."
    assert UID not in visitor.text.replace(visitor.note, "")
    assert error_of(chat.login(UID, emulator.auth_key)).code == "ERR_UID_NOT_FOUND"
    assert emulator.create_user(UID, "Again")["name"] == "Again"


def test_a_deactivated_user_can_be_deleted(visitor: Visitor, emulator: Emulator) -> None:
    """A deactivated user must show no editing, and can be deleted all the same."""
    emulator.deactivate_user(UID)
    visitor.open(USER)
    assert not visitor.has("Edit")
    visitor.click("Delete")
    visitor.click("Delete for ever")
    assert UID not in {user["uid"] for user in emulator.users(deactivated=True)}


def test_users_are_searched_and_filtered(visitor: Visitor, emulator: Emulator) -> None:
    """The list must hold those who match what was typed and chosen, and say if there is nobody."""
    emulator.create_user("anna", "Ärzte & <Söhne>")
    emulator.deactivate_user("cometchat-uid-2")
    visitor.fill(Name_or_uid_begins_with="ärz")
    visitor.click("Search")
    assert [row.split()[-4] for row in visitor.rows] == ["anna"]
    visitor.fill(Name_or_uid_begins_with="", Status="Deactivated")
    visitor.click("Search")
    assert len(visitor.rows) == 1
    assert "George Alan" in visitor.rows[0]
    visitor.fill(Name_or_uid_begins_with="zzz")
    visitor.click("Search")
    assert "No user matches." in visitor.text
    visitor.click("Show all users")
    assert len(visitor.rows) == 6


def test_long_lists_have_pages(visitor: Visitor, emulator: Emulator) -> None:
    """Every user must be on one of the pages, once, in the order of creation."""
    for number in range(55):
        emulator.create_user(f"user-{number}", f"Name {number}")
    visitor.open("/dashboard/users?search=user-")
    seen = [row.split()[3] for row in visitor.rows]
    while visitor.has("Next"):
        visitor.click("Next")
        seen += [row.split()[3] for row in visitor.rows]
    assert seen == [f"user-{number}" for number in range(55)]
    assert "51 to 55 of 55" in visitor.text
    visitor.click("Previous")
    assert "26 to 50 of 55" in visitor.text


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_only_text(visitor: Visitor, emulator: Emulator, text: str) -> None:
    """A name, tag or metadata that looks like code must be shown as it is, and never run."""
    link = "javascript://example.com/%0adocument.title='owned'"
    fields = {"status_message": text, "tags": [text], "metadata": {text: text}, "link": link}
    emulator.create_user("kevin", text[:100], **fields)
    for path in ("", "/edit", "/delete"):
        visitor.open(f"/dashboard/users/kevin{path}")
        assert visitor.driver.title != "owned"
        assert not visitor.script(
            "return document.querySelector('main script, main svg, main img')"
        )
    visitor.open("/dashboard/users/kevin")
    assert visitor.script("return document.querySelector('h1').textContent") == text[:100]
    assert not visitor.has(link)
    visitor.open("/dashboard/users?search=kevin")
    assert len(visitor.rows) == 1
    visitor.open("/dashboard/users/kevin/edit")
    assert visitor.field("Name").get_attribute("value") == text[:100]


def test_a_minted_token_logs_in(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """A token made and copied by clicking must log a client in, and be masked afterwards."""
    visitor.open(USER)
    visitor.click("Create auth token")
    (token,) = emulator.auth_tokens(UID)
    assert token in visitor.text
    visitor.find("Copy auth token 1").click()
    visitor.wait(
        lambda: "copied" in visitor.script("return document.getElementById('live').textContent")
    )
    assert visitor.clipboard() == token
    assert chat.login(visitor.clipboard()).result().uid == UID
    visitor.driver.refresh()
    assert token not in visitor.driver.page_source


def test_a_masked_token_is_copied_and_revealed(visitor: Visitor, emulator: Emulator) -> None:
    """Each token must be had by its own buttons: copied without being shown, or shown."""
    tokens = [emulator.create_auth_token(UID) for _ in range(3)]
    visitor.open(USER)
    visitor.find("Copy auth token 2").click()
    visitor.wait(
        lambda: "copied" in visitor.script("return document.getElementById('live').textContent")
    )
    assert visitor.clipboard() == tokens[1]
    assert not [token for token in tokens if token in visitor.driver.page_source]
    visitor.click("Reveal auth token 3")
    assert [token for token in tokens if token in visitor.text] == [tokens[0]]
    assert visitor.focused().text == tokens[0]


def test_one_token_is_revoked(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """Revoking one token must end that session and no other."""
    chat.login(UID, emulator.auth_key).result()
    other = emulator.create_auth_token(UID)
    visitor.open(USER)
    visitor.click("Revoke auth token 2")
    assert visitor.note == "The auth token was revoked."
    assert emulator.auth_tokens(UID) == [other]
    assert chat.check_session().result() is None


def test_all_tokens_are_revoked(visitor: Visitor, emulator: Emulator, chat: CometChat) -> None:
    """Revoking all tokens must ask first, and then end every session of that user only."""
    chat.login(UID, emulator.auth_key).result()
    kept = emulator.create_auth_token("cometchat-uid-2")
    visitor.open(USER)
    visitor.click("Revoke all")
    assert "1 token is dead at once" in visitor.text
    visitor.click("Revoke all")
    assert emulator.auth_tokens(UID) == []
    assert emulator.auth_tokens("cometchat-uid-2") == [kept]
    assert chat.check_session().result() is None
    assert "logged in nowhere" in visitor.text


def test_going_back_and_reloading_repeat_nothing(visitor: Visitor, emulator: Emulator) -> None:
    """The page after an action must be one that can be loaded again without doing it again."""
    visitor.open(USER)
    visitor.click("Create auth token")
    visitor.driver.refresh()
    visitor.driver.back()
    visitor.driver.forward()
    assert len(emulator.auth_tokens(UID)) == 1


def test_a_user_who_is_gone_meanwhile(visitor: Visitor, emulator: Emulator) -> None:
    """An action on what another one deleted must be a page that says so."""
    visitor.open(USER)
    emulator.delete_user(UID)
    visitor.click("Create auth token")
    assert visitor.heading == "Not Found"
    assert f"The UID {UID} does not exist" in visitor.text
    visitor.click("Go to the dashboard's first page")
    assert visitor.heading == "Users"
