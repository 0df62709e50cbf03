"""Executes operations by compiled plans, and leaves to graphql-core what is not compiled."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    get_variable_values,
)
from graphql.execution import ExperimentalIncrementalExecutionResults
from graphql.execution.values import VariableValues
from strawberry.types import ExecutionResult as StrawberryResult

from gateway.context import RequestContext
from gateway.documents.prepared import PreparedOperation
from gateway.engine.collect import condition_variables
from gateway.engine.fallback import NotCompiledError, Reason
from gateway.engine.generate import Generated, generate
from gateway.engine.kinds import Kinds
from gateway.engine.plan import Plan, Planner
from gateway.engine.run import run
from gateway.problems import public_error
from gateway.schema.execution import PublicSchema, SchemaExecutor, public_request_error

__all__ = ["Compiled", "CompiledExecutor", "EngineWatch"]

MOST_VARIANTS: Final = 16
"""Plans of one operation, one for each combination of its conditions: the first to be asked have theirs, and any other
is left to graphql-core. So nobody can have plans compiled, or kept, without end."""

MOST_COERCION_ERRORS: Final = 50
"""As graphql-core has it."""

_NO_VARIABLES: Final = VariableValues({}, {})


class EngineWatch(Protocol):
    """Who is told how operations are executed."""

    def planned(self, *, known: bool) -> None:
        """An operation is executed by a plan, one that was known or a new one."""

    def fell_back(self, reason: str) -> None:
        """An operation is left to graphql-core."""


@dataclass(slots=True)
class Compiled:
    """A plan and its functions."""

    plan: Plan
    functions: Generated


@dataclass(slots=True)
class _Variants:
    """What was made of one operation: the variables of its conditions, and a plan for each of their values."""

    conditions: tuple[str, ...]
    refused: Reason | None = None
    plans: dict[tuple[bool, ...], Compiled] = field(default_factory=dict)


class CompiledExecutor:
    """Executes the operations of one schema: by compiled plans, or on graphql-core where one is not compiled."""

    def __init__(self, schema: PublicSchema, watch: EngineWatch) -> None:
        self._schema = schema
        self._watch = watch
        self._kinds = Kinds(schema.core)
        self._interpreter = SchemaExecutor(schema)

    async def execute(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> ExecutionResult | StrawberryResult | ExperimentalIncrementalExecutionResults:
        """Executes a query or a mutation with the variables as they came."""
        coerced = self._coerced(operation.node, variables)
        if isinstance(coerced, list):
            context.failed = True
            return ExecutionResult(None, [public_request_error(error) for error in coerced])
        try:
            compiled = self._compiled(operation, coerced)
            return await run(compiled.plan, compiled.functions, self._kinds, coerced, context)
        except NotCompiledError as refusal:
            self._watch.fell_back(refusal.reason.value)
        except Exception as error:  # noqa: BLE001 - what no field has failed with is the whole answer's failure
            context.failed = True
            return ExecutionResult(None, [public_error(error)])
        return await self._interpreter.execute(operation, variables, context)

    async def subscribe(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> AsyncGenerator[ExecutionResult | StrawberryResult, None]:
        """Begins a subscription, on graphql-core."""
        self._watch.fell_back(Reason.SUBSCRIPTION.value)
        return await self._interpreter.subscribe(operation, variables, context)

    def explained(self, operation: PreparedOperation, variables: Mapping[str, Any]) -> Compiled:
        """What an operation is compiled to, for these values of its conditions' variables; for true where left out.

        Raises:
            NotCompiledError: something in it is not compiled.
        """
        variants = _variants_of(operation)
        if variants.refused is not None:
            raise NotCompiledError(variants.refused)
        return self.compile(operation, {name: bool(variables.get(name, True)) for name in variants.conditions})

    def compile(self, operation: PreparedOperation, conditions: Mapping[str, bool]) -> Compiled:
        """The operation's plan and functions for these values of its conditions.

        Raises:
            NotCompiledError: something in it is not compiled.
        """
        planner = Planner(self._schema, operation.document.fragments, conditions)
        plan = planner.plan(operation.node)
        return Compiled(plan, generate(plan, self._kinds))

    def _coerced(
        self, node: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> VariableValues | list[GraphQLError]:
        if not node.variable_definitions:
            return _NO_VARIABLES
        given = dict(variables or {})
        return get_variable_values(self._schema.core, node.variable_definitions, given, max_errors=MOST_COERCION_ERRORS)

    def _compiled(self, operation: PreparedOperation, variables: VariableValues) -> Compiled:
        variants = operation.plan
        if variants is None:
            variants = operation.plan = _variants_of(operation)
        if variants.refused is not None:
            raise NotCompiledError(variants.refused)
        values = tuple(_condition(variables, name) for name in variants.conditions)
        compiled = variants.plans.get(values)
        self._watch.planned(known=compiled is not None)
        if compiled is None:
            compiled = self._compile_variant(operation, variants, values)
        return compiled  # type: ignore[no-any-return]

    def _compile_variant(self, operation: PreparedOperation, variants: _Variants, values: tuple[bool, ...]) -> Compiled:
        if len(variants.plans) >= MOST_VARIANTS:
            raise NotCompiledError(Reason.VARIANTS)
        try:
            compiled = self.compile(operation, dict(zip(variants.conditions, values, strict=True)))
        except NotCompiledError as refusal:
            variants.refused = refusal.reason
            raise
        variants.plans[values] = compiled
        return compiled


def _variants_of(operation: PreparedOperation) -> _Variants:
    if operation.in_parts:
        return _Variants((), Reason.INCREMENTAL)
    return _Variants(condition_variables(operation.node, operation.document.fragments))


def _condition(variables: VariableValues, name: str) -> bool:
    value = variables.coerced.get(name)
    if not isinstance(value, bool):
        raise NotCompiledError(Reason.CONDITION)
    return value
