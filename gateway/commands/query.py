"""``postroom query``: one query, for scripts."""

import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
from cyclopts import Parameter

from gateway.app import GRAPHQL_PATH, build_app
from gateway.commands.configuration import configured
from gateway.commands.emulators import over_emulators
from gateway.commands.failure import CommandFailure
from gateway.commands.output import say
from gateway.logs import configure_logs, secrets_of
from gateway.settings import AuthSettings, Settings

__all__ = ["ask", "query", "read_document", "read_variables"]

KEY_VARIABLE = "POSTROOM_KEY"
STANDARD_INPUT = "-"
ACCEPTED = "application/graphql-response+json, application/json;q=0.9"


async def query(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    variables: str | None = None,
    url: str | None = None,
    config: Path | None = None,
    sandbox: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Runs a query. Links to files in its answer need a gateway that goes on running: use --url for those.

    Args:
        file: The file with the query; - for standard input.
        variables: The query's variables, as a JSON object.
        url: Ask the gateway that runs here, such as http://127.0.0.1:8000/graphql, with the key in POSTROOM_KEY if any.
        config: Ask a gateway of one's own, with this configuration; postroom.toml in this folder when absent.
        sandbox: Ask a gateway of one's own, over emulators.
    """
    if (url is not None) + (config is not None) + sandbox > 1:
        raise CommandFailure("Only one of --url, --config and --sandbox can be asked.", code=2)
    body = {"variables": read_variables(variables), "query": read_document(file)}
    if url is not None:
        async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113 - the gateway has deadlines of its own
            answer = await ask(client, url, body)
    else:
        async with _own_gateway(config, sandbox=sandbox) as client:
            answer = await ask(client, GRAPHQL_PATH, body)
    say(orjson.dumps(answer, option=orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0).decode())
    return 1 if answer.get("errors") else 0


def read_document(file: str) -> str:
    """The document in a file, or on standard input. Raises `CommandFailure` where there is none."""
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return content.decode("utf-8")
    except OSError as error:
        raise CommandFailure(f"{file}: cannot be read: {error.strerror}.", code=2) from None
    except UnicodeDecodeError:
        raise CommandFailure(f"{file}: is not UTF-8 text.", code=2) from None


def read_variables(text: str | None) -> dict[str, Any]:
    """The variables of an option. Raises `CommandFailure` for what is no JSON object."""
    try:
        variables = orjson.loads(text or "{}")
    except orjson.JSONDecodeError as error:
        raise CommandFailure(f"--variables: is not JSON: {error}.", code=2) from None
    if not isinstance(variables, dict):
        raise CommandFailure("--variables: must be a JSON object.", code=2)
    return variables


@contextlib.asynccontextmanager
async def _own_gateway(config: Path | None, *, sandbox: bool) -> AsyncIterator[httpx.AsyncClient]:
    with contextlib.ExitStack() as stack:
        settings: Settings = stack.enter_context(over_emulators())[1] if sandbox else configured(config)
        configure_logs(secrets_of(settings), level=logging.ERROR)
        app = build_app(replace(settings, auth=AuthSettings()))  # nobody else reaches it
        async with app.lifespan():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=settings.server.url) as client:
                yield client


def _credential() -> dict[str, str]:
    """The header for a gateway that asks who asks. From the environment alone: other users can see a command's line."""
    text = os.environ.get(KEY_VARIABLE, "").strip()
    if not text.isascii() or not text.isprintable():
        raise CommandFailure(f"{KEY_VARIABLE} is neither a key nor a token: those are printable ASCII.", code=2)
    return {"authorization": f"Bearer {text}"} if text else {}


async def ask(client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a gateway answers to the key or token in `POSTROOM_KEY`, if any. Raises `CommandFailure` where none does."""
    try:
        answer = await client.post(url, json=body, headers={"accept": ACCEPTED, **_credential()})
    except (httpx.TransportError, httpx.InvalidURL) as error:
        # The error's own words may hold the URL, and that a password.
        raise CommandFailure(f"No gateway answered at that URL ({type(error).__name__}). Does it run?") from None
    try:
        content = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict) or not content.keys() & {"data", "errors"}:
        raise CommandFailure(
            f"What answered is no GraphQL endpoint (HTTP {answer.status_code}). Does the URL end in {GRAPHQL_PATH}?"
        )
    return content
