"""`CometChatServer` itself."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, overload

from .. import _checks
from .._api import Api
from .._hosts import Hosts
from .._http import Http
from .._secrets import Secret
from .._settings import AppSettings
from .._waits import Deadline, Flow, drive
from ..errors import MISSING_PARAMETERS, CometChatException, InvalidParameterError
from ..models import User, wire_names
from . import _bulk, _rest
from ._admin import LARGEST_PAGE, PAGE_SIZE, Admin, Page, joined, parts
from ._auth_token import AuthToken
from ._outcomes import Outcome, Progress

SEARCHABLE: Final = ("name", "uid")
STATUSES: Final = ("available", "offline")
UNSETTABLE: Final = ("avatar", "link", "metadata")


class CometChatServer:
    """The users and auth tokens of one CometChat app.

    It may be used from several threads at once, and starts none but those of `create_users`, which
    end with it. It can be pickled, so that work
    can be handed to other processes and machines: **the pickle holds the key**, so send it
    nowhere that the key itself may not go.

    Every method takes ``timeout``: seconds for the whole call, retries included (for a list: for
    each page), instead of the settings'. Besides the errors named at each method all may raise:

    * ``TypeError`` if an argument is not of its type;
    * `InvalidParameterError` if one cannot be used; nothing was sent;
    * `AuthenticationError` if the key is wrong, or is an Auth Key (``AUTH_ERR_NO_ACCESS``);
    * `RateLimitError` if there were too many requests and waiting does not fit the time-out;
    * `NoAnswerError` if no usable answer came;
    * `ServiceError` if the service refuses for another reason, e.g. ``ERR_UID_NOT_FOUND`` for a
      user that does not exist or is deactivated.

    Args:
        app_id: The app's id from the CometChat dashboard.
        settings: Where the app is and how long to wait.
        rest_api_key: The key of the scope ``fullAccess``. Whoever has it can do everything: it
            belongs on a server only, never into a program that is handed out.

    Raises:
        TypeError: If an argument is not of its type.
        InvalidParameterError: If the app id or the key is empty or cannot be used.
    """

    def __init__(self, app_id: str, settings: AppSettings, rest_api_key: str) -> None:
        if not isinstance(settings, AppSettings):
            raise TypeError(f"settings must be an AppSettings, not {type(settings).__name__}")
        self._app_id = _checks.app_id(app_id)
        self._settings = settings
        self._key = Secret(_checks.credential("rest_api_key", rest_api_key))
        self._admin = self._way(Http(settings))

    def __repr__(self) -> str:
        return f"CometChatServer({self._app_id!r}, {self._admin.base!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._app_id, self._settings, self._key.reveal())

    # -- users ----------------------------------------------------------------------------------

    @overload
    def create_user(
        self,
        user: User,
        *,
        with_auth_token: Literal[False] = False,
        timeout: float | None = None,
    ) -> User: ...

    @overload
    def create_user(
        self, user: User, *, with_auth_token: Literal[True], timeout: float | None = None
    ) -> tuple[User, AuthToken]: ...

    def create_user(
        self, user: User, *, with_auth_token: bool = False, timeout: float | None = None
    ) -> User | tuple[User, AuthToken]:
        """Create a user.

        Args:
            user: The new user; ``uid`` and ``name`` are needed.
            with_auth_token: Whether to make the user's first auth token as well.
            timeout: Seconds for the whole call.

        Returns:
            The user as the service wrote it down; with ``with_auth_token`` a pair of it and the
            token.

        Raises:
            ServiceError: ``ERR_UID_ALREADY_EXISTS`` if there is a user of this uid, deactivated
                or not; ``ERR_BAD_REQUEST`` if a field is refused, e.g. a role that does not
                exist; ``ERR_PLAN_QUOTA_RESTRICTION`` if the plan has no room for another user.
            OutcomeUnknownError: If the connection broke once the request may have arrived.
        """
        if not isinstance(user, User):
            raise TypeError(f"user must be a User, not {type(user).__name__}")
        user.check()
        deadline = self._deadline(timeout)
        if with_auth_token:
            return drive(_rest.create_user_with_token(self._admin, user, deadline))
        return drive(_rest.create_user(self._admin, user, deadline))

    def get_user(
        self, uid: str, *, on_behalf_of: str | None = None, timeout: float | None = None
    ) -> User:
        """Return an active user.

        Args:
            uid: Whom.
            on_behalf_of: Uid of the user who asks: only then does the service tell who blocked
                whom.
            timeout: Seconds for the whole call.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND`` if either is not there, or is deactivated.
        """
        asks = None if on_behalf_of is None else _checks.uid(on_behalf_of, "on_behalf_of")
        deadline = self._deadline(timeout)
        return drive(_rest.get_user(self._admin, _checks.uid(uid), deadline, asks))

    def update_user(
        self,
        uid: str,
        *,
        name: str | None = None,
        avatar: str | None = None,
        link: str | None = None,
        role: str | None = None,
        status_message: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        unset: Iterable[Literal["avatar", "link", "metadata"]] = (),
        timeout: float | None = None,
    ) -> User:
        """Change some fields of a user; what is not given stays as it is.

        Args:
            uid: Whom; a uid cannot be changed.
            name: At most 100 characters.
            avatar: URL of a picture, at most 3,000 characters.
            link: URL of a profile page, at most 3,000 characters.
            role: Id of a role that exists in the app.
            status_message: The user's own words.
            metadata: Anything that JSON can hold, at most 5 KB, in place of what is there.
            tags: At most 25 of at most 100 characters each, in place of those that are there.
            unset: Fields to remove: any of ``"avatar"``, ``"link"``, ``"metadata"``.
            timeout: Seconds for the whole call.

        Returns:
            The user as it is now.

        Raises:
            InvalidParameterError: If nothing is to be changed, or a field is to be both changed
                and removed.
            ServiceError: ``ERR_UID_NOT_FOUND``; ``ERR_BAD_REQUEST`` if a field is refused.
        """
        given: dict[str, Any] = {
            "name": name,
            "avatar": avatar,
            "link": link,
            "role": role,
            "status_message": status_message,
            "metadata": metadata,
            "tags": None if tags is None else _checks.texts("tags", tags),
        }
        changes = {field: value for field, value in given.items() if value is not None}
        removed = _checks.chosen("unset", unset, UNSETTABLE)
        _require_changes(changes, removed)
        User(_checks.uid(uid), **changes).check_changes()
        body = {wire: changes[ours] for ours, wire in wire_names(changes)}
        if removed:
            body["unset"] = removed
        return drive(_rest.update_user(self._admin, uid, body, self._deadline(timeout)))

    def list_users(
        self,
        *,
        search_key: str | None = None,
        search_in: Iterable[Literal["name", "uid"]] = (),
        status: Literal["available", "offline"] | None = None,
        roles: Iterable[str] = (),
        tags: Iterable[str] = (),
        with_tags: bool = False,
        with_deactivated: bool = False,
        only_deactivated: bool = False,
        per_page: int = PAGE_SIZE,
        timeout: float | None = None,
    ) -> Iterator[User]:
        """Iterate over the users that fit, over all pages; each page is asked for when needed.

        Users that are created or deleted meanwhile may be missed, or may come twice.

        Args:
            search_key: What name or uid begin with.
            search_in: Where to look for it: ``"name"``, ``"uid"``; both by default.
            status: ``"available"`` or ``"offline"``; the REST API's words.
            roles: Users of any of these roles.
            tags: Users who have these tags.
            with_tags: Whether the users' own tags are wanted; without it their ``tags`` are empty.
            with_deactivated: Whether deactivated users are wanted as well.
            only_deactivated: Whether only they are.
            per_page: Users in one answer, 1 to 1,000.
            timeout: Seconds for each page.
        """
        if search_key is not None:
            _checks.unicode("search_key", _checks.text("search_key", search_key))
        query = {
            "searchKey": [] if search_key is None else [search_key],
            "searchIn": _checks.chosen("search_in", search_in, SEARCHABLE),
            "status": [] if status is None else _checks.chosen("status", [status], STATUSES),
            "roles": [_checks.role(role) for role in _checks.texts("roles", roles)],
            "tags": _checks.texts("tags", tags),
        }
        _checks.tags(query["tags"])
        switches = {
            "withTags": with_tags,
            "withDeactivated": with_deactivated,
            "onlyDeactivated": only_deactivated,
        }
        _checks.booleans(**switches)
        size = _checks.whole_number("per_page", per_page, LARGEST_PAGE)
        self._deadline(timeout)
        asked = {name: joined(values) for name, values in query.items() if values}
        asked.update({name: "true" for name, value in switches.items() if value})
        return self._pages(
            timeout,
            lambda number, deadline: _rest.list_users(self._admin, asked, number, size, deadline),
        )

    def deactivate_users(
        self, uids: Iterable[str], *, timeout: float | None = None
    ) -> tuple[str, ...]:
        """Deactivate users: they cannot log in, and are as good as absent, until reactivated.

        Args:
            uids: Whom; as many as one likes, sent in several requests if need be.
            timeout: Seconds for each request.

        Returns:
            Those that the service says it deactivated. Uids that it does not know are not among
            them; whether it complains about them is unverified.

        Raises:
            OutcomeUnknownError: If the connection broke once a request may have arrived. This
                and every other error has in ``details["done"]`` the uids of earlier requests.
        """
        return self._switch(_rest.deactivate_users, uids, timeout)

    def reactivate_users(
        self, uids: Iterable[str], *, timeout: float | None = None
    ) -> tuple[str, ...]:
        """Reactivate users.

        Args:
            uids: Whom; as many as one likes, sent in several requests if need be.
            timeout: Seconds for each request.

        Returns:
            Those that the service says it reactivated.

        Raises:
            OutcomeUnknownError: As for `deactivate_users`.
        """
        return self._switch(_rest.reactivate_users, uids, timeout)

    def delete_user(
        self, uid: str, *, permanent: bool = False, timeout: float | None = None
    ) -> None:
        """Delete a user.

        Args:
            uid: Whom.
            permanent: Whether the user, with all messages and conversations, is gone for good;
                otherwise this deactivates the user.
            timeout: Seconds for the whole call.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND``.
            OutcomeUnknownError: If the connection broke once the request may have arrived.
        """
        _checks.booleans(permanent=permanent)
        deadline = self._deadline(timeout)
        drive(_rest.delete_user(self._admin, _checks.uid(uid), deadline, permanent=permanent))

    # -- auth tokens ----------------------------------------------------------------------------

    def create_auth_token(
        self, uid: str, *, force: bool | None = None, timeout: float | None = None
    ) -> AuthToken:
        """Make an auth token for a user, to be handed to the client, which logs in with it.

        Authenticate the person first: CometChat does not. A user has at most 100 tokens; the
        101st ends the oldest.

        Args:
            uid: Whom.
            force: Whether it has to be a new one. Left out, the service decides; whether it
                would return an existing one then is unverified.
            timeout: Seconds for the whole call.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND``.
        """
        if force is not None:
            _checks.booleans(force=force)
        deadline = self._deadline(timeout)
        return drive(_rest.create_auth_token(self._admin, _checks.uid(uid), force, deadline))

    def list_auth_tokens(self, uid: str, *, timeout: float | None = None) -> Iterator[AuthToken]:
        """Iterate over a user's auth tokens, over all pages.

        Args:
            uid: Whom.
            timeout: Seconds for each page.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND``, with the first token.
        """
        _checks.uid(uid)
        self._deadline(timeout)
        return self._pages(
            timeout,
            lambda number, deadline: _rest.list_auth_tokens(self._admin, uid, number, deadline),
        )

    def get_auth_token(
        self, uid: str, auth_token: str, *, timeout: float | None = None
    ) -> AuthToken:
        """Return what the service knows about an auth token.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND``; ``ERR_AUTH_TOKEN_NOT_FOUND`` if the user has no
                such token.
        """
        token = Secret(_checks.path_credential("auth_token", auth_token))
        del auth_token  # crash reporters show what the frames of a traceback hold
        deadline = self._deadline(timeout)
        return drive(_rest.get_auth_token(self._admin, _checks.uid(uid), token, deadline))

    def update_auth_token(
        self,
        uid: str,
        auth_token: str,
        *,
        platform: str | None = None,
        user_agent: str | None = None,
        app_info: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> AuthToken:
        """Say more about the device that uses an auth token.

        Args:
            uid: Whose token it is.
            auth_token: Which one.
            platform: The device's kind.
            user_agent: The program that uses it.
            app_info: More about that program, as a JSON object.
            timeout: Seconds for the whole call.

        Raises:
            InvalidParameterError: If there is nothing to say.
            ServiceError: ``ERR_UID_NOT_FOUND``; ``ERR_AUTH_TOKEN_NOT_FOUND``.
        """
        _checks.types(platform=platform, user_agent=user_agent)
        if app_info is not None and not isinstance(app_info, Mapping):
            raise TypeError(f"app_info must be a mapping, not {type(app_info).__name__}")
        given = {"platform": platform, "userAgent": user_agent, "appInfo": app_info}
        changes = {name: value for name, value in given.items() if value is not None}
        _require_changes(changes, [])
        token = Secret(_checks.path_credential("auth_token", auth_token))
        del auth_token  # crash reporters show what the frames of a traceback hold
        flow = _rest.update_auth_token(
            self._admin, _checks.uid(uid), token, changes, self._deadline(timeout)
        )
        return drive(flow)

    def delete_auth_token(self, uid: str, auth_token: str, *, timeout: float | None = None) -> None:
        """End one session of a user: the device that uses this token is logged out.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND``; ``ERR_AUTH_TOKEN_NOT_FOUND``.
            OutcomeUnknownError: If the connection broke once the request may have arrived.
        """
        token = Secret(_checks.path_credential("auth_token", auth_token))
        del auth_token  # crash reporters show what the frames of a traceback hold
        deadline = self._deadline(timeout)
        drive(_rest.delete_auth_token(self._admin, _checks.uid(uid), token, deadline))

    def flush_auth_tokens(self, uid: str, *, timeout: float | None = None) -> None:
        """End every session of a user, e.g. after a password was changed.

        Raises:
            ServiceError: ``ERR_UID_NOT_FOUND``.
        """
        drive(_rest.flush_auth_tokens(self._admin, _checks.uid(uid), self._deadline(timeout)))

    # -- very many users ------------------------------------------------------------------------

    def create_users(
        self,
        rows: Iterable[User | Mapping[str, Any] | CometChatException],
        *,
        journal: str | os.PathLike[str] | None = None,
        in_flight: int = 16,
        per_minute: float | None = None,
        patience: float = 60.0,
        timeout: float | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> Generator[Outcome, None, None]:
        """Create very many users, and yield what became of each row, in the order of the rows.

        Rows are taken as outcomes are asked for, in the same thread; memory does not grow with
        their number. Requests run on up to ``in_flight`` threads, which end with the iteration.
        When the service asks to wait, or does not answer, all of them wait; where one connection
        breaks only its row waits. Rows are tried again, but a request whose answer was lost is not
        simply repeated: the user is looked for.

        With a ``journal`` an import that was interrupted, by Ctrl-C, a power cut or an error,
        goes on when it is called again with the same rows: what an earlier run has done comes
        out as ``resumed``, and nothing is sent for it. No user is created twice, in any case.
        Closing the generator, or Ctrl-C, lets requests under way finish and notes what came of
        them; a second Ctrl-C ends at once, and the next run finds out.

        Args:
            rows: Users, mappings with the fields of one, or an exception of this library in
                place of a row that could not be read: it comes out as refused. Of rows with the
                same uid the second is refused.
            journal: Path of the file that says what is done; made if need be. It holds uids, and
                belongs to one app and host. Without one nothing is kept.
            in_flight: How many requests may be under way at once, 1 to 64.
            per_minute: How many requests may start in a minute, evenly spaced. The service allows
                10,000 (500 on a free plan) to the app as a whole.
            patience: Seconds without any answer of the service after which the import ends.
            timeout: Seconds for each request, instead of the settings'.
            on_progress: Called in this thread at most ten times a second, also while it waits,
                and at the end.

        Yields:
            An `Outcome` for each row.

        Raises:
            InvalidParameterError: ``INVALID_JOURNAL``, with the first outcome, if the file is
                something else or belongs to another app or host; it is left as it is.
            CometChatException: ``JOURNAL_IN_USE`` if another import has it; ``JOURNAL_ERROR`` if
                it cannot be read or written. After the outcomes that are known: the error that
                every further row would meet (a wrong key, a full plan, no trusted connection), or
                the last one when ``patience`` is over.
        """
        given = self._settings.timeout if timeout is None else timeout
        once = self._way(Http(self._settings, attempts=1))  # when to try again is the import's
        return _bulk.create(
            rows,
            lambda user, seconds: drive(_rest.create_user(once, user, Deadline(seconds))),
            lambda uid, seconds: drive(_rest.get_user(once, uid, Deadline(seconds))),
            app_id=self._app_id,
            host=once.base,
            timeout=given,
            journal=journal,
            in_flight=in_flight,
            per_minute=per_minute,
            patience=patience,
            on_progress=on_progress,
        )

    # -- inside ---------------------------------------------------------------------------------

    def _way(self, http: Http) -> Admin:
        api = Api.of(http, self._app_id, self._settings.platform)
        return Admin(api, Hosts.of(self._app_id, self._settings).admin, self._key)

    def _deadline(self, timeout: float | None) -> Deadline:
        given = self._settings.timeout if timeout is None else timeout
        return Deadline(_checks.seconds("timeout", given))

    def _pages(
        self, timeout: float | None, ask: Callable[[int, Deadline], Flow[Page]]
    ) -> Iterator[Any]:
        for number in itertools.count(1):
            page = drive(ask(number, self._deadline(timeout)))
            yield from page.items
            if page.is_last:
                return

    def _switch(
        self,
        endpoint: Callable[[Admin, Sequence[str], Deadline], Flow[list[str]]],
        uids: Iterable[str],
        timeout: float | None,
    ) -> tuple[str, ...]:
        asked = dict.fromkeys(_checks.uid(uid).lower() for uid in _checks.texts("uids", uids))
        if not asked:
            raise InvalidParameterError(MISSING_PARAMETERS, "uids is required, but holds none.")
        done: list[str] = []
        for part in parts(asked):
            try:
                done += drive(endpoint(self._admin, part, self._deadline(timeout)))
            except CometChatException as error:
                error.details["done"] = done
                raise
        return tuple(done)


def _require_changes(changes: Mapping[str, Any], removed: Sequence[str]) -> None:
    both = [name for name in removed if name in changes]
    if both:
        raise _checks.invalid("unset", f"names {both[0]!r}, which is to be changed as well.")
    if not changes and not removed:
        raise InvalidParameterError(MISSING_PARAMETERS, "There is nothing to change.")
