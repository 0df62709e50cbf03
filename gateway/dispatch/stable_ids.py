"""The ids of customers that never change, where the ids that a caller names may: for the ledger's fingerprints.

They decide what counts as sent already, so they are read fresh. A plan has their names by the way.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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

__all__ = ["Addressees", "customers_matching", "customers_named"]

FEW = 50
"""Up to so many customers are read one by one; of more, the list is read until all are found."""

WANTED = frozenset(("native_id", "stable_id", "status"))


class Addressees:
    """Customers with their stable ids, and those of them that are INACTIVE; for a plan with their names too."""

    def __init__(self, *, planned: bool = False) -> None:
        self.wanted = WANTED | {"name"} if planned else WANTED
        self.stable_ids: dict[Ref, str] = {}
        self.names: dict[Ref, str | None] = {}
        self.inactive: set[Ref] = set()

    def add(self, ref: Ref, record: Customer) -> None:
        """Takes what is wanted of a record, and lets the rest go."""
        self.stable_ids[ref] = record.stable_id
        if "name" in self.wanted:
            self.names[ref] = record.name
        if record.status is RecordStatus.INACTIVE:
            self.inactive.add(ref)


async def customers_named(context: "RequestContext", refs: Sequence[Ref], *, planned: bool) -> Addressees:
    """These customers. One that the vendor does not know keeps its native id, for it to refuse.

    Raises the backend's problem when one could not be looked up: then nothing must be sent to any.
    """
    context.forget()  # what this request has read before may have come out of a cache
    found = Addressees(planned=planned)
    for key in dict.fromkeys(ref.backend for ref in refs):
        mine = [ref for ref in refs if ref.backend == key]
        with reading_fresh():
            await (_one_by_one if len(mine) <= FEW else _out_of_the_list)(context, mine, found)
    found.stable_ids |= {ref: ref.native_id for ref in refs if ref not in found.stable_ids}
    return found


async def customers_matching(
    context: "RequestContext", backend: Backend, tree: Filter | None, *, planned: bool
) -> Addressees:
    """All customers that a filter finds; raises when one page fails."""
    context.forget()  # as above
    found = Addressees(planned=planned)
    position: str | None = None
    while True:
        with reading_fresh():
            page = await _page(context, backend.key, tree, position, found.wanted)
        for record in page.records:
            found.add(Ref("Customer", backend.key, record.native_id), record)
        position = page.end
        if position is None:
            return found


async def _one_by_one(context: "RequestContext", refs: Sequence[Ref], found: Addressees) -> None:
    load = context.loaders.record.load
    keys = [RecordKey(ref.type, ref.backend, ref.native_id, found.wanted) for ref in refs]
    records = await asyncio.gather(*map(load, keys), return_exceptions=True)
    for ref, record in zip(refs, records, strict=True):
        if isinstance(record, AdapterError):
            raise ProblemError(failed(record, ref.backend))
        if isinstance(record, BaseException):
            raise record
        if record is not None:
            found.add(ref, record)


async def _out_of_the_list(context: "RequestContext", refs: Sequence[Ref], found: Addressees) -> None:
    missing = {ref.native_id: ref for ref in refs}
    position: str | None = None
    while missing:
        page = await _page(context, refs[0].backend, None, position, found.wanted)
        for record in page.records:
            ref = missing.pop(record.native_id, None)
            if ref is not None:
                found.add(ref, record)
        position = page.end
        if position is None:
            return


async def _page(
    context: "RequestContext", backend: str, tree: Filter | None, position: str | None, wanted: frozenset[str]
) -> Any:
    request = ListRequest(
        first=context.limits.max_page,
        position=position,
        filter=tree,
        options=FilterOptions(today=context.today),
        wanted=wanted,
    )
    page = await context.loaders.page.load(PageKey("customers", backend, None, request))
    context.forget()  # a whole tenant's pages must not stay in memory
    return page
