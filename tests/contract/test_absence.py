"""That a record is not there is believed of the vendor alone, not of a server in front of it."""

from adapters.contract import Adapter
from adapters.errors import AdapterError
from tests.connecting import RunningSandbox, asking
from tests.contract.offers import ListPart
from tests.contract.walking import reader


async def test_a_404_without_the_vendors_own_words_does_not_say_that_a_record_is_missing(
    adapter: Adapter, sandbox: RunningSandbox, part: ListPart
) -> None:
    read = reader(adapter, part)
    (record,) = (await read.page(asking(1))).records
    sandbox.fault(kind="status", status=404, body="<html>nginx</html>", content_type="text/html", times=None)
    try:
        found = await read.by_key([record.native_id], frozenset({"raw"}))
    except AdapterError as error:
        found = {record.native_id: error}

    errors = [getattr(one, "status", None) for one in found.values() if isinstance(one, AdapterError)]
    assert errors == [404]
