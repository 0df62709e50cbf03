"""The queries."""

from typing import Annotated, Any, Optional

import strawberry

from adapters.contract import AggregateRequest, Measure, Order
from adapters.filters import Filter
from gateway.backends import Backend
from gateway.context import Ask, RequestContext
from gateway.dispatch.ledger import DispatchQuery
from gateway.dispatch.loading import visible_keys
from gateway.dispatch.places import DISPATCHES
from gateway.ids import InvalidId, decode
from gateway.list_sizes import MOST_GROUPS, MOST_MEASURES, MOST_STATES, no_more_than
from gateway.lists import ConnectionKey, streams_over
from gateway.loaders import CodeKey, RecordKey
from gateway.principals import Scope
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.aggregate import AggregateInput, AggregateRow
from gateway.schema.backend import BackendType
from gateway.schema.customer import Customer
from gateway.schema.dispatch import Dispatch, DispatchConnection, DispatchFilter
from gateway.schema.document import DOCUMENT_TYPES, Correspondence, Document, Letter
from gateway.schema.fields import derived, load
from gateway.schema.filters import (
    CustomerFilter,
    CustomerOrder,
    DocumentFilter,
    DocumentOrder,
    FilterOptionsInput,
    MessageFilter,
    TemplateFilter,
    TemplateOrder,
    aware,
    read_filter,
    read_options,
    read_order,
)
from gateway.schema.message import CustomerMessage
from gateway.schema.node import DISPATCH_SCOPE, Node
from gateway.schema.paging import After, Connection, First, connection_key, no_more_than_a_page, page_size
from gateway.schema.subgraph import SubgraphQueries
from gateway.schema.template import CustomerEmailTemplate
from gateway.timeline import DOCUMENT_PARTS, TimelineKey

__all__ = ["CustomerBy", "Query"]

RECORD_TYPES = ("Customer", "Correspondence", "Letter", "CustomerEmailTemplate", "EmailTemplate", "CustomerMessage")

BackendKeys = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Only these backends, by key; all when absent. One that has no such list is a problem."
    ),
]
Options = Annotated[FilterOptionsInput | None, strawberry.argument(description="How the filter is read.")]
Id = Annotated[strawberry.ID, strawberry.argument(description="A global id.")]


@strawberry.input(description="A customer by its code at a backend.")
class CustomerCode:
    """A customer by its code."""

    backend: str = strawberry.field(description="The backend's key.")
    code: str = strawberry.field(description="The account number, customer code, client number or customer id.")


@strawberry.input(description="A customer by the key that the vendor's own URLs use.")
class CustomerNativeId:
    """A customer by its native id."""

    backend: str = strawberry.field(description="The backend's key.")
    native_id: str = strawberry.field(description="The vendor's key of it.")


