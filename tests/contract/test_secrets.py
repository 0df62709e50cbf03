"""No credential is ever in an error, a log, a repr, or a finding."""

import logging
import re
import traceback
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest

from adapters.contract import Adapter, Vendor
from adapters.errors import AdapterError
from adapters.shapes import members_of
from tests.connecting import RunningSandbox, asking, connected, running_sandbox
from tests.contract.offers import LISTS
from tests.contract.walking import reader
from tests.contract.writing import WRITES

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "truncate"},
    {"kind": "garbage"},
    {"kind": "hold"},
    {"kind": "status", "status": 302},
    {"kind": "status", "status": 400},
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 401},
)


def told(error: BaseException) -> str:
    """All that an error could tell: itself, its members, its causes, the lines of its trace."""
    lines = traceback.format_exception(error)
    members = [f"{name}={value!r}" for name, value in vars(error).items()]
    return "\n".join([str(error), repr(error), repr(error.args), *members, *lines])


@pytest.fixture
def secrets(sandbox: RunningSandbox) -> frozenset[str]:
    """What must not be seen: the values of the credentials, and the session that they begin."""
    return frozenset(sandbox.credentials.values())


def sessions(entries: list[dict[str, Any]]) -> set[str]:
    """The tokens that were sent, whatever they are called: the credentials of each request's header and path."""
    found = {value.split()[-1] for entry in entries for name, value in entry["headers"] if name == "authorization"}
    return found | {match[1] for entry in entries if (match := re.search(r"/token/([^/]+)", entry["raw_path"]))}


def questions(adapter: Adapter) -> Iterator[Awaitable[Any]]:
    """Everything that can be asked of an adapter, as it stands."""
    for part in LISTS:
        read = reader(adapter, part)
        if read is not None:
            yield read.page(asking(2))
            yield read.by_key(["1"], frozenset({"raw"}))
    for write in WRITES:
        if getattr(adapter, write.part_name) is not None:
            yield adapter.perform(write.with_id(adapter, "1"))
    yield adapter.check()


async def errors_of(adapter: Adapter) -> list[AdapterError]:
    """The errors among the answers, raised or not."""
    found: list[Any] = []
    for question in questions(adapter):
        try:
            answer = await question
        except AdapterError as error:
            found.append(error)
            continue
        found += answer.values() if isinstance(answer, dict) else ()
        found += [getattr(one, "error", None) for one in answer] if isinstance(answer, tuple) else ()
    return [error for error in found if isinstance(error, AdapterError)]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged on our side; the emulator's server writes down the paths that it is asked for."""
    return [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]


async def test_no_error_tells_a_credential(
    vendor: Vendor, sandbox: RunningSandbox, secrets: frozenset[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f"Cannot GET {sandbox.base_url}/token/{next(iter(sorted(secrets)))}/letter?token={min(secrets)}"
    texts: list[str] = []
    before = sandbox.count()
    for fault in FAULTS:
        async with connected(vendor, sandbox, timeout=30 if fault["kind"] != "hold" else 0.05) as adapter:
            texts += [repr(adapter)]
            await _signed_in(adapter)
            members = {**fault, "body": body} if fault["kind"] in ("status", "garbage") else fault
            sandbox.fault(**members, times=None)
            errors = await errors_of(adapter)
            sandbox.clear_faults()
        assert errors, fault
        texts += map(told, errors)
    texts += logged(caplog)

    hidden = secrets | sessions(sandbox.journal(before))
    assert [(secret, text) for secret in hidden for text in texts if secret in text] == []


async def _signed_in(adapter: Adapter) -> None:
    for _ in range(20):
        try:
            await adapter.check()
        except AdapterError:
            continue
        return


async def test_a_refused_sign_in_tells_no_credential(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in members_of(vendor.credentials):
        with running_sandbox(vendor) as sandbox:
            wrong = {**sandbox.credentials, name: re.sub(r"[A-Za-z0-9]", "q", sandbox.credentials[name])}
            async with connected(vendor, sandbox, credentials=wrong) as adapter:
                with pytest.raises(AdapterError) as refused:
                    await adapter.check()
        texts = [told(refused.value), *logged(caplog)]
        assert [secret for secret in wrong.values() for text in texts if secret in text] == [], name


def test_credentials_do_not_show_themselves(vendor: Vendor) -> None:
    with running_sandbox(vendor) as sandbox:
        values = sandbox.credentials
    credentials = vendor.credentials.of(values)
    shown = f"{credentials!r} {credentials} {credentials.named()}"

    assert [value for value in values.values() if value in shown] == []


def test_unknown_and_missing_credentials_are_refused_without_showing_them(vendor: Vendor) -> None:
    value = f"in-plain-{'view'}"  # so that no line of this file, which a trace quotes, holds it
    with pytest.raises(ValueError, match="surplus: is not known") as refused:
        vendor.credentials.of(dict.fromkeys(("surplus", *list(members_of(vendor.credentials))[1:]), value))

    assert value not in told(refused.value)
