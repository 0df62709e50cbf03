"""Executes operations by compiled plans, and leaves to graphql-core what is not compiled."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from graphql import ExecutionResult, GraphQLError
from graphql.execution import ExperimentalIncrementalExecutionResults
from graphql.execution.values import VariableValues
from strawberry.types import ExecutionResult as StrawberryResult

from gateway.context import RequestContext
from gateway.documents.prepared import PreparedOperation
from gateway.engine.collect import condition_variables
from gateway.engine.converting import Converters
from gateway.engine.fallback import NotCompiledError, Reason
from gateway.engine.generate import Generated, generate
from gateway.engine.kinds import Kinds
from gateway.engine.plan import Plan, Planner
from gateway.engine.run import Run
from gateway.engine.variables import Variables
from gateway.problems import public_error
from gateway.schema.execution import PublicSchema, SchemaExecutor, public_request_error

__all__ = ["Compiled", "CompiledExecutor", "EngineWatch"]

MOST_VARIANTS: Final = 16
"""Plans of one operation, one for each combination of its conditions: the first to be asked have theirs, and any other
is left to graphql-core. So nobody can have plans compiled, or kept, without end."""


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
    """What was made of one operation: how its variables are read, and a plan for each value of its conditions."""

    variables: Variables
    conditions: tuple[str, ...]
    refused: Reason | None = None
    plans: dict[tuple[bool, ...], Compiled] = field(default_factory=dict)


class CompiledExecutor:
    """Executes the operations of one schema: by compiled plans, or on graphql-core where one is not compiled.

    With ``suggesting``, errors of variables say what was perhaps meant, and so what there is.
    """

    def __init__(self, schema: PublicSchema, watch: EngineWatch, *, suggesting: bool = False) -> None:
        self._schema = schema
        self._suggesting = suggesting
        self._watch = watch
        self._kinds = Kinds(schema.core)
        self._converters = Converters(schema)
        self._interpreter = SchemaExecutor(schema)

    async def execute(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> ExecutionResult | StrawberryResult | ExperimentalIncrementalExecutionResults:
        """Executes a query or a mutation with the variables as they came."""
        variants = self._variants(operation)
        coerced = variants.variables.coerced(variables)
        if isinstance(coerced, list):
            return _refused(coerced, context)
        try:
            compiled = self._compiled(operation, variants, coerced)
            return await Run(compiled.plan, compiled.functions, self._kinds, coerced, context).result()
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
        coerced = self._variants(operation).variables.coerced(variables)
        if isinstance(coerced, list):
            return _only(_refused(coerced, context))
        self._watch.fell_back(Reason.SUBSCRIPTION.value)
        return await self._interpreter.subscribe(operation, variables, context)

    def explained(self, operation: PreparedOperation, variables: Mapping[str, Any]) -> Compiled:
        """What an operation is compiled to, for these values of its conditions' variables; for true where left out.

        Raises:
            NotCompiledError: something in it is not compiled.
        """
        variants = self._variants_of(operation)
        if variants.refused is not None:
            raise NotCompiledError(variants.refused)
        return self.compile(operation, {name: bool(variables.get(name, True)) for name in variants.conditions})

    def compile(self, operation: PreparedOperation, conditions: Mapping[str, bool]) -> Compiled:
        """The operation's plan and functions for these values of its conditions.

        Raises:
            NotCompiledError: something in it is not compiled.
        """
        planner = Planner(self._schema, operation.document.fragments, conditions, self._converters)
        plan = planner.plan(operation.node)
        return Compiled(plan, generate(plan, self._kinds))

    def _variants(self, operation: PreparedOperation) -> _Variants:
        known: _Variants | None = operation.plan
        if known is None:
            known = operation.plan = self._variants_of(operation)
        return known

    def _variants_of(self, operation: PreparedOperation) -> _Variants:
        variables = Variables(self._schema.core, operation.node, suggesting=self._suggesting)
        if operation.in_parts:
            return _Variants(variables, (), Reason.INCREMENTAL)
        return _Variants(variables, condition_variables(operation.node, operation.document.fragments))

    def _compiled(self, operation: PreparedOperation, variants: _Variants, variables: VariableValues) -> Compiled:
        if variants.refused is not None:
            raise NotCompiledError(variants.refused)
        conditions = variants.conditions
        values = tuple([_condition(variables, name) for name in conditions]) if conditions else ()
        compiled = variants.plans.get(values)
        self._watch.planned(known=compiled is not None)
        if compiled is None:
            compiled = self._compile_variant(operation, variants, values)
        return compiled

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


def _condition(variables: VariableValues, name: str) -> bool:
    value = variables.coerced.get(name)
    if not isinstance(value, bool):
        raise NotCompiledError(Reason.CONDITION)
    return value


def _refused(errors: list[GraphQLError], context: RequestContext) -> ExecutionResult:
    """Nothing was executed, for what is wrong with the variables."""
    context.failed = True
    return ExecutionResult(None, [public_request_error(error) for error in errors])


async def _only(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result
