"""Who is calling, and in which entity: OAuth 2 tokens, and which records an entity lets a caller see."""

import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from adapters.sage_intacct.sandbox_catalogue import CUSTOMER, CUSTOMER_EMAIL_TEMPLATE, ENTITY, Record
from adapters.sage_intacct.sandbox_records import Records
from adapters.sage_intacct.sandbox_refusals import RefusedError, bad_request, gateway_error

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "USERNAME", "Caller", "Tokens", "Visibility"]

CLIENT_ID = "sandbox-client-id"
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105 - the emulator's
USERNAME = "postroom@northgate"
LIFETIME = 43_200
"""Seconds that an access token lives."""

_SIGNATURE_KEY = b"sandbox-signature-key"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS token (
    access TEXT PRIMARY KEY, refresh TEXT UNIQUE, username TEXT NOT NULL, entity TEXT, expires REAL NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user of a token; ``entity`` is the id of the entity that the request runs in, None at the top level."""

    username: str
    entity: str | None


class Tokens:
    """Gives out, renews, revokes and recognises access tokens."""

    def __init__(
        self, database: sqlite3.Connection, records: Records, clock: Callable[[], datetime], *, bad_token_as_400: bool
    ) -> None:
        self._database = database
        self._records = records
        self._clock = clock
        self._bad_token_as_400 = bad_token_as_400
        with database:
            database.executescript(_SCHEMA)

    def grant(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """The token endpoint's answer to a ``client_credentials`` or a ``refresh_token`` grant."""
        grant_type = form.get("grant_type")
        if grant_type not in {"client_credentials", "refresh_token"}:
            raise gateway_error(400, 32, "The grant_type is not valid")
        self._check_client(form)
        if grant_type == "refresh_token":
            return self._renew(form)
        username = form.get("username")
        if not isinstance(username, str) or not username:
            raise gateway_error(400, 36, "The username is missing")
        user, _, entity = username.partition("|")
        name, at, company = user.partition("@")
        if not (name and at and company) or "@" in company:
            raise gateway_error(400, 32, "The username format is invalid (expected user@company)")
        if user != USERNAME:
            raise gateway_error(401, 11, "The user or the company is not valid", code="unauthorized")
        self._check_entity(entity or None)
        with self._database:
            # Seen by a client: authorising the same user of a company again ends the older grants' refresh tokens.
            self._database.execute("UPDATE token SET refresh = NULL WHERE username = ?", (user,))
        return self._issue(user, entity or None)

    def revoke(self, form: Mapping[str, Any]) -> None:
        """Ends the grant of an access or refresh token; an unknown token is no error."""
        self._check_client(form)
        token = form.get("token")
        if not isinstance(token, str) or not token:
            raise gateway_error(400, 15, "The token is missing")
        with self._database:
            self._database.execute("DELETE FROM token WHERE access = ? OR refresh = ?", (token, token))

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who a request's headers show; refuses a missing, unknown or expired token, and an unknown entity."""
        authorization = headers.get("authorization", "")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise gateway_error(401, 34, "The Authorization header is not a Bearer token", code="unauthorized")
        row = self._database.execute(
            "SELECT username, entity, expires FROM token WHERE access = ?", (token,)
        ).fetchone()
        if row is None or row[2] <= self._clock().timestamp():
            raise self._invalid_token()
        entity = headers.get("x-ia-api-param-entity", row[1])
        self._check_entity(entity)
        return Caller(username=row[0], entity=entity)

    def expire_all(self) -> None:
        """Ends every access token; refresh tokens live on."""
        with self._database:
            self._database.execute("UPDATE token SET expires = 0")

    def _check_client(self, form: Mapping[str, Any]) -> None:
        if not form.get("client_id"):
            raise gateway_error(400, 37, "The client_id is missing")
        if not form.get("client_secret"):
            raise gateway_error(400, 15, "The client_secret is missing")
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            raise gateway_error(401, 11, "The client is not valid", code="unauthorized")

    def _check_entity(self, entity: str | None) -> None:
        if entity is not None and self._records.by_id(ENTITY, entity) is None:
            raise bad_request(f"Entity {entity[:50]} does not exist")

    def _renew(self, form: Mapping[str, Any]) -> dict[str, Any]:
        refresh = form.get("refresh_token")
        if not isinstance(refresh, str) or not refresh:
            raise gateway_error(400, 15, "The refresh_token is missing")
        row = self._database.execute("SELECT username, entity FROM token WHERE refresh = ?", (refresh,)).fetchone()
        if row is None:
            raise gateway_error(401, 31, "The refresh token is not valid", code="unauthorized")
        entity = form.get("entity_id") or row[1]
        self._check_entity(entity)
        with self._database:
            self._database.execute("UPDATE token SET refresh = NULL WHERE refresh = ?", (refresh,))
        return self._issue(row[0], entity)

    def _issue(self, username: str, entity: str | None) -> dict[str, Any]:
        now = self._clock().timestamp()
        name, _, company = username.partition("@")
        claims = {
            "sub": name,
            "cnyId": company,
            "entityId": entity,
            "iat": int(now),
            "exp": int(now) + LIFETIME,
            "jti": secrets.token_hex(8),
        }
        access, refresh = _signed(claims), secrets.token_urlsafe(32)
        with self._database:
            row = (access, refresh, username, entity, now + LIFETIME)
            self._database.execute("INSERT INTO token VALUES (?, ?, ?, ?, ?)", row)
        return {"token_type": "Bearer", "access_token": access, "refresh_token": refresh, "expires_in": LIFETIME}

    def _invalid_token(self) -> RefusedError:
        return RefusedError(
            400 if self._bad_token_as_400 else 401,
            "tokenInvalid",
            "The token is not valid" if self._bad_token_as_400 else "Token is not valid",
            number="REST-2102",
            message_id="IA.TOKEN_IS_INVALID",
            placement="bare",
        )


class Visibility:
    """Which records a caller sees, by the entity that a customer belongs to; what belongs to none, everyone sees.

    In an entity those are its own. At the top level they are all, but the lists and queries there leave out private
    entities' (``includePrivate`` brings them back). An e-mail template of a customer goes with the customer.
    """

    def __init__(self, records: Records, caller: Caller, private_entities: frozenset[str]) -> None:
        entities = {record["id"]: record["key"] for record in records.all(ENTITY)}
        self._records = records
        self._own = entities[caller.entity] if caller.entity is not None else None
        self._private = {entities[name] for name in private_entities}

    def listed(self, object_name: str, *, include_private: bool = False) -> list[Record]:
        """The records of an object that a list or a query finds."""
        hidden = set() if include_private else self._private
        owners: dict[str, str | None] = {}
        if object_name == CUSTOMER_EMAIL_TEMPLATE:
            owners = {customer["key"]: customer["entity"] for customer in self._records.all(CUSTOMER)}

        def is_listed(record: Record) -> bool:
            owner = owners[record["customer"]] if owners else record.get("entity")
            return owner is None or (owner not in hidden if self._own is None else owner == self._own)

        return [record for record in self._records.all(object_name) if is_listed(record)]

    def reached(self, object_name: str, record: Record | None) -> Record | None:
        """A record found by its key or id, if the caller may reach it."""
        owner = record and record.get("entity")
        if record is not None and object_name == CUSTOMER_EMAIL_TEMPLATE:
            customer = self._records.by_key(CUSTOMER, record["customer"])
            owner = customer and customer["entity"]
        return record if owner is None or self._own is None or owner == self._own else None


def _signed(claims: Mapping[str, Any]) -> str:
    """A JWT, which is what the vendor's access tokens are."""
    signed = ".".join(_encoded(msgspec.json.encode(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{_encoded(hmac.digest(_SIGNATURE_KEY, signed.encode(), hashlib.sha256))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
