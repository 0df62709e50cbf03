"""How a field gets its value, declared: an attribute of the record, a pure function of it, or a load by key.

A declaration names the scope that the field takes, if it takes one: `gateway.schema.access` says what that means.

No field of a record has a resolver of its own. What is declared here is kept in the field's metadata (under `DECLARED`)
for whoever executes queries: graphql-core through the resolvers made here, or a plan compiled from the declarations.
"""

import functools
import inspect
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Optional

import strawberry
from msgspec import UNSET
from strawberry.scalars import JSON
from strawberry.types import get_object_definition

from adapters.errors import AdapterError
from gateway.context import Ask, RequestContext
from gateway.lists import OwnList, OwnLists
from gateway.loaders import RecordKey
from gateway.principals import EVERYTHING, Scope
from gateway.problems import ProblemError, UnavailableError, failed, incident_of
from gateway.record_types import type_name
from gateway.schema.access import forbidden_answer, require, require_for_input
from gateway.schema.auditing import auditing
from gateway.selection import FieldNeeds, Selection, stands
from gateway.upstream.needs import needed_by

__all__ = [
    "DECLARED",
    "Action",
    "Attribute",
    "Derived",
    "Followed",
    "Load",
    "OwnLoad",
    "action",
    "attribute",
    "derived",
    "fetched",
    "field_needs",
    "followed",
    "load",
    "own_lists",
    "raw_record",
]

DECLARED = "postroom"
"""The key in a field's metadata."""

Info = strawberry.Info[RequestContext, None]


@dataclass(frozen=True)
class Attribute:
    """The record's attribute ``name``. With ``fetch``, an UNSET one is read by loading the whole record again."""

    name: str
    needs: frozenset[str]
    fetch: bool = False


@dataclass(frozen=True)
class Derived:
    """A pure function of the record, the request and the field's arguments; it looks at the caller's scopes itself."""

    function: Callable[..., Any]
    needs: frozenset[str]
    scope: Scope | None = None


@dataclass(frozen=True)
class Load:
    """The loader of this name, asked for the key that ``key(record, ask, **arguments)`` gives; None gives null.

    The key's function looks at the caller's scopes.
    """

    loader: str
    key: Callable[..., Any]
    needs: frozenset[str]
    scope: Scope = Scope.READ


@dataclass(frozen=True, kw_only=True)
class OwnLoad(Load):
    """A load of lists that customers have of their own: ``lists(ask, **arguments)`` is the same for all of them.

    So many customers' are asked for at once, each by its native id; ``key`` is for one of them.
    """

    lists: Callable[..., OwnLists]


@dataclass(frozen=True)
class Action:
    """A mutation's work: ``run(None, ask, **arguments)``, which looks at the caller's scopes itself."""

    run: Callable[..., Any]
    scope: Scope
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Followed:
    """A subscription, which looks at the caller's scopes itself."""

    scope: Scope
    needs: frozenset[str] = frozenset()


def attribute(name: str, description: str, **options: Any) -> Any:
    """The record's attribute of the field's own (Python) name."""
    declared = Attribute(name, frozenset((name,)))
    return strawberry.field(description=description, metadata={DECLARED: declared}, **options)


def fetched(name: str, description: str) -> Any:
    """The record's attribute, read in a call of its own where the record came without."""

    def resolver(self: Any, info: Info) -> Any:
        value = getattr(self, name)
        if value is not UNSET:
            return value
        fetch = functools.partial(_fetch, self, info.context)
        return needed_by(_field(info), fetch) if info.context.explained else fetch()

    async def _fetch(record: Any, context: RequestContext) -> Any:
        key = RecordKey(type_name(record), record.backend, record.native_id, frozenset((name,)))
        whole = await context.loaders.record.load(key)
        value = None if whole is None else getattr(whole, name)
        return None if value is UNSET else value

    declared = Attribute(name, frozenset((name,)), fetch=True)
    return strawberry.field(resolver=resolver, description=description, metadata={DECLARED: declared})


