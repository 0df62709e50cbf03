"""The ids of customers that never change, where the ids that a caller names may: for the ledger's fingerprints.

They decide what counts as sent already, so they are read fresh.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from adapters.contract import ListRequest
from adapters.errors import AdapterError
from adapters.filters import Filter, FilterOptions
from adapters.freshness import reading_fresh
from adapters.model import Customer, RecordStatus
from gateway.backends import Backend
from gateway.ids import Ref
from gateway.loaders import PageKey, RecordKey
from gateway.problems import ProblemError, failed

if TYPE_CHECKING:
    from gateway.context import RequestContext

__all__ = ["Addressees", "customers_matching", "stable_ids_of"]

FEW = 50
"""Up to so many customers are read one by one; of more, the list is read until all are found."""

WANTED = frozenset(("native_id", "stable_id", "status"))


class Addressees(Struct, frozen=True):
    """Customers with their stable ids, and those of them that are INACTIVE."""

    stable_ids: Mapping[Ref, str]
    inactive: frozenset[Ref] = frozenset()


async def stable_ids_of(context: "RequestContext", refs: Sequence[Ref]) -> dict[Ref, str]:
    """The stable ids of these customers. One that the vendor does not know keeps its native id, for it to refuse.

    Raises the backend's problem when one could not be looked up: then nothing must be sent to any.
    """
    context.forget()  # what this request has read before may have come out of a cache
    found: dict[Ref, str] = {}
    for key in dict.fromkeys(ref.backend for ref in refs):
        mine = [ref for ref in refs if ref.backend == key]
        with reading_fresh():
            found |= await _one_by_one(context, mine) if len(mine) <= FEW else await _out_of_the_list(context, mine)
    return {ref: found.get(ref, ref.native_id) for ref in refs}


async def customers_matching(context: "RequestContext", backend: Backend, tree: Filter | None) -> Addressees:
    """All customers that a filter finds; raises when one page fails."""
    context.forget()  # as above
    found: dict[Ref, str] = {}
    inactive: set[Ref] = set()
    position: str | None = None
    while True:
        with reading_fresh():
            page = await _page(context, backend.key, tree, position)
        found |= {_ref(record): record.stable_id for record in page.records}
        inactive |= {_ref(record) for record in page.records if record.status is RecordStatus.INACTIVE}
        position = page.end
        if position is None:
            return Addressees(found, frozenset(inactive))


async def _one_by_one(context: "RequestContext", refs: Sequence[Ref]) -> dict[Ref, str]:
    load = context.loaders.record.load
    keys = [RecordKey(ref.type, ref.backend, ref.native_id, WANTED) for ref in refs]
    records = await asyncio.gather(*map(load, keys), return_exceptions=True)
    found: dict[Ref, str] = {}
    for ref, record in zip(refs, records, strict=True):
        if isinstance(record, AdapterError):
            raise ProblemError(failed(record, ref.backend))
        if isinstance(record, BaseException):
            raise record
        if record is not None:
            found[ref] = record.stable_id
    return found


async def _out_of_the_list(context: "RequestContext", refs: Sequence[Ref]) -> dict[Ref, str]:
    missing = set(refs)
    found: dict[Ref, str] = {}
    position: str | None = None
    while missing:
        page = await _page(context, refs[0].backend, None, position)
        here = {_ref(record): record.stable_id for record in page.records}
        found |= {ref: here[ref] for ref in missing & here.keys()}
        missing -= here.keys()
        position = page.end
        if position is None:
            break
    return found


async def _page(context: "RequestContext", backend: str, tree: Filter | None, position: str | None) -> Any:
    request = ListRequest(
        first=context.limits.max_page,
        position=position,
        filter=tree,
        options=FilterOptions(today=context.today),
        wanted=WANTED,
    )
    page = await context.loaders.page.load(PageKey("customers", backend, None, request))
    context.forget()  # a whole tenant's pages must not stay in memory
    return page


def _ref(record: Customer) -> Ref:
    return Ref("Customer", record.backend, record.native_id)
