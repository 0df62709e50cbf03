"""What can be followed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import strawberry

from gateway.context import RequestContext
from gateway.dispatch.loading import visible_keys
from gateway.principals import Scope
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.dispatch import Dispatch
from gateway.schema.fields import followed
from gateway.schema.query import dispatch_id

__all__ = ["Subscription"]

POLL_SECONDS = 0.25
"""How often the ledger is read. Another process may write it, so there is no queue to wait on; four times a second
looks alive to a person and is one small read for each who watches."""


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""

    @followed("A dispatch, now and whenever its counts change, until all is settled.", Scope.READ)
    async def dispatch_progress(
        self,
        info: strawberry.Info[RequestContext, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="The dispatch.")],
    ) -> AsyncIterator[Dispatch]:
        """A dispatch's progress."""
        context = info.context
        ledger_id = dispatch_id(id)
        seen: Any = None
        while True:
            found = None if ledger_id is None else await context.sending.ledger.get(ledger_id, visible_keys(context))
            if found is None:
                message = "No Dispatch has this id here."
                raise ProblemError(Problem(code=ProblemCode.NOT_FOUND, message=message, path=("id",)))
            if found.counts != seen:
                seen = found.counts
                context.forget()
                dispatch: Any = found
                yield dispatch
            if found.finished_at is not None:
                return
            await asyncio.sleep(POLL_SECONDS)
