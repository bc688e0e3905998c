"""A server that costs next to nothing: it knows its answers by heart.

``python -m tests.benchmarks.canned`` prints its URL and serves until its input ends. It knows no
service in particular: each path gets the answer that the clients which ask there can use.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from typing import Any, Final

_USER: Final = {
    "uid": "alice",
    "name": "Alice",
    "status": "available",
    "role": "default",
    "createdAt": 1_700_000_000,
}
_ME: Final = {"data": {**_USER, "authToken": "alice_0123456789abcdef0123456789abcdef"}}
_SUPABASE: Final[dict[str, Any]] = {
    "access_token": "e30.e30.e30",
    "token_type": "bearer",
    "expires_in": 3600,
    "refresh_token": "0123456789",
    "user": {
        "id": "1",
        "aud": "authenticated",
        "app_metadata": {},
        "user_metadata": {},
        "created_at": "2026-01-01T00:00:00Z",
    },
}
_ANSWERS: Final[dict[bytes, Any]] = {
    b"/me": _ME,
    b"/auth_tokens": _ME,
    b"/users": {"data": _USER, "users": {"alice": _USER}, "duration": "1ms"},
    b"/auth.test": {"ok": True, "user": "alice"},
    b"/token?grant_type=password": _SUPABASE,
    b"/0": [1_700_000_000],
}


def _answer(body: Any) -> bytes:
    text = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(text) + text


_READY: Final = {path: _answer(body) for path, body in _ANSWERS.items()}
_OTHERWISE: Final = _answer({"data": {"success": True}})


def _serve(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffer = b""
    with connection:
        while True:
            while (end := buffer.find(b"\r\n\r\n")) < 0:
                if not (more := connection.recv(65536)):
                    return
                buffer += more
            head = buffer[:end]
            length = _length(head)
            while len(buffer) < end + 4 + length:
                buffer += connection.recv(65536)
            buffer = buffer[end + 4 + length :]
            method, _, rest = head.partition(b" ")
            path = rest.partition(b" ")[0]
            last = path[path.rfind(b"/") :]
            answer = _READY.get(last) or _READY.get(last.partition(b"?")[0], _OTHERWISE)
            connection.sendall(_OTHERWISE if method == b"DELETE" else answer)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def main() -> None:
    """Serve until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main()