def raw_record() -> Any:
    """The vendor's own record."""

    def raw(self: Any, ask: Ask) -> Any:  # noqa: ARG001 - a key's signature
        return self

    description = "The vendor's record as it came; asked for only when selected."
    return load("raw", description, "raw", returns=Optional[JSON], scope=Scope.RAW)(raw)


def derived(
    description: str, *needs: str, scope: Scope | None = None, **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Declares ``function(record, context, **arguments)`` as the field's value; it needs these attributes."""

    def declare(function: Callable[..., Any]) -> Any:
        def guarded(self: Any, context: RequestContext, **arguments: Any) -> Any:
            require(context.principal, scope or Scope.READ)
            return function(self, context, **arguments)

        value = function if scope is None else guarded

        @functools.wraps(function)
        def resolver(self: Any, info: Info, **arguments: Any) -> Any:
            return value(self, info.context, **arguments)

        _set_signature(resolver, function, takes=2)
        declared = Derived(value, frozenset(needs), scope)
        return strawberry.field(resolver=resolver, description=description, metadata={DECLARED: declared}, **options)

    return declare


def load(
    loader: str, description: str, *needs: str, returns: Any, scope: Scope = Scope.READ, **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Declares ``function(record, ask, **arguments)`` as giving the key of a load; it needs these attributes.

    Whatever is loaded is read: it takes the scope of that, if no other.
    """

    def declare(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def key_of(self: Any, ask: Ask, **arguments: Any) -> Any:
            require(ask.context.principal, scope)
            return function(self, ask, **arguments)

        return _loaded(Load(loader, key_of, frozenset(needs), scope), function, description, returns, **options)

    return declare


def own_lists(description: str, *, returns: Any) -> Callable[[Callable[..., OwnLists]], Any]:
    """Declares ``function(None, ask, **arguments)`` as saying which lists of a customer's own the field is."""

    def declare(function: Callable[..., OwnLists]) -> Any:
        def lists(ask: Ask, **arguments: Any) -> OwnLists:
            require(ask.context.principal, Scope.READ)
            return function(None, ask, **arguments)

        def key_of(self: Any, ask: Ask, **arguments: Any) -> OwnList:
            return OwnList(self.backend, self.native_id, lists(ask, **arguments))

        declared = OwnLoad("connection", key_of, frozenset(), lists=lists)
        return _loaded(declared, function, description, returns)

    return declare


def _loaded(declared: Load, function: Callable[..., Any], description: str, returns: Any, **options: Any) -> Any:
    """The field of a load, with the arguments of this function."""

    @functools.wraps(function)
    def resolver(self: Any, info: Info, **arguments: Any) -> Any:
        key = declared.key(self, _ask(info), **arguments)
        if key is None:
            return None
        read = functools.partial(getattr(info.context.loaders, declared.loader).load, key)
        return needed_by(_field(info), read) if info.context.explained else read()

    _set_signature(resolver, function, takes=2, returns=returns)
    return strawberry.field(
        resolver=resolver, description=description, graphql_type=returns, metadata={DECLARED: declared}, **options
    )


def action(description: str, refused: Callable[..., Any], scope: Scope) -> Callable[[Callable[..., Any]], Any]:
    """Declares ``async function(None, ask, **arguments)`` as a mutation; a refusal is ``refused(problems=…)``.

    Nothing is done for who may not see what they ask of the answer.
    """

    def declare(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        async def run(self: Any, ask: Ask, **arguments: Any) -> Any:
            with auditing(ask.context.principal, _camel(function.__name__), arguments) as audit:
                try:
                    require(ask.context.principal, scope)
                    for given in arguments.values():
                        require_for_input(ask.context.principal, given)
                    _require_for_answer(ask, refused)
                    payload = await function(self, ask, **arguments)
                except ProblemError as error:
                    payload = refused(problems=[error.problem])
                except AdapterError as error:
                    payload = refused(problems=[failed(error)])
                except UnavailableError as error:
                    incident_of(error)
                    payload = refused(problems=[error.problem])
                audit.answered(payload)
                return payload

        @functools.wraps(function)
        async def resolver(self: Any, info: Info, **arguments: Any) -> Any:
            work = functools.partial(run, self, _ask(info), **arguments)
            return await (needed_by(_field(info), work) if info.context.explained else work())

        _set_signature(resolver, function, takes=2)
        return strawberry.mutation(resolver=resolver, description=description, metadata={DECLARED: Action(run, scope)})

    return declare


def _require_for_answer(ask: Ask, payload: Any) -> None:
    context = ask.context
    name = get_object_definition(payload, strict=True).name
    lacking = context.answer_scopes.lacking(ask.selection, name, context.principal.scopes)
    if lacking is not None:
        raise ProblemError(forbidden_answer(lacking))


def _ask(info: Info) -> Ask:
    """What this field is asked for; the same object for each record of a list.

    A field of a fragment is part of several fields where the fragment is spread beside others that select it too.
    """
    raw = info._raw_info  # noqa: SLF001 - strawberry's own reading of selections is slow
    selections = info.context.selections
    merged = tuple(map(id, raw.field_nodes))
    selection = selections.get(merged)
    if selection is None:
        applies = functools.partial(stands, variables=info.variable_values)
        selection = selections[merged] = Selection(raw.field_nodes, raw.fragments, info.context.needs, applies)
    return Ask(info.context, selection)


def _field(info: Info) -> str:
    """A field's response keys from the top, without the places in lists."""
    return ".".join(part for part in info.path.as_list() if isinstance(part, str))


def _set_signature(
    resolver: Callable[..., Any], function: Callable[..., Any], *, takes: int, returns: Any = inspect.Signature.empty
) -> None:
    """Shows strawberry the arguments that the query may give, and an ``info`` that the function itself never sees."""
    signature = inspect.signature(function)
    arguments = list(signature.parameters.values())[takes:]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [inspect.Parameter("self", kind), inspect.Parameter("info", kind, annotation=Info)]
    if returns is inspect.Signature.empty:
        returns = signature.return_annotation
    resolver.__signature__ = inspect.Signature([*own, *arguments], return_annotation=returns)  # type: ignore[attr-defined]
    resolver.__annotations__ = {p.name: p.annotation for p in arguments} | {"info": Info, "return": returns}


def followed(description: str, scope: Scope) -> Callable[[Callable[..., Any]], Any]:
    """Declares ``async function(self, info, **arguments)``, which yields, as a subscription."""

    def declare(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        async def resolver(self: Any, info: Info, **arguments: Any) -> Any:
            require(info.context.principal, scope)
            async with aclosing(function(self, info, **arguments)) as found:
                async for value in found:
                    if info.context.renewed is not None:  # it may be hours since it was asked who asks
                        require(await info.context.renewed(info.context.principal), scope)
                    yield value

        field: Any = strawberry.subscription
        return field(resolver=resolver, description=description, metadata={DECLARED: Followed(scope)})

    return declare


def field_needs(*types: type, scopes: frozenset[Scope] = EVERYTHING) -> FieldNeeds:
    """The table of what the fields of these types need, for a caller of these scopes: what it may not see, nothing."""
    table: dict[str, dict[str, frozenset[str]]] = {}
    for cls in types:
        definition = get_object_definition(cls, strict=True)
        fields: dict[str, frozenset[str]] = {}
        for field in definition.fields:
            declared = field.metadata.get(DECLARED)
            name = field.graphql_name or _camel(field.python_name)
            scope = getattr(declared, "scope", None)
            shown = declared is not None and (scope is None or scope in scopes)
            fields[name] = declared.needs if declared is not None and shown else frozenset()
        table[definition.name] = fields
    return table


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
