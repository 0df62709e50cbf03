"""Tailcall over the stand-in: its configuration, and how it must be asked where its language cannot say the same.

It answers what the others do with these differences, each because of what its directives cannot express:

* whose vendor is asked comes in a header, since what a query names is not seen two fields below;
* it chooses no route by an argument, so each vendor's list of customers is a field of its own, asked for by an alias;
* what the vendor has as a number, it answers as a number, though the schema said text: ids at the vendor of letters;
* it follows no pages, so it has no W8.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from bench.standin import TOKEN

__all__ = ["ENVIRONMENT", "FOLDER", "LACKS", "PACKAGE", "as_text", "command", "document", "headers"]

FOLDER = Path(__file__).parent / "npm-tailcall"
PACKAGE = "@tailcallhq/core-linux-x64-gnu"
LACKS = ("W8",)
ENVIRONMENT = {"TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error"}
"""It tells its maker nothing, and does not write a line for each request."""


def command(folder: Path, port: int, urls: Mapping[str, str]) -> list[str]:
    """Writes its configuration, and says how it is started with it."""
    vendors = urlsplit(next(iter(urls.values())))
    config = folder / "tailcall.graphql"
    text = Template((FOLDER / config.name).read_text(encoding="utf-8"))
    origin = f"{vendors.scheme}://{vendors.netloc}"
    config.write_text(text.substitute(LISTEN=port, VENDORS=origin, TOKEN=TOKEN), encoding="utf-8")
    return [str(FOLDER / "node_modules" / PACKAGE / "bin" / "tailcall"), "start", str(config)]


def document(text: str) -> str:
    """A workload's document, its list of customers asked for under the vendor's own name."""
    name = "billingCustomers" if "correspondence" in text else "letterCustomers"
    return re.sub(r"\bcustomers\(", f"customers: {name}(", text)


def headers(variables: Mapping[str, Any], places: Mapping[str, str]) -> dict[str, str]:
    """Whose vendor is asked."""
    return {"place": places[variables["backend"]]} if "backend" in variables else {}


def as_text(data: Any) -> Any:
    """An answer with its numbers as text. None of the workloads is answered with a number that is to be one."""
    if isinstance(data, dict):
        return {name: as_text(value) for name, value in data.items()}
    if isinstance(data, list):
        return [as_text(value) for value in data]
    return str(data) if isinstance(data, int) else data
