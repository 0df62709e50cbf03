"""What the load sent, told apart: each of its sends differs from every other in whom it is to, or since when it is."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import date

from adapters.sandboxing import Mailing
from gateway.dispatch.database import Database
from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.records import Dispatch, DispatchItem, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from tests.faults.vendors import Vendors

__all__ = ["judge_sent"]

ALL = 1_000_000

Send = tuple[str, str, str]
"""The backend's key, the record's native id, and the recipient of a letter or the first day of a statement."""


def judge_sent(vendors: Vendors, keys: Iterable[str], ledger: str) -> None:
    """Nothing went out twice, nothing was lost, and nothing went out that the ledger denies or has no word of."""
    left = Counter(_mailed(key, mailing) for key in keys for mailing in vendors.mailings(key))
    states = asyncio.run(_states(ledger))
    assert {send: times for send, times in left.items() if times > 1} == {}
    assert left.keys() - states.keys() == set()
    denied = {send for send in left if not states[send] & {ItemState.ACCEPTED, ItemState.UNKNOWN, ItemState.SENDING}}
    assert denied == set()
    accepted = {send for send, of_send in states.items() if ItemState.ACCEPTED in of_send}
    assert accepted - left.keys() == set()


def _mailed(key: str, mailing: Mailing) -> Send:
    (to,) = mailing.recipients if "startdate" not in mailing.detail else (mailing.detail["startdate"],)
    return key, mailing.record, to


async def _states(url: str) -> dict[Send, set[ItemState]]:
    database = Database(url)
    ledger = SqlLedger(database)
    found: dict[Send, set[ItemState]] = {}
    for dispatch in await ledger.find(DispatchQuery(visible=None, first=ALL)):
        for item in await ledger.items(dispatch.id, first=ALL):
            found.setdefault(_asked(dispatch, item), set()).add(item.state)
    await database.close()
    return found


def _asked(dispatch: Dispatch, item: DispatchItem) -> Send:
    if item.recipients is not None:
        (to,) = item.recipients
    else:
        to = date.fromisoformat(dispatch.asked["start"]).strftime("%Y%m%d")
    return item.target.backend, item.target.native_id, to
