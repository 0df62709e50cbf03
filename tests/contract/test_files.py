"""Files: a PDF is a PDF and a picture a picture, or they are an error; and evidence changes nothing."""

from datetime import timedelta

import pytest

from adapters.contract import Adapter, EvidenceRequest, SendAction, Verdict
from adapters.errors import (
    AdapterError,
    FileNotAvailable,
    MalformedAnswer,
    NotFound,
    Rejected,
    Unavailable,
    UnsupportedByVendor,
)
from adapters.model import DocumentState
from adapters.wire import FileStream
from tests.connecting import NOW, RunningSandbox
from tests.contract.walking import everything

SENDERS = {
    SendAction.EMAIL: "email_document",
    SendAction.DELIVER: "deliver_document",
    SendAction.POST: "post_document",
    SendAction.EMAIL_STATEMENT: "email_statements",
}


async def content(stream: FileStream) -> bytes:
    try:
        return await stream.read()
    finally:
        await stream.aclose()


async def sendable(adapter: Adapter) -> str:
    documents = await everything(adapter.correspondence or adapter.letters)
    native_ids: list[str] = [one.native_id for one in documents if one.state is not DocumentState.UNKNOWN]
    return native_ids[0]


@pytest.mark.requires("pdf")
async def test_a_pdf_is_one(adapter: Adapter) -> None:
    assert adapter.pdf is not None
    body = await content(await adapter.pdf(await sendable(adapter)))

    assert (body[:5], b"%%EOF" in body[-32:]) == (b"%PDF-", True)


@pytest.mark.requires("preview")
async def test_a_preview_is_a_picture_as_wide_as_asked_for(adapter: Adapter) -> None:
    assert adapter.preview is not None
    native_id = await sendable(adapter)
    for width in (240, 595, 1240):
        body = await content(await adapter.preview(native_id, 1, width))
        assert (b"\x89PNG\r\n\x1a\n", width) == (body[:8], int.from_bytes(body[16:20]))


@pytest.mark.requires("pdf")
async def test_a_file_that_is_not_there_is_not_found(adapter: Adapter) -> None:
    assert adapter.pdf is not None
    with pytest.raises((NotFound, FileNotAvailable)) as missing:
        await adapter.pdf("987654321")

    assert missing.value.backend == "test"


@pytest.mark.requires("pdf")
async def test_what_is_no_pdf_is_never_passed_on_as_one(adapter: Adapter, sandbox: RunningSandbox) -> None:
    assert adapter.pdf is not None
    native_id = await sendable(adapter)
    sandbox.fault(kind="garbage", body="<html>Please sign in</html>", content_type="application/pdf")
    with pytest.raises((MalformedAnswer, Rejected)):
        await adapter.pdf(native_id)
    sandbox.fault(kind="status", status=500)
    with pytest.raises(Unavailable):
        await adapter.pdf(native_id)


@pytest.mark.requires("pdf")
async def test_a_file_that_breaks_off_is_never_taken_for_whole(adapter: Adapter, sandbox: RunningSandbox) -> None:
    assert adapter.pdf is not None
    native_id = await sendable(adapter)
    sandbox.fault(kind="truncate")

    with pytest.raises(Unavailable):
        await content(await adapter.pdf(native_id))


@pytest.mark.requires("evidence")
async def test_evidence_is_a_verdict_in_a_sentence_and_changes_nothing(
    adapter: Adapter, sandbox: RunningSandbox
) -> None:
    assert adapter.evidence is not None
    before, given = sandbox.effects(), []
    for action, sender in SENDERS.items():
        record = await sendable(adapter) if adapter.correspondence or adapter.letters else "10001"
        request = EvidenceRequest(action=action, native_id=record, stable_id=record, since=NOW - timedelta(hours=1))
        try:
            given.append(await adapter.evidence(request))
        except UnsupportedByVendor:
            assert getattr(adapter, sender) is None, action

    assert given
    assert [True] * len(given) == [evidence.verdict in Verdict and evidence.text != "" for evidence in given]
    assert before == sandbox.effects()


@pytest.mark.requires("evidence")
async def test_evidence_of_an_unknown_record_proves_nothing(adapter: Adapter) -> None:
    assert adapter.evidence is not None
    found = []
    for action in SENDERS:
        since = NOW - timedelta(hours=1)
        request = EvidenceRequest(action=action, native_id="987654321", stable_id="987654321", since=since)
        try:
            found.append((await adapter.evidence(request)).verdict)
        except AdapterError:
            continue

    assert [verdict for verdict in found if verdict is Verdict.SENT] == []
