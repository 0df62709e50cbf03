"""What one request knows: who asks, which backends they may see, fresh loaders, the time; and what a field asks for."""

import math
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.backends import Backends
from gateway.loaders import Loaders
from gateway.made_once import made_once
from gateway.principals import LOCAL, Principal
from gateway.reading import Reads
from gateway.selection import FieldNeeds, Selection
from gateway.upstream.calls import current_operation

if TYPE_CHECKING:
    from gateway.dispatch.places import LedgerPlaces
    from gateway.dispatch.sending import Sending
    from gateway.documents.cost import Cost
    from gateway.documents.prepared import PreparedOperation
    from gateway.files import FileLinks
    from gateway.schema.answer_scopes import AnswerScopes
    from gateway.settings import ListLimits

__all__ = ["LOCAL", "Ask", "Principal", "RequestContext"]


class RequestContext(Struct, kw_only=True, eq=False, dict=True, weakref=True):
    """One GraphQL request. ``backends`` holds only what the principal may see; nothing else is reached through it.

    ``renewed`` gives the principal as it stands now, or raises a problem. ``explained`` says that it is asked why
    vendors are called. ``kind``, ``operation`` and ``cost`` are known once the document is; ``failed`` says that there
    was an error.
    """

    principal: Principal
    backends: Backends
    limits: "ListLimits"
    sending: "Sending"
    file_links: "FileLinks"
    places: "LedgerPlaces"
    needs: FieldNeeds
    answer_scopes: "AnswerScopes"
    clock: Callable[[], datetime]
    subgraph_sdl: Callable[[], str]
    renewed: "Callable[[Principal], Awaitable[Principal]] | None" = None
    selections: dict[tuple[int, ...], Selection] = field(default_factory=dict)
    reads: Reads = field(default_factory=Reads)
    explained: bool = False
    kind: str | None = None
    operation: "PreparedOperation | None" = None
    cost: "Cost | None" = None
    failed: bool = False

    @made_once
    def loaders(self) -> Loaders:
        """This request's loaders; made inside the event loop, when first used."""
        return Loaders(self)

    def afresh(self) -> "RequestContext":
        """The same for another operation of the same caller: nothing loaded, nothing selected."""
        return replace(self, selections={}, reads=Reads(), kind=None, operation=None, cost=None, failed=False)

    def is_a(self, kind: str) -> None:
        """Notes that it is a query, a mutation, or a subscription, which takes as long as somebody follows it."""
        self.kind = kind
        if kind == "subscription":
            operation = current_operation()
            if operation is not None:
                operation.deadline = math.inf

    def forget(self) -> None:
        """Drops what was loaded: something was written meanwhile."""
        loaders: Loaders | None = self.__dict__.pop("loaders", None)
        if loaders is not None:
            loaders.let_go()

    def end(self) -> None:
        """Ends what is being read, and drops what was: the request has its answer, or nobody waits for it."""
        self.reads.stop()
        self.forget()

    @made_once
    def today(self) -> date:
        """The day of reference, UTC."""
        return self.clock().date()


class Ask(Struct):
    """What a field is asked for: in which request, with which selection below it."""

    context: RequestContext
    selection: Selection
