"""W6: the customer page over all four vendors' emulators, by Postroom and by hand.

The emulators are as strict as the vendors' pages and not made for speed; of a page's time most is theirs. What counts
here is what the contender adds, and how often the vendors are asked.
"""

import http.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import orjson
from msgspec import Struct

from bench.contenders import HAND_WRITTEN, POSTROOM, Command, Contender, settings
from bench.processes import ROOT, Process, python
from bench.workloads import Question, Workload

__all__ = ["Sandboxes", "contenders", "workload"]

QUERY = ROOT / "examples" / "customer.graphql"
CODE = "10001"
"""The customer whom the example asks for."""

_LETTER = {
    "date": "2026-06-24",
    "title": "Opening hours over the holidays",
    "state": "SENT",
    "actions": ["EMAIL", "POST", "SET_STATUS"],
}
_CORRESPONDENCE = {"date": "2020-03-29", "type": "Welcome", "vendorStatus": ["Ready", "Emailed"]}
_MESSAGE = {"text": "Welcome to Northgate Supplies. We look forward to doing business with you."}
_PAGE = {
    "name": "Zephyr Furniture Ltd",
    "letters": {"nodes": [_LETTER]},
    "counterparts": [
        {
            "backend": {"key": "billing-platform"},
            "outstandingBalance": None,
            "correspondence": {"nodes": [_CORRESPONDENCE]},
            "message": None,
        },
        {
            "backend": {"key": "kashflow"},
            "outstandingBalance": "8193.11",
            "correspondence": {"nodes": []},
            "message": None,
        },
        {
            "backend": {"key": "sage-intacct"},
            "outstandingBalance": "8193.11",
            "correspondence": {"nodes": []},
            "message": _MESSAGE,
        },
    ],
}


class Sandboxes(Struct, frozen=True):
    """The emulators, in a process of their own, as ``postroom sandbox`` starts them."""

    process: Process
    access: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def command() -> list[str]:
        """What starts them."""
        return python("gateway", "sandbox", "--json")

    @classmethod
    def listening(cls, process: Process) -> Self:
        """They say where they listen, and whom they let in."""
        return cls(process, orjson.loads(process.line()))

    def calls(self) -> int:
        """How often they were asked, all four, since they began."""
        return sum(_asked(one["control_url"]) for one in self.access.values())


def _asked(control_url: str) -> int:
    url = urlsplit(control_url)
    connection = http.client.HTTPConnection(url.netloc)
    connection.request("GET", f"{url.path}journal?since={1 << 32}")  # how many there are, and none of them
    count: int = orjson.loads(connection.getresponse().read())["n"]
    connection.close()
    return count


def workload() -> Workload:
    """One client asks for the page again and again: what several ask at once could be shared."""
    text = QUERY.read_text(encoding="utf-8")
    document = text.replace("query CustomerPage {", "query W6($code: String!) {").replace(f'"{CODE}"', "$code")
    return Workload(
        name="W6",
        title="the customer page over all four vendors' emulators",
        document=document,
        questions=lambda _: [Question({"code": CODE}, {"customer": _PAGE})],
        connections=1,
        calls=7,
    )


def contenders(access: Mapping[str, Mapping[str, Any]]) -> list[Contender]:
    """Those who have a customer page over these emulators."""
    return [
        msgspec.structs.replace(POSTROOM, command=_postroom(access)),
        msgspec.structs.replace(HAND_WRITTEN, command=_by_hand(access)),
    ]


def _postroom(access: Mapping[str, Mapping[str, Any]]) -> Command:
    def command(folder: Path, port: int, _: Mapping[str, str]) -> list[str]:
        backends = [
            {
                "key": name.replace("_", "-"),
                "vendor": name,
                "base_url": one["base_url"],
                "credentials": one["credentials"],
                "shares_codes": "sandbox",
            }
            for name, one in access.items()
        ]
        return python("gateway", "serve", "--config", str(settings(folder, port, backends)))

    return command


def _by_hand(access: Mapping[str, Mapping[str, Any]]) -> Command:
    def command(folder: Path, port: int, _: Mapping[str, str]) -> list[str]:
        file = folder / "access.json"
        file.write_bytes(orjson.dumps(access))
        return python("bench.handwritten_page", str(port), str(file))

    return command
