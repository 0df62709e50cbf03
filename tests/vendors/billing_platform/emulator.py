"""Asks an emulator in the same process, as its own API's client would."""

import io
from datetime import UTC, datetime
from typing import Any

import httpx
from pypdf import PdfReader

from adapters.billing_platform.sandbox import TOKEN, build_sandbox
from adapters.sandboxing import Sandbox, SandboxOptions

__all__ = ["NOTHING", "NOW", "built", "client", "error_code", "new_letter", "pdf_text", "refusal"]

NOTHING = {"emails": 0, "letters": 0, "records": 0}
"""No effect at all."""

NOW = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)


def built(**options: Any) -> Sandbox:
    """An emulator whose clock stands at `NOW`."""
    return build_sandbox(SandboxOptions(**{"clock": lambda: NOW, **options}))


def client(sandbox: Sandbox, token: str | None = TOKEN) -> httpx.AsyncClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    base_url = "http://127.0.0.1" + sandbox.access.base_path
    return httpx.AsyncClient(transport=httpx.ASGITransport(sandbox), base_url=base_url, headers=headers)


def error_code(answer: httpx.Response) -> tuple[int, int]:
    """The status and the body's code; a documented error is JSON."""
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["error_code"]


def refusal(answer: httpx.Response) -> tuple[int, int, str]:
    """The status, the body's code, and the first word of the hint: the field that it names."""
    return *error_code(answer), answer.json()["hint"].split()[0]


def pdf_text(content: bytes) -> str:

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


async def new_letter(api: httpx.AsyncClient, customer: int, **fields: object) -> dict[str, Any]:
    body = {"correspondenceType": "Overdue Account"} | fields
    added: dict[str, Any] = (await api.post(f"/customers/{customer}/correspondence/", json=body)).json()
    return added
