"""The table of what each vendor can do, read off what its adapter offers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import httpx

from adapters.contract import Adapter, Connection, Vendor
from gateway.backends import Capability, capabilities_of

__all__ = ["capability_table"]

ANY_ADDRESS = "https://vendor.example.com"


class _NoNetwork(httpx.AsyncBaseTransport):
    """Refuses every call: an adapter is made, and not used."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise RuntimeError(f"an adapter called {request.method} while it was made")


def capability_table(vendors: Mapping[str, Vendor]) -> str:
    """The table as Markdown: a column for each vendor, a row for each capability, and the vendors' remarks below it."""
    adapters = {name: _unconnected(vendor) for name, vendor in vendors.items()}
    remarks = _Remarks(vendors)
    rows = [["", *(vendor.title + remarks.on(name, None) for name, vendor in vendors.items())]]
    for capability in Capability:
        cells = (_cell(capability, adapter, remarks.on(name, capability)) for name, adapter in adapters.items())
        rows.append([f"`{capability.value}`", *cells])
    return "\n".join([*_lines(rows), *remarks.lines()])


def _cell(capability: Capability, adapter: Adapter, marks: str) -> str:
    return f"yes{marks}" if capability in capabilities_of(adapter) else ""


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    ruled = [rows[0], ["-" * width for width in widths], *rows[1:]]
    for row in ruled:
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"


class _Remarks:
    """The vendors' remarks, numbered in the order in which the table refers to them."""

    def __init__(self, vendors: Mapping[str, Vendor]) -> None:
        self._vendors = vendors
        self._said: list[str] = []

    def on(self, vendor: str, capability: Capability | None) -> str:
        """The marks of a vendor's remarks on a capability; on what is none (None), on the vendor."""
        marks = []
        for part, text in self._vendors[vendor].notes.items():
            if _capability_of(part) is capability:
                about = "" if capability else f", {part}"
                sentence = f"{text[:1].upper()}{text[1:].removesuffix('.')}."
                self._said.append(f"{self._vendors[vendor].title}{about}: {sentence}")
                marks.append(f" ({len(self._said)})")
        return "".join(marks)

    def lines(self) -> Iterator[str]:
        """The remarks below the table."""
        if self._said:
            yield ""
        yield from (f"{number}. {text}" for number, text in enumerate(self._said, 1))


def _capability_of(part: str) -> Capability | None:
    """The capability that a part of an adapter is, if it is one."""
    alone: dict[str, Any] = {"perform": _unused, "check": _unused, part: _unused}
    return next(iter(capabilities_of(Adapter(**alone))), None)


def _unused(*_: object) -> NoReturn:
    raise NotImplementedError


def _unconnected(vendor: Vendor) -> Adapter:
    return vendor.connect(
        Connection(
            key="table",
            base_url=vendor.base_url or ANY_ADDRESS,
            transport=_NoNetwork(),
            settings=vendor.settings(),
            limits=vendor.limits,
            clock=lambda: datetime.now(UTC),
        )
    )
