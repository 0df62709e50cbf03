"""What a vendor's own status says was sent before, where the vendor's pages give a status that meaning.

It is read just before a send, as it is then, and only for sends to whom the vendor chooses: a status names no
addresses, and a send to others is another sending.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from adapters.contract import Documents, SendAction
from adapters.errors import AdapterError, UnsupportedByVendor
from adapters.freshness import reading_fresh
from gateway.backends import Backend
from gateway.dispatch.ledger import Intent
from gateway.dispatch.records import DispatchAction
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode, ProblemError, failed

__all__ = ["decides", "problems_before", "withheld"]

_WANTED = frozenset(("native_id", "vendor_status"))


def decides(backend: Backend, action: DispatchAction, recipients: Sequence[str] | None, *, resend: bool) -> bool:
    """Whether the vendor's status is asked before such a send."""
    return not resend and recipients is None and bool(_names(backend, action))


async def withheld(backend: Backend, action: DispatchAction, intent: Intent, *, resend: bool) -> Intent:
    """The intent, withheld where the vendor says that it was sent before, and else noted as not sent by its status.

    Raises the backend's problem when the status cannot be read: then nothing must be sent.
    """
    if not decides(backend, action, intent.recipients, resend=resend):
        return intent
    problem = (await problems_before(backend, action, [intent.target])).get(intent.target)
    if problem is not None and problem.code is not ProblemCode.ALREADY_SENT:
        raise ProblemError(problem)
    return replace(intent, withheld=problem, unsent=problem is None)


async def problems_before(backend: Backend, action: DispatchAction, targets: Sequence[Ref]) -> dict[Ref, Problem]:
    """Why documents must not be sent: ALREADY_SENT by the vendor's status, or the failure to read it.

    A document that the vendor does not know is left to the vendor to refuse.
    """
    kinds = dict.fromkeys(target.type for target in targets)
    mine = {kind: [target for target in targets if target.type == kind] for kind in kinds}
    read = await asyncio.gather(*(_of_kind(backend, action, kind, of_kind) for kind, of_kind in mine.items()))
    return {target: problem for found in read for target, problem in found.items()}


async def _of_kind(backend: Backend, action: DispatchAction, kind: str, targets: Sequence[Ref]) -> dict[Ref, Problem]:
    answers = await _read(backend, kind, [target.native_id for target in targets])
    problems: dict[Ref, Problem] = {}
    for target in targets:
        answer = answers[target.native_id]
        if isinstance(answer, AdapterError):
            problem = failed(answer, backend.key)
            message = f"Not sent, as its status at the vendor could not be read: {problem.message}"
            problems[target] = replace(problem, message=message, path=None)
        elif said := sorted(_names(backend, action).intersection(answer.vendor_status if answer else ())):
            message = f"Not sent: the vendor says {', '.join(said)} of it already. `resend` sends it again."
            problems[target] = Problem(code=ProblemCode.ALREADY_SENT, message=message, backend=backend.key)
    return problems


async def _read(backend: Backend, kind: str, native_ids: Sequence[str]) -> Mapping[str, Any]:
    parts: Mapping[str, Documents[Any] | None] = {
        "Correspondence": backend.adapter.correspondence,
        "Letter": backend.adapter.letters,
    }
    part = parts[kind]
    try:
        if part is None:
            raise UnsupportedByVendor("This backend shows no status of it.", backend=backend.key)
        with reading_fresh():
            return await part.by_key(native_ids, _WANTED)
    except AdapterError as error:
        return dict.fromkeys(native_ids, error)


def _names(backend: Backend, action: DispatchAction) -> frozenset[str]:
    return backend.vendor.sent_statuses.get(SendAction(action.value), frozenset())
