"""The vendor's calls: URLs of ``endpoint/action/key/value`` segments, and answers in its own rows."""

from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapters.answers import decode_json, decoder_of
from adapters.contract import Connection
from adapters.errors import AdapterError, FileNotAvailable, MalformedAnswer, NotFound
from adapters.model import RawRecord
from adapters.smallinvoice.refusals import SUCCESS, error_of, is_success
from adapters.smallinvoice.rows import ClientRow, Found, LetterRow, Listed, NamedClientRow, UndatedLetterRow
from adapters.wire import Answer, FileStream, Wire, WireRequest

__all__ = ["CLIENTS", "LETTERS", "Client", "Endpoint", "ListPart", "Sort"]

R = TypeVar("R", bound=ClientRow | LetterRow)
Raw = RawRecord | UnsetType

_LONGEST_REFUSAL = 65_536


class Endpoint(Struct, Generic[R], frozen=True):
    """One of the vendor's endpoints, which all have the same actions, and the types of its answers.

    A list is read by the first of the types that fits: the one that most answers are, and is quick to read, first.
    ``narrow`` is how it is read where nothing of ``wide`` is wanted.
    """

    name: str
    listed: tuple[type[Listed[R]], ...]
    found: type[Found[R]]
    wide: frozenset[str] = frozenset()
    narrow: tuple[type[Listed[R]], ...] = ()

    def types(self, wanted: frozenset[str]) -> tuple[type[Listed[R]], ...]:
        """How a list is read of which these attributes are wanted."""
        return self.narrow if self.narrow and self.wide.isdisjoint(wanted) else self.listed


_NAMED: Any = NamedClientRow  # a client too, but lists of them are none of the others'
CLIENTS: Endpoint[ClientRow] = Endpoint(
    "client", (Listed[ClientRow],), Found[ClientRow], wide=frozenset(("address",)), narrow=(Listed[_NAMED],)
)
_UNDATED: Any = UndatedLetterRow  # a letter too, but lists of them are none of the others'
LETTERS: Endpoint[LetterRow] = Endpoint("letter", (Listed[LetterRow], Listed[_UNDATED]), Found[_UNDATED])


class Sort(Struct, frozen=True):
    """The vendor's order of a list: its own name of the key."""

    key: str
    descending: bool

    def segments(self) -> tuple[str, ...]:
        """As the URL says it."""
        return "sort", self.key, "sorttype", "desc" if self.descending else "asc"


class ListPart(Struct, Generic[R], frozen=True):
    """Rows of a list, their raw records where those are wanted, and how many rows the whole list has."""

    rows: list[R]
    raws: list[RawRecord] | None
    count: int


class Client:
    """One backend's calls."""

    def __init__(self, connection: Connection) -> None:
        self.backend = connection.key
        self._wire = Wire(
            backend=connection.key,
            base_url=connection.base_url,
            transport=connection.transport,
            timeout=connection.timeout,
        )

    async def send(self, request: WireRequest) -> Answer:
        """The answer in which the vendor says that it did what it was asked. Raises what any other stands for."""
        return self._done(await self._wire.send(request))

    def _done(self, answer: Answer) -> Answer:
        if is_success(answer):
            return answer
        request = answer.request
        raise error_of(answer, answer.body, backend=self.backend, operation=request.operation, write=request.write)

    def _listed(self, answer: Answer, types: tuple[type[Listed[R]], ...]) -> Listed[R]:
        """A part of a list. What is no success, or not of the first type, is looked at again for what it is."""
        if 200 <= answer.status < 300:
            try:
                listed: Listed[R] = decoder_of(types[0]).decode(answer.body)
                if bytes(listed.error) == SUCCESS:
                    return listed
            except msgspec.MsgspecError:
                pass
        return decode_json(self._done(answer), types[-1], backend=self.backend)

    async def page(
        self,
        endpoint: Endpoint[R],
        number: int,
        size: int,
        sort: Sort | None,
        wanted: frozenset[str] = frozenset(),
    ) -> ListPart[R]:
        """The ``number``-th page (from 1) of ``size`` rows, in the vendor's default order without ``sort``.

        Raises `MalformedAnswer` when it is not the page asked for, or not as full as the count says: were the vendor
        to put fewer rows on a page than it was asked to, records would be lost between two pages.
        """
        request = WireRequest(
            operation=f"{endpoint.name}.list",
            method="GET",
            path=(
                *(endpoint.name, "list", "limit", str(size), "page", str(number)),
                *(sort.segments() if sort is not None else ()),
            ),
            trailing_slash=True,
            wanted=wanted,
        )
        answer = await self._wire.send(request)
        listed = self._listed(answer, endpoint.types(wanted))
        expected = min(size, max(0, listed.count - (number - 1) * size))
        pages = max(1, -(-listed.count // size))
        if len(listed.items) != expected or (listed.pages or 0) > pages or listed.page not in (None, number):
            message = f"The vendor answered {len(listed.items)} records where page {number} of {size} has {expected}."
            raise self._malformed(message, answer)
        raws = msgspec.json.decode(answer.body)["items"] if "raw" in wanted else None
        return ListPart(listed.items, raws, listed.count)

    async def get(
        self, endpoint: Endpoint[R], native_id: str, wanted: frozenset[str] = frozenset()
    ) -> tuple[R, Raw] | None:
        """One record's row, with its raw record where that is wanted; None where the vendor says that it has none."""
        request = WireRequest(
            operation=f"{endpoint.name}.get",
            method="GET",
            path=(endpoint.name, "get", "id", native_id),
            ids=(native_id,),
            wanted=wanted,
        )
        try:
            answer = await self.send(request)
        except NotFound as error:
            if error.vendor_code is None:  # a server that knows no such URL, and so nothing of the record
                raise
            return None
        row = decode_json(answer, endpoint.found, backend=self.backend).item
        if str(row.id) != native_id:
            message = "The vendor answered with another record than the one asked for."
            raise self._malformed(message, answer)
        return row, msgspec.json.decode(answer.body)["item"] if "raw" in wanted else UNSET

    def _malformed(self, message: str, answer: Answer) -> MalformedAnswer:
        return MalformedAnswer(message, backend=self.backend, operation=answer.request.operation, status=answer.status)

    async def file(self, request: WireRequest, magic: bytes) -> FileStream:
        """A file that begins with ``magic``. What else comes, a refusal under HTTP 200 above all, is raised."""
        stream = await self._wire.stream(request)
        if 200 <= stream.status < 300 and stream.first_chunk.startswith(magic):
            return stream
        raise await self._refusal_of(stream, request)

    async def _refusal_of(self, stream: FileStream, request: WireRequest) -> AdapterError:
        try:
            body = await stream.read(limit=_LONGEST_REFUSAL)
        finally:
            await stream.aclose()
        return error_of(stream, body, backend=self.backend, operation=request.operation, otherwise=FileNotAvailable)
