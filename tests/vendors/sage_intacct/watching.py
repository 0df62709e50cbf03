"""What reaches the emulator while a test asks."""

import json
from typing import Any

from tests.connecting import RunningSandbox

__all__ = ["OBJECTS", "QUERY", "Watch"]

QUERY = "/ia/api/v1/services/core/query"
OBJECTS = "/ia/api/v1/objects/"


class Watch:
    """What reaches the emulator from now on."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self._sandbox = sandbox
        self._since = sandbox.count()

    @property
    def lines(self) -> list[str]:
        return [f"{one['method']} {one['raw_path']}{one['query']}" for one in self._sandbox.journal(self._since)]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(one["body"]) for one in self._sandbox.journal(self._since)]

    @property
    def headers(self) -> list[dict[str, str]]:
        return [dict(one["headers"]) for one in self._sandbox.journal(self._since)]
