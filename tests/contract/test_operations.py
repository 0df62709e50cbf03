"""Each vendor names the operations that it reads records by, for the settings that speak of them."""

from typing import Any

import pytest

from adapters import model
from adapters.contract import Adapter, AggregateRequest, Measure, Subject, Vendor
from adapters.filters import FilterOptions
from adapters.shapes import members_of
from adapters.wire import CallInfo, Wire
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.contract.offers import LISTS
from tests.contract.walking import attributes, reader

KEY_ALONE = frozenset({"native_id"})
NO_RECORDS = frozenset({"check", "session.login"})


async def read_everything(adapter: Adapter) -> None:
    """Reads each list, and a record of it by its key: for as little of a record as there is, and for all of it."""
    for part in LISTS:
        read: Any = reader(adapter, part)
        if read is None:
            continue
        for wanted in (KEY_ALONE, attributes(getattr(model, part.record_type)) | {"raw"}):
            page = await read.page(asking(1, wanted=wanted))
            for record in page.records:
                await read.by_key([record.native_id], wanted)
                if part.name == "templates" and record.email_template is not None:
                    for few in (frozenset({"name"}), frozenset({"body"})):
                        await read.email_templates([record.email_template.native_id], few)
    if adapter.aggregate is not None:
        measure, options = Measure("count", "id"), FilterOptions(today=NOW.date())
        await adapter.aggregate(AggregateRequest(subject=Subject.CUSTOMERS, measures=(measure,), options=options))


async def test_a_vendor_names_just_the_operations_that_it_reads_records_by(
    vendor: Vendor, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    infos: list[CallInfo] = []
    telling = Wire._info

    def noted(*arguments: Any, **options: Any) -> CallInfo:
        infos.append(telling(*arguments, **options))
        return infos[-1]

    monkeypatch.setattr(Wire, "_info", noted)
    whole: dict[str, Any] = {"list_whole": True} if "list_whole" in members_of(vendor.settings) else {}
    for settings in ({}, whole):
        async with connected(vendor, sandbox, **settings) as adapter:
            await read_everything(adapter)

    assert {info.operation for info in infos} - NO_RECORDS == vendor.reads
