"""``Idempotency-Key``: the answer to a create or update is kept, and given again to the same request."""

import hashlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from adapters.sage_intacct.sandbox_access import Caller
from adapters.sage_intacct.sandbox_refusals import RefusedError, bad_request

__all__ = ["Replays"]

HEADER = "Idempotency-Key"
REPLAYED = timedelta(hours=48)
"""How long a repeated request gets the kept answer."""
RESERVED = timedelta(days=60)
"""How long a key cannot be used for anything else."""
LONGEST_KEY = 256

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replay (
    username TEXT, key TEXT, request BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (username, key)
) WITHOUT ROWID;
"""


class Replays:
    """The kept answers, one per user and key."""

    def __init__(self, database: sqlite3.Connection, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        with database:
            database.executescript(_SCHEMA)

    def once(self, request: Request, caller: Caller, body: bytes, perform: Callable[[], Response]) -> Response:
        """Performs a request, or answers what it was answered under the same key.

        409 where the key was used for another request, or longer ago than answers are kept.
        """
        key = request.headers.get(HEADER)
        if key is None:
            return perform()
        if not 1 <= len(key) <= LONGEST_KEY:
            raise bad_request(f"{HEADER} must have 1 to {LONGEST_KEY} characters")
        parts = (request.method, request.scope["path"], caller.entity or "", body.hex())
        digest = hashlib.sha256("\n".join(parts).encode()).digest()
        now = self._clock()
        row = self._database.execute(
            "SELECT request, status, body, at FROM replay WHERE username = ? AND key = ?", (caller.username, key)
        ).fetchone()
        if row is not None:
            kept = datetime.fromtimestamp(row[3], UTC)
            if now - kept < RESERVED:
                return _replay(key, kept, row) if row[0] == digest and now - kept < REPLAYED else _conflict()
        try:
            response = perform()
        except RefusedError as refusal:
            response = refusal.response()
        with self._database:
            values = (caller.username, key, digest, response.status_code, bytes(response.body), now.timestamp())
            self._database.execute("INSERT OR REPLACE INTO replay VALUES (?, ?, ?, ?, ?, ?)", values)
        return response


def _replay(key: str, kept: datetime, row: tuple[bytes, int, bytes, float]) -> Response:
    headers = {HEADER: key, "x-ia-idempotency-cached-date": kept.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Response(row[2], row[1], headers, "application/json")


def _conflict() -> Response:
    message = f"The {HEADER} was used before, for another request or too long ago"
    return RefusedError(409, "invalidRequest", message).response()
