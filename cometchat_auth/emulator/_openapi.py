"""The emulated app's description of itself, at ``/openapi.json``."""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from flask import Flask, Response

PATH: Final = "/openapi.json"


def add_to(app: Flask) -> None:
    """Have an app answer ``GET /openapi.json``; no key is asked for."""
    app.add_url_rule(PATH, "openapi", _view, methods=["GET"], provide_automatic_options=False)


def _view() -> Response:
    return Response(_text(), mimetype="application/json")


@cache
def _text() -> str:
    from ._openapi_document import describe  # most emulators are never asked

    return json.dumps(describe())
