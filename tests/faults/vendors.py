"""The vendors' emulators in the tests' own process: they outlive every gateway, and their outboxes are the truth."""

import contextlib
import fnmatch
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.billing_platform.sandbox_records import CorrespondenceRow
from adapters.billing_platform.sandbox_seed import company_seed
from adapters.registry import load_vendors
from adapters.sandbox_company import company_customers
from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Fault, Mailing, SandboxOptions
from gateway.ids import encode

__all__ = ["EMAILS", "POSTED", "STATEMENTS", "Sent", "Vendors", "letter_ids", "running_vendors", "statement_ids"]

Sent = tuple[str, str]
"""One thing that left the house: the key of the backend, and the record's native id."""


EMAILS = "POST */correspondence/*"
STATEMENTS = "POST */bulk/email"
POSTED = "POST */letter/*/id/*"
"""The routes that send."""

_LIMITS = {
    "billing_platform": {"concurrency", "rate"},
    "kashflow": {"concurrency", "rate", "statement_batch"},
    "sage_intacct": {"concurrency", "rate"},
    "smallinvoice": {"concurrency", "rate"},
}
"""The limits that each vendor has."""


class Vendors:
    """Running emulators by backend key; the key's first word is the vendor."""

    def __init__(self, server: SandboxServer) -> None:
        self._server = server

    def fault(self, key: str, **members: Any) -> None:
        """Adds a fault at one emulator."""
        self._server.sandboxes[key].state.faults.append(Fault(**members))

    def faults(self, key: str) -> list[Fault]:
        """The faults that one emulator has not used up."""
        return list(self._server.sandboxes[key].state.faults)

    def mailings(self, key: str) -> list[Mailing]:
        """What left the house from one emulator."""
        return list(self._server.sandboxes[key].state.outbox)

    def slow(self, seconds: float, route: str) -> None:
        """Makes every request of this route take its time, at all emulators."""
        for sandbox in self._server.sandboxes.values():
            sandbox.state.faults.append(Fault(kind="latency", route=route, times=None, seconds=seconds))

    def heal(self) -> None:
        """Drops all faults."""
        for sandbox in self._server.sandboxes.values():
            sandbox.state.drop_faults()

    def outbox(self) -> Counter[Sent]:
        """How often each thing left the house."""
        return Counter(
            (key, mailing.record)
            for key, sandbox in self._server.sandboxes.items()
            for mailing in list(sandbox.state.outbox)
        )

    def sent(self) -> int:
        """How many things left the house."""
        return sum(len(sandbox.state.outbox) for sandbox in self._server.sandboxes.values())

    def requests(self, route: str) -> int:
        """How many requests of this route arrived."""
        return sum(
            fnmatch.fnmatchcase(f"{entry['method']} {entry['raw_path']}", route)
            for sandbox in self._server.sandboxes.values()
            for entry in sandbox.state.journal_since(0)
        )

    def unanswered(self, route: str) -> int:
        """How many requests of this route were dropped, or are still being worked on."""
        return sum(
            entry["status"] is None and fnmatch.fnmatchcase(f"{entry['method']} {entry['raw_path']}", route)
            for sandbox in self._server.sandboxes.values()
            for entry in sandbox.state.journal_since(0)
        )

    def load(self, key: str, *, within: float) -> tuple[int, int]:
        """The most requests that one emulator had under way at once, and that came within so many seconds."""
        state = self._server.sandboxes[key].state
        return state.most_at_once, state.most_within(within)

    def configuration(self, ledger: str, *, timeout: float, limits: Mapping[str, int | str], **times: int) -> str:
        """The gateway's configuration over these emulators, as TOML. ``times`` are the ledger's, in seconds."""
        lines = ["[server]", "port = 0", "[ledger]", f"url = {json.dumps(ledger)}"]
        lines += [f"{name} = {seconds}" for name, seconds in times.items()]
        for key, sandbox in self._server.sandboxes.items():
            lines += ["[[backends]]", f"key = {json.dumps(key)}", f"vendor = {json.dumps(vendor_of(key))}"]
            lines += [f"base_url = {json.dumps(self._server.base_url(key))}", f"timeout = {timeout}"]
            lines += ["[backends.credentials]"]
            lines += [f"{name} = {json.dumps(text)}" for name, text in sandbox.access.credentials.items()]
            lines += ["[backends.limits]"]
            lines += [f"{name} = {limit}" for name, limit in limits.items() if name in _LIMITS[vendor_of(key)]]
        return "\n".join(lines)

    def write_configuration(self, path: Path, ledger: str, **options: Any) -> Path:
        """The configuration in a file."""
        path.write_text(self.configuration(ledger, **options))
        return path


def vendor_of(key: str) -> str:
    """The vendor that a backend of these tests is at."""
    kinds = {
        "letters": "billing_platform",
        "statements": "kashflow",
        "objects": "sage_intacct",
        "post": "smallinvoice",
    }
    return kinds[key.partition("-")[0]]


@contextlib.contextmanager
def running_vendors(*keys: str) -> Iterator[Vendors]:
    """An emulator for each backend key, all with the same sample company."""
    known = load_vendors()
    sandboxes = {key: known[vendor_of(key)].build_sandbox(SandboxOptions()) for key in keys}
    with SandboxServer(sandboxes) as server:
        yield Vendors(server)


def letter_ids(keys: Sequence[str], count: int) -> list[str]:
    """The ids of so many letters that can go, shared out evenly among backends whose key begins with ``letters``.

    None of them is "Emailed" yet: what is, is not sent again.
    """
    seed = company_seed()
    reached = {row.id for row in seed.customers if "@" in row.email}  # an e-mail to nobody is UNKNOWN by the page
    native_ids = [str(row.id) for row in seed.correspondence if _may_go(row) and row.customer_id in reached]
    each, rest = divmod(count, len(keys))
    assert each + bool(rest) <= len(native_ids)
    return [
        encode("Correspondence", key, native_id)
        for place, key in enumerate(keys)
        for native_id in native_ids[: each + (place < rest)]
    ]


def _may_go(letter: CorrespondenceRow) -> bool:
    return letter.ready and not letter.emailed


def statement_ids(key: str, count: int) -> list[str]:
    """The ids of so many customers of a backend whose key begins with ``statements``."""
    return [encode("Customer", key, customer.code) for customer in company_customers()[:count]]
