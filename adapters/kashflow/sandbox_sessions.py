"""The two-step login of KashFlow's emulator: password, three letters of the memorable word, session, lockout."""

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import msgspec

from adapters.kashflow.sandbox_fields import read_fields
from adapters.kashflow.sandbox_query import RefusedError

__all__ = ["Account", "Sessions"]

TEMPORARY_TOKEN_SECONDS = 5 * 60
FAILURES_UNTIL_LOCKED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The one account of an emulator. ``asked`` fixes which letters are asked for; without it they are random."""

    username: str
    password: str
    memorable_word: str
    company: str
    user: str
    email: str
    asked: tuple[int, ...] = ()


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    UserName: str
    Password: str


class _Letter(msgspec.Struct, forbid_unknown_fields=True):
    Position: int
    Value: str


class _Confirmation(msgspec.Struct, forbid_unknown_fields=True):
    TemporaryToken: str
    MemorableWordList: list[_Letter]
    KeepUserLoggedIn: bool = False


def _bad_credentials() -> RefusedError:
    return RefusedError(400, "InvalidCredentials", "The login details provided are invalid.")


def _no_session() -> RefusedError:
    return RefusedError(401, "InvalidSessionToken", "Session token provided is invalid.")


class Sessions:
    """Issues, checks and ends session tokens."""

    def __init__(
        self, database: sqlite3.Connection, account: Account, clock: Callable[[], datetime], *, idle_minutes: float
    ) -> None:
        self._database = database
        self._account = account
        self._clock = clock
        self._idle_seconds = idle_minutes * 60

    def begin(self, body: object, *, lenient: bool) -> dict[str, object]:
        """Step 1: a temporary token, and the positions of the letters to give, for a name and password."""
        self._require_unlocked()
        login = read_fields(body, _Login, lenient=lenient)
        if (login.UserName, login.Password) != (self._account.username, self._account.password):
            if login.UserName == self._account.username:
                self._count_failure()
            raise _bad_credentials()
        positions = self._account.asked or tuple(
            sorted(secrets.SystemRandom().sample(range(1, len(self._account.memorable_word) + 1), 3))
        )
        token = str(uuid4())
        self.issue_temporary_token(token, positions)
        return self._profile(token, positions)

    def issue_temporary_token(self, token: str, positions: tuple[int, ...]) -> None:
        """Makes step 2 possible with this token, from now on."""
        with self._database:
            self._database.execute(
                "INSERT INTO temporary_tokens VALUES (?, ?, ?)", (token, ",".join(map(str, positions)), self._now())
            )

    def complete(self, body: object, *, lenient: bool) -> dict[str, object]:
        """Step 2: a session token for a temporary one and the letters. The temporary token is spent by any attempt."""
        self._require_unlocked()
        # The page says to send the whole of the first answer back, so its other fields are welcome here.
        echoed = self._profile("", ()).keys() - set(_Confirmation.__struct_fields__)
        fields = {key: body[key] for key in body if key not in echoed} if isinstance(body, dict) else body
        confirmation = read_fields(fields, _Confirmation, lenient=lenient)
        with self._database:
            row = self._database.execute(
                "DELETE FROM temporary_tokens WHERE token = ? RETURNING positions, issued",
                (confirmation.TemporaryToken,),
            ).fetchone()
        if row is None or self._now() - row[1] > TEMPORARY_TOKEN_SECONDS:
            raise _bad_credentials()
        word = self._account.memorable_word.lower()
        wanted = sorted((int(position), word[int(position) - 1]) for position in row[0].split(","))
        if sorted((letter.Position, letter.Value.lower()) for letter in confirmation.MemorableWordList) != wanted:
            self._count_failure()
            raise _bad_credentials()
        return self._open()

    def authenticate(self, authorization: str | None) -> str:
        """The session that an Authorization header names; using it keeps it alive."""
        scheme, _, token = (authorization or "").partition(" ")
        row = self._database.execute("SELECT used FROM sessions WHERE token = ?", (token,)).fetchone()
        if scheme.lower() != "kftoken" or row is None:
            raise _no_session()
        if self._now() - row[0] > self._idle_seconds:
            self.end(token)
            raise _no_session()
        self._require_unlocked()
        with self._database:
            self._database.execute("UPDATE sessions SET used = ? WHERE token = ?", (self._now(), token))
        return token

    def end(self, token: str) -> None:
        """Ends one session."""
        with self._database:
            ended = self._database.execute("DELETE FROM sessions WHERE token = ?", (token,)).rowcount
        if ended == 0:
            raise _no_session()

    def end_all(self) -> None:
        """Ends every session."""
        with self._database:
            self._database.execute("DELETE FROM sessions")

    def _open(self) -> dict[str, object]:
        token = str(uuid4()).upper()
        with self._database:
            self._database.execute("DELETE FROM failed_logins")
            self._database.execute("INSERT INTO sessions VALUES (?, ?)", (token, self._now()))
        return {
            "SessionToken": token,
            "CompanyName": self._account.company,
            "IsAdmin": True,
            "SubscriptionExpired": False,
            "SubscriptionExpiryDate": "2099-12-31 12:00:00",
            "StartPageUrl": "",
            "PackageName": "Business",
            "PartnerId": 3,
        }

    def _profile(self, token: str, positions: tuple[int, ...]) -> dict[str, object]:
        return {
            "TemporaryToken": token,
            "MemorableWordList": [{"Position": position, "Value": ""} for position in positions],
            "MemorableWordPositions": ",".join(map(str, positions)),
            "HasTemporaryPassword": False,
            "IsAdmin": True,
            "PackageName": "Business",
            "PartnerBrandingOptOut": True,
            "PartnerId": 3,
            "SubscriptionExpired": False,
            "TenantId": 1,
            "KeepUserLoggedIn": False,
            "IsLockedOut": False,
            "CompanyUserId": 1,
            "CompanyId": 1,
            "ConnectedUserPartnerId": 0,
            "ClientManagerId": 0,
            "IsPackageRestricted": False,
            "IntegrationsSettings": {},
            "Disabled": False,
            "CompanyUserFullName": self._account.user,
            "EmailId": self._account.email,
            "PartnerCompanyUserId": 0,
        }

    def _now(self) -> float:
        return self._clock().timestamp()

    def _count_failure(self) -> None:
        with self._database:
            self._database.execute("INSERT INTO failed_logins VALUES (?)", (self._now(),))

    def _require_unlocked(self) -> None:
        if self._database.execute("SELECT count(*) FROM failed_logins").fetchone()[0] >= FAILURES_UNTIL_LOCKED:
            raise RefusedError(401, "AccountLocked", "User account is locked, please contact administrator.")