@strawberry.input(one_of=True, description="One way to name a customer.")
class CustomerBy:
    """One way to name a customer."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="By global id.")
    code: CustomerCode | None = strawberry.field(default=strawberry.UNSET, description="By code.")
    native_id: CustomerNativeId | None = strawberry.field(
        default=strawberry.UNSET, description="By the key that the vendor's own URLs use."
    )


@strawberry.type(description="What can be read.")
class Query(SubgraphQueries):
    """What can be read."""

    @load(
        "node",
        "A record by its global id; null when there is none, or none that is visible here.",
        returns=Optional[Node],
    )
    def node(self: None, ask: Ask, id: Id) -> Any:
        """A record by its global id."""
        return node_key(id, ask)

    @load(
        "nodes",
        "Records by their global ids, in that order; null for those that are not there.",
        returns=list[Node | None],
    )
    def nodes(
        self: None, ask: Ask, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids.")]
    ) -> Any:
        """Records by their global ids."""
        no_more_than_a_page(ids, ask, "ids")
        return tuple(node_key(one, ask) for one in ids)

    @derived("The backends that are visible here, in configured order.", scope=Scope.READ)
    def backends(self: None, context: RequestContext) -> list[BackendType]:
        """The backends that are visible here."""
        backends: Any = list(context.backends)
        return backends  # type: ignore[no-any-return]

    @load("customer", "One customer; null when there is none.", returns=Customer | None)
    def customer(
        self: None, ask: Ask, by: Annotated[CustomerBy, strawberry.argument(description="Which.")]
    ) -> RecordKey | CodeKey | None:
        """One customer."""
        wanted = ask.selection.wanted("Customer")
        if by.code:
            backend = _offering(ask, by.code.backend, "customers")
            return CodeKey(backend.key, by.code.code, wanted)
        if by.native_id:
            backend = _offering(ask, by.native_id.backend, "customers")
            return RecordKey("Customer", backend.key, by.native_id.native_id, wanted)
        ref = ask.context.backends.locate(by.id or "", "Customer")
        return None if ref is None else RecordKey("Customer", ref.backend, ref.native_id, wanted)

    @load("connection", "Customers, over all backends.", returns=Connection[Customer])
    def customers(
        self: None,
        ask: Ask,
        backends: BackendKeys = None,
        filter: Annotated[CustomerFilter | None, strawberry.argument(description="Which.")] = None,
        options: Options = None,
        order_by: Annotated[
            CustomerOrder | None,
            strawberry.argument(description="In which order; as configured, then the vendor's, when absent."),
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> ConnectionKey:
        """Customers, over all backends."""
        tree, order = read_filter(filter, ask.context), read_order(order_by)
        return _list(ask, backends, ("customers",), ("Customer",), tree, order, options, first, after)

    @load(
        "timeline",
        "Correspondence and letters as one list: of these customers (with their counterparts at other backends when "
        "asked), or over all backends. Newest first unless ordered otherwise.",
        returns=Connection[Document],
    )
    def documents(
        self: None,
        ask: Ask,
        backends: BackendKeys = None,
        customers: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Only documents for these customers, by id.")
        ] = None,
        with_counterparts: Annotated[
            bool,
            strawberry.argument(description="Also for their counterparts; goes with `customers`."),
        ] = False,
        filter: Annotated[DocumentFilter | None, strawberry.argument(description="Which.")] = None,
        order_by: Annotated[
            DocumentOrder | None, strawberry.argument(description="In which order; newest first when absent.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> TimelineKey:
        """Correspondence and letters as one list."""
        order = read_order(order_by) or Order("date", descending=True)
        tree = read_filter(filter, ask.context)
        chosen = ask.context.backends.chosen(backends)
        streams = () if customers is not None else _streams(ask, backends, DOCUMENT_PARTS)
        connection = connection_key(ask, streams, *DOCUMENT_TYPES, first=first, after=after, tree=tree, order=order)
        if customers is None and with_counterparts:
            message = "withCounterparts goes with customers."
            raise ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=("withCounterparts",)))
        no_more_than_a_page(customers or (), ask, "customers")
        refs = tuple(ask.context.backends.require(one, "Customer", argument="customers") for one in customers or ())
        keys = frozenset(backend.key for backend in chosen)
        return TimelineKey(refs if customers is not None else None, with_counterparts, keys, connection)

    @load("connection", "Correspondence, over all backends that have it.", returns=Connection[Correspondence])
    def correspondence(
        self: None,
        ask: Ask,
        backends: BackendKeys = None,
        filter: Annotated[DocumentFilter | None, strawberry.argument(description="Which.")] = None,
        first: First = 50,
        after: After = None,
    ) -> ConnectionKey:
        """Correspondence, over all backends."""
        tree = read_filter(filter, ask.context)
        return _list(ask, backends, ("correspondence",), DOCUMENT_TYPES, tree, None, None, first, after)

    @load("connection", "Letters, over all backends that have them.", returns=Connection[Letter])
    def letters(
        self: None,
        ask: Ask,
        backends: BackendKeys = None,
        filter: Annotated[DocumentFilter | None, strawberry.argument(description="Which.")] = None,
        order_by: Annotated[
            DocumentOrder | None, strawberry.argument(description="In which order; the vendor's own when absent.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> ConnectionKey:
        """Letters, over all backends."""
        tree, order = read_filter(filter, ask.context), read_order(order_by)
        return _list(ask, backends, ("letters",), DOCUMENT_TYPES, tree, order, None, first, after)

    @load(
        "connection",
        "Which e-mail templates customers get, over all backends that have such.",
        returns=Connection[CustomerEmailTemplate],
    )
    def templates(
        self: None,
        ask: Ask,
        backends: BackendKeys = None,
        filter: Annotated[TemplateFilter | None, strawberry.argument(description="Which.")] = None,
        options: Options = None,
        order_by: Annotated[
            TemplateOrder | None, strawberry.argument(description="In which order; the vendor's own when absent.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> ConnectionKey:
        """Which e-mail templates customers get."""
        tree, order = read_filter(filter, ask.context), read_order(order_by)
        return _list(ask, backends, ("templates",), ("CustomerEmailTemplate",), tree, order, options, first, after)

    @load(
        "aggregate",
        "Counts, sums, means and extremes over a backend's records, grouped; computed by the vendor.",
        returns=list[AggregateRow],
    )
    def aggregate(
        self: None,
        ask: Ask,
        backend: Annotated[str, strawberry.argument(description="The backend's key.")],
        input: Annotated[AggregateInput, strawberry.argument(description="What to compute.")],
    ) -> tuple[str, AggregateRequest]:
        """Counts, sums, means and extremes."""
        chosen = ask.context.backends.named(backend)
        no_more_than(input.measures, MOST_MEASURES, "input", "measures")
        no_more_than(input.group_by, MOST_GROUPS, "input", "groupBy", of="fields")
        measures = tuple(Measure(measure.function.value, measure.field) for measure in input.measures)
        if not measures:
            problem = Problem(code=ProblemCode.INVALID_INPUT, message="Name a measure.", path=("input", "measures"))
            raise ProblemError(problem)
        request = AggregateRequest(
            subject=input.of,
            measures=measures,
            group_by=tuple(input.group_by or ()),
            options=read_options(input.options, ask.context),
        )
        return chosen.key, request

    @load("connection", "Standing messages, over all backends that have such.", returns=Connection[CustomerMessage])
    def messages(
        self: None,
        ask: Ask,
        backends: BackendKeys = None,
        filter: Annotated[MessageFilter | None, strawberry.argument(description="Which.")] = None,
        options: Options = None,
        first: First = 50,
        after: After = None,
    ) -> ConnectionKey:
        """Standing messages."""
        tree = read_filter(filter, ask.context)
        return _list(ask, backends, ("messages",), ("CustomerMessage",), tree, None, options, first, after)

    @load("dispatch", "One dispatch; null when there is none.", returns=Dispatch | None)
    def dispatch(self: None, ask: Ask, id: Id) -> str | None:
        """One dispatch."""
        return dispatch_id(id)

    @load("dispatches", "What was sent through this gateway, newest first.", returns=DispatchConnection)
    def dispatches(
        self: None,
        ask: Ask,
        filter: Annotated[DispatchFilter | None, strawberry.argument(description="Which.")] = None,
        first: First = 50,
        after: After = None,
    ) -> tuple[DispatchQuery, str | None]:
        """What was sent through this gateway."""
        given = filter or DispatchFilter()
        no_more_than(given.states, MOST_STATES, "filter", "states")
        no_more_than(given.actions, MOST_STATES, "filter", "actions")
        customer = (
            None
            if given.customer is None
            else ask.context.backends.require(given.customer, "Customer", argument="customer")
        )
        query = DispatchQuery(
            visible=visible_keys(ask.context),
            backends=_keys(ask.context.backends.chosen(given.backends)) if given.backends is not None else None,
            states=None if given.states is None else frozenset(given.states),
            actions=None if given.actions is None else frozenset(given.actions),
            customer=customer,
            since=aware(given.since),
            until=aware(given.until),
            requested_by=given.requested_by,
            before=ask.context.places.place(DISPATCHES, after),
            first=page_size(first, ask.context) + 1,
        )
        return query, after


def node_key(value: str, ask: Ask) -> RecordKey | str | Backend | None:
    """What `node` loads for an id: a record, a dispatch's ledger id, or a backend."""
    ledger_id = dispatch_id(value)
    if ledger_id is not None:
        return ledger_id
    for backend in ask.context.backends:
        if backend.id == value:
            return backend
    ref = ask.context.backends.locate(value, *RECORD_TYPES)
    return (
        None if ref is None else RecordKey(ref.type, ref.backend, ref.native_id, ask.selection.wanted("Node", ref.type))
    )


