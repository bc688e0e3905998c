"""An import from its beginning to its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from ..errors import INTERNAL_ERROR, CometChatException, InvalidParameterError
from ..server import _bulk
from ..user_files import RejectsFile, UserRows, count_rows, read_users
from ._admin import server
from ._exits import INTERRUPTED, Failure, exit_code
from ._import_display import display
from ._import_report import Report
from ._import_rows import Source, in_options
from ._import_stop import Stop

if TYPE_CHECKING:
    from ..models import User
    from ..server import Outcome, Progress
    from ._import_order import Order
    from ._target import Target


def run(target: Target, order: Order) -> None:
    """Import, and say what came of it.

    Raises:
        Failure: If not every row is a user now.
        CometChatException: If it cannot begin.
    """
    total, rows = _opened(order)
    with rows, contextlib.ExitStack() as stack:
        rejects = _rejects(order, rows)
        if rejects is not None:
            stack.enter_context(rejects)
        report = Report(order, rejects, total)
        ending = _run(target, order, rows, report, total)
    report.show(as_json=target.as_json, complete=ending is None)
    if ending is not None:
        raise ending
    report.require_all()


def _run(
    target: Target, order: Order, rows: UserRows, report: Report, total: int | None
) -> Failure | None:
    """Import; return what ended it before its time."""
    shown = display(total, "good" if order.dry_run else "created")
    stop = Stop(shown.stopping)
    source = Source(rows, stop.waiting)

    def told(progress: Progress) -> None:
        stop.check()
        shown.show(progress)

    begin = _checked if order.dry_run else _sent
    outcomes = begin(target, order, source, told)
    try:
        with stop, shown, contextlib.closing(outcomes):
            for outcome in outcomes:
                row = source.row_of(outcome)
                report.take(outcome, row)
                if outcome.status == "refused":
                    report.refuse(outcome, row, source.reason(outcome, row))
    except KeyboardInterrupt:
        return Failure(f"Interrupted. {report.how_far()}", INTERRUPTED)
    except CometChatException as error:
        return Failure(f"{error} {report.how_far()}", exit_code(error))
    finally:
        report.end()
    return None


def _sent(
    target: Target, order: Order, source: Source, told: Callable[[Progress], None]
) -> Generator[Outcome, None, None]:
    return server(target).create_users(
        source.items(),
        journal=order.journal_path,
        in_flight=order.in_flight,
        per_minute=order.per_minute,
        patience=order.patience,
        on_progress=told,
    )


def _checked(
    target: Target,  # noqa: ARG001 - it is not asked
    order: Order,  # noqa: ARG001
    source: Source,
    told: Callable[[Progress], None],
) -> Generator[Outcome, None, None]:
    """Let the rows go the way of an import, to nobody."""
    return _bulk.create(
        source.items(),
        send=lambda user, _: user,
        look=_not_there,
        app_id="dry-run",
        host="nowhere",
        timeout=1.0,
        in_flight=1,
        on_progress=told,
    )


def _not_there(uid: str, seconds: float) -> User:  # noqa: ARG001 - the engine's way to ask
    raise CometChatException(INTERNAL_ERROR, "A dry run looks nobody up.")


def _opened(order: Order) -> tuple[int | None, UserRows]:
    """Return the number of rows, and the rows.

    Raises:
        InvalidParameterError: If the file cannot be one of users.
    """
    how: dict[str, Any] = {"format": order.form, "encoding": order.encoding}
    try:
        rows = read_users(order.file, delimiter=order.delimiter, **how)
        try:
            return count_rows(order.file, **how), rows
        except BaseException:
            rows.close()
            raise
    except InvalidParameterError as error:
        raise in_options(error) from None


def _rejects(order: Order, rows: UserRows) -> RejectsFile | None:
    if order.rejects is None and order.dry_run:
        return None
    path = order.rejects or f"{order.file}.rejects.{rows.layout.format}"
    return RejectsFile(path, like=rows)
