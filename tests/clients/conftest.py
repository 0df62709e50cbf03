import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.end_to_end.stage import configured, emulators, id_of, served
from tests.patience import PATIENCE


@dataclass(frozen=True)
class Endpoint:
    """A gateway over the sample company on a real socket, for the clients of one test module; it may be changed."""

    url: str

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors, asked without any client."""
        body = {"query": query, "variables": variables}
        answer = httpx.post(self.url, json=body, trust_env=False, timeout=PATIENCE).json()
        assert "errors" not in answer
        return answer["data"]

    def dispatch(self) -> str:
        """The id of a run of statements that was just begun."""
        run = self.ask(
            "mutation ($to: [ID!]!) { emailStatements(input: {customers: $to, resend: true}) { dispatch { id } } }",
            to=[id_of("Customer", "kashflow", code) for code in (10001, 10003)],
        )
        dispatch: str = run["emailStatements"]["dispatch"]["id"]
        return dispatch

    def inputs(self, **others: Any) -> str:
        """What a script needs to know of the company, as JSON."""
        known = {
            "customer": id_of("Customer", "smallinvoice", 24101),
            "letter": id_of("Letter", "smallinvoice", 33906),
            "dispatch": self.dispatch(),
        }
        return json.dumps(known | others)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """A gateway of the module's own."""
    with emulators() as company, served(configured(company)) as url:
        yield Endpoint(f"{url}/graphql")