def dispatch_id(value: str) -> str | None:
    """The ledger's id of a dispatch's global id, or None: also for what the ledger never made, and may not hold."""
    try:
        ref = decode(value)
    except InvalidId:
        return None
    ours = (ref.type, ref.backend) == ("Dispatch", DISPATCH_SCOPE) and ref.native_id.isalnum()
    return ref.native_id if ours else None


def _keys(backends: tuple[Backend, ...]) -> frozenset[str]:
    return frozenset(backend.key for backend in backends)


def _offering(ask: Ask, key: str, part: str) -> Backend:
    backend = ask.context.backends.named(key)
    if getattr(backend.adapter, part) is None:
        raise ProblemError(
            Problem(code=ProblemCode.UNSUPPORTED, message="This backend has no such records.", backend=key)
        )
    return backend


def _streams(ask: Ask, backends: list[str] | None, parts: tuple[str, ...]) -> Any:
    """The lists to read: a backend that has none is left out, unless it was named."""
    streams = streams_over(ask.context.backends.chosen(backends), parts)
    return streams if backends is not None else tuple(stream for stream in streams if stream.part is not None)


def _list(
    ask: Ask,
    backends: list[str] | None,
    parts: tuple[str, ...],
    types: tuple[str, ...],
    tree: Filter | None,
    order: Order | None,
    options: FilterOptionsInput | None,
    first: int,
    after: str | None,
) -> ConnectionKey:
    return connection_key(
        ask,
        _streams(ask, backends, parts),
        *types,
        first=first,
        after=after,
        tree=tree,
        order=order,
        options=read_options(options, ask.context),
    )
