"""What a fake backend was asked, and how it is told to answer."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.contract import Evidence, Outcome
from adapters.errors import AdapterError
from adapters.freshness import is_reading_fresh
from adapters.wire import FileStream


@dataclass(frozen=True)
class Call:
    """One call of a verb: what it was asked for."""

    verb: str
    keys: tuple[str, ...] = ()
    wanted: frozenset[str] = frozenset()
    request: Any = None
    positions: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = field(default_factory=is_reading_fresh)


class Gate:
    """Holds a verb's calls: ``begun`` once one has begun, let go by ``release``."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()


@dataclass
class Behaviour:
    """What a backend was asked, and how it is to answer."""

    calls: list[Call] = field(default_factory=list)
    gates: dict[str, Gate] = field(default_factory=dict)
    failures: dict[str, list[Exception | None]] = field(default_factory=lambda: defaultdict(list))
    """Per verb, what the next calls raise; None lets one through."""
    lasting: dict[str, Exception] = field(default_factory=dict)
    """Per verb, what every call raises."""
    of_key: dict[tuple[str, str], AdapterError] = field(default_factory=dict)
    """Per verb and key, the error that stands in that key's place."""
    outcomes: list[Sequence[Outcome] | Exception] = field(default_factory=list)
    """What performing the next calls answers; DONE where nothing is said."""
    performed: list[tuple[str, ...]] = field(default_factory=list)
    """The targets of every call that was performed to its end."""
    prepared: list[tuple[str, Any, str | None]] = field(default_factory=list)
    """Verb, request and idempotency key of every call that was prepared."""
    evidence: dict[str, Evidence | Exception] = field(default_factory=dict)
    files: dict[str, FileStream | Exception] = field(default_factory=dict)
    takes: float = 0
    """How long every call takes, in seconds of the event loop."""

    async def called(self, call: Call) -> None:
        """Notes a call, waits at its gate, and raises what is planned for it."""
        self.calls.append(call)
        gate = self.gates.get(call.verb)
        if gate is not None:
            gate.begun.set()
            await gate.release.wait()
        if self.takes:
            await asyncio.sleep(self.takes)
        planned = self.failures[call.verb].pop(0) if self.failures[call.verb] else self.lasting.get(call.verb)
        if planned is not None:
            raise planned

    def hold(self, verb: str) -> Gate:
        """A gate that holds all calls of a verb."""
        gate = self.gates[verb] = Gate()
        return gate

    def verbs(self) -> list[str]:
        """The verbs that were called, in order."""
        return [call.verb for call in self.calls]

    def of(self, verb: str) -> list[Call]:
        """The calls of one verb."""
        return [call for call in self.calls if call.verb == verb]
