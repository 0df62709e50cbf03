"""Keeps credentials out of errors, whatever a vendor, or a server in front of it, quotes in its refusal.

A credential transport says what is secret in the responses that it hands up; `adapters.wire` strikes it out of what
becomes an error. Records are not touched: they are passed on as they came.
"""

import functools
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import httpx

__all__ = ["REDACTED", "redacted", "secrets_of", "tell_secrets"]

EXTENSION = "postroom.secrets"
"""The key in a response's extensions: the strings that nothing may repeat."""

REDACTED = "[redacted]"


def tell_secrets(response: httpx.Response, *secrets: str) -> httpx.Response:
    """The same response, knowing what in it must not be repeated."""
    extensions = response.extensions
    extensions[EXTENSION] = (*extensions[EXTENSION], *secrets) if EXTENSION in extensions else secrets
    return response


def secrets_of(response: httpx.Response) -> tuple[str, ...]:
    """What the credential transport said is secret."""
    told: tuple[str, ...] = response.extensions.get(EXTENSION, ())
    return told


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, in whatever case, and as URLs, JSON and HTML write them."""
    pattern = _pattern(tuple(secret for secret in secrets if secret))
    return text if pattern is None else pattern.sub(REDACTED, text)


@functools.lru_cache(maxsize=64)  # a bulk answer has a text in every row
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    forms = {form for secret in secrets for form in _forms(secret)}
    if not forms:
        return None
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)


def _forms(secret: str) -> Iterable[str]:
    in_json = json.dumps(secret)[1:-1]
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret))
    yield from (in_json, in_json.replace("/", r"\/"), json.dumps(secret, ensure_ascii=False)[1:-1])
