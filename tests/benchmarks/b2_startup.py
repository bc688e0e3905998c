"""B2: the check at startup: from the start of the process to "who is logged in"."""

from __future__ import annotations

import json
import sys
from typing import Final

from ..secret_service import SecretService
from ._measure import Goal, Kind, Table, interleaved
from ._options import Options
from ._programs import whole

_SERVICE: Final = "cometchat_auth:app:us"
BY_HAND: Final = "keyring.get_password, json.loads"
OURS: Final = "get_logged_in_user()"
_READ: Final = f"print(json.loads(keyring.get_password({_SERVICE!r}, 'default'))['uid'])"
_NAMED: Final = (
    "from keyring.backends import SecretService; keyring.set_keyring(SecretService.Keyring()); "
)
_CODE: Final[dict[str, tuple[Kind, str]]] = {
    "import keyring alone": ("floor", "import keyring"),
    BY_HAND: ("by hand", f"import json, keyring; {_READ}"),
    "the same, back end named": ("by hand", f"import json, keyring; {_NAMED}{_READ}"),
    OURS: (
        "ours",
        "from cometchat_auth import CometChat, AppSettings; "
        "print(CometChat('app', AppSettings(region='us')).get_logged_in_user().uid)",
    ),
}
_RECORD: Final = {
    "format": 1,
    "uid": "alice",
    "authToken": "alice_0123456789abcdef0123456789abcdef",
    "minted": True,
    "deviceId": "0123456789abcdef",
    "name": "Alice",
}


def measure(options: Options) -> Table:
    """Time whole processes that find the same session in a real Secret Service."""
    with SecretService() as service:
        service.run(
            "import keyring, sys; keyring.set_password(sys.argv[1], 'default', sys.argv[2])",
            _SERVICE,
            json.dumps(_RECORD),
        )
        ways = [
            whole(name, kind, [options.peers.python or sys.executable, "-c", code], service.env)
            for name, (kind, code) in _CODE.items()
        ]
        rows = interleaved(ways, options.rounds, BY_HAND, scale=1e3)
    table = Table("B2", "Who is logged in? A whole process", "ms", BY_HAND, rows)
    table.goals.append(Goal("at most the by-hand script's", table.row(OURS).ratio, 1.0))
    if options.peers.python is None:
        table.notes.append("With a back end of others installed, all of them have to be loaded.")
    table.notes.append("msal-extensions reads a Secret Service through PyGObject, from Debian.")
    return table
