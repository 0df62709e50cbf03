"""Where log lines go and what they may hold: stderr, JSON unless a person looks on, and no secret in any of them.

`configure_logs` is called once, by the command. Loggers of the standard library (the HTTP server's) go the same way.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO
from urllib.parse import quote, unquote, urlsplit

import structlog
from sqlalchemy import make_url
from structlog.typing import EventDict, Processor, WrappedLogger

from adapters.shapes import SecretStr
from gateway.settings import Settings
from gateway.upstream.calls import name_operation

__all__ = ["Redaction", "configure_logs", "secrets_of"]

SHOWN_INSTEAD: Final = "***"
SHORTEST_SECRET: Final = 4
"""A shorter value would blot out half of every line, and protects nothing."""

_SECRET_KEY: Final = re.compile(
    r"token|passw|authori[sz]ation|secret|memorable|credential|cookie|api[-_]?key|session[-_]?id", re.IGNORECASE
)

# The first two write whole URLs, of which one may hold a token; the last says at each start what nobody asked.
_ONLY_WARNINGS: Final = ("alembic", "dbos", "httpx", "httpcore", "uvicorn", "uvicorn.error")


class Redaction:
    """Renders a line with what must not be shown replaced.

    That is the value of every key that is named like a secret, at any depth, and every occurrence of a known secret as
    it is, as in a URL, or as in JSON.
    """

    def __init__(self, renderer: Processor, secrets: Iterable[str]) -> None:
        self._renderer = renderer
        forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        """The line."""
        line = str(self._renderer(logger, name, _without_named_secrets(event)))
        return line if self._known is None else self._known.sub(SHOWN_INSTEAD, line)


def _forms(secret: str) -> tuple[str, ...]:
    return secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]


def _without_named_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: SHOWN_INSTEAD if isinstance(key, str) and _SECRET_KEY.search(key) else _without_named_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_named_secrets(inner) for inner in value]
    return value


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every secret that the settings hold."""
    values: list[object] = [settings.files.key]
    for backend in settings.backends:
        values += backend.credentials.named().values()
    plain = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
    passwords = {make_url(settings.ledger.url.get_secret_value()).password}
    if settings.redis.url is not None:
        password = urlsplit(settings.redis.url.get_secret_value()).password
        passwords |= {password, password and unquote(password)}
    return frozenset(plain | {password for password in passwords if password})


def configure_logs(secrets: Iterable[str] = (), *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Sends all log lines to ``stream`` (stderr), as JSON unless it is a terminal."""
    stream = stream or sys.stderr
    renderer: Processor
    if stream.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer(default=repr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_operation,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, Redaction(renderer, secrets)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _ONLY_WARNINGS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.handlers.clear()  # a library's own handler would write beside ours, unredacted
        logger.propagate = True
