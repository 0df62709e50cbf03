"""The contract's customers, over the vendor's customer object."""

from collections.abc import Sequence

from adapters.contract import Limits, ListRequest, Results
from adapters.errors import AdapterError, Conflict
from adapters.model import Customer, Page
from adapters.sage_intacct.client import Client
from adapters.sage_intacct.objects import CUSTOMERS
from adapters.sage_intacct.reading import Reader, batches_of, in_batches

__all__ = ["CustomerReads"]


class CustomerReads:
    """Reads customers."""

    def __init__(self, client: Client, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._reader = Reader(client, CUSTOMERS, limits)

    async def page(self, request: ListRequest) -> Page[Customer]:
        """A part of the list."""
        return await self._reader.page(request)

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Customers by key."""
        return await self._reader.by_key(keys, wanted)

    async def by_code(self, codes: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Customers by their unique id, in one query; what only a GET tells takes one more for each found."""

        async def read(batch: Sequence[str]) -> dict[str, Customer | AdapterError]:
            return await self._of_codes(batch, wanted)

        possible = [code for code in dict.fromkeys(codes) if code]
        found = await in_batches(batches_of(possible, self._limits.page_size), read)
        if wanted & CUSTOMERS.only_by_key:
            keys = {code: one.native_id for code, one in found.items() if isinstance(one, Customer)}
            whole = await self._reader.by_key(tuple(keys.values()), wanted)
            return {code: whole[keys[code]] if code in keys else found.get(code) for code in codes}
        return {code: found.get(code) for code in codes}

    async def _of_codes(self, codes: Sequence[str], wanted: frozenset[str]) -> dict[str, Customer | AdapterError]:
        found: dict[str, Customer | AdapterError] = {}
        for customer in await self._reader.having("id", codes, wanted):
            if customer.code is None or customer.code not in codes:
                raise self._reader.malformed()
            several = Conflict(
                "Several customers have this code.", backend=self._client.backend, operation="customer.list"
            )
            found[customer.code] = several if customer.code in found else customer
        return found
