import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from gateway.app import Gateway
from gateway.auth.rates import LocalRates
from gateway.backends import Backends, Capability
from gateway.context import LOCAL, Principal
from gateway.dispatch.ledger import DispatchQuery, LedgerUnavailableError
from gateway.dispatch.records import Dispatch, DispatchAction, ItemState
from gateway.problems import Problem, ProblemCode
from gateway.server.authenticating import LocalAuthenticator
from gateway.server.capability_words import WORDS, said_of
from gateway.server.front_page import SHOWN, FrontPage
from gateway.upstream.health import HealthState
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import NOW, customer
from tests.gateway.serving import routes_of

HOSTILE = "<script>alert(1)</script>\"'&{0}%s"


class StandingLedger:
    """A ledger with these dispatches, or one that cannot be read (None); it remembers what it was asked."""

    def __init__(self, *dispatches: Dispatch, away: bool = False) -> None:
        self.dispatches = dispatches
        self.away = away
        self.asked: list[DispatchQuery] = []

    async def find(self, query: DispatchQuery) -> tuple[Dispatch, ...]:
        self.asked.append(query)
        if self.away:
            raise LedgerUnavailableError("the disk is full")
        return self.dispatches


def dispatch(**changes: object) -> Dispatch:
    usual = Dispatch(
        number=1,
        id="0" * 32,
        action=DispatchAction.EMAIL,
        backends=frozenset(("a",)),
        requested_by="local",
        requested_at=NOW,
        counts={ItemState.ACCEPTED: 40, ItemState.UNKNOWN: 2, ItemState.FAILED: 0},
        asked={},
    )
    return Dispatch(**{**{name: getattr(usual, name) for name in usual.__struct_fields__}, **changes})


async def page(
    ledger: StandingLedger | None = None,
    backends: Backends | None = None,
    principal: Principal | None = LOCAL,
    root: str = "",
) -> httpx.Response:
    async def caller(_: Request) -> Principal | None:
        return principal

    front = FrontPage(
        backends or Backends([fake("a").backend, fake("b").backend]),
        ledger or StandingLedger(),  # type: ignore[arg-type]
        caller,
        address="https://postroom.example/graphql",
        endpoint="/graphql",
        schema_path="/schema.graphql",
    )
    transport = httpx.ASGITransport(Starlette(routes=[front.route()]), root_path=root)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        return await client.get("/")


def text_of(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


class Elements(HTMLParser):
    """The names of all elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


async def test_a_dispatch_is_shown_with_its_counts_by_state_and_none_of_nothing() -> None:
    answer = text_of(await page(StandingLedger(dispatch())))

    assert f"{NOW:%Y-%m-%d %H:%M} UTC By e-mail a unknown 42: 40 accepted, 2 unknown" in answer


async def test_a_ledger_that_cannot_be_read_is_said_and_the_rest_is_shown() -> None:
    answer = text_of(await page(StandingLedger(away=True)))

    assert "The ledger cannot be read now" in answer
    assert "not asked yet" in answer


async def test_of_a_backend_that_is_down_it_says_why_and_since_when() -> None:
    down = fake("a").backend
    down.health.saw(HealthState.DOWN)
    answer = text_of(await page(backends=Backends([down])))

    assert f"down a The last call was not answered. Since {NOW:%Y-%m-%d %H:%M} UTC ." in answer


async def test_only_what_the_caller_may_see_is_shown_and_asked_for() -> None:
    ledger = StandingLedger()
    answer = text_of(await page(ledger, principal=Principal(id="p", backends=frozenset(("b",)))))

    assert [(query.visible, query.first) for query in ledger.asked] == [(frozenset(("b",)), SHOWN)]
    assert re.findall(r"not asked yet (\w)", answer) == ["b"]


async def test_who_is_not_known_learns_nothing_but_where_to_look() -> None:
    ledger = StandingLedger(dispatch())
    answer = await page(ledger, principal=None)

    assert ledger.asked == []
    assert "This gateway asks who you are" in answer.text
    assert [word for word in ("Fake", "not asked yet", "By e-mail", "accepted") if word in answer.text] == []
    assert re.findall(r'<a [^>]*href="([^"]+)"', answer.text) == ["/graphql", "/graphql#docs", "/readyz"]
    assert answer.headers["vary"] == "Authorization, Accept-Encoding"


async def test_hostile_names_are_text_and_nothing_else() -> None:
    backend = fake("a").backend
    hostile = replace(backend, key=HOSTILE, vendor=replace(backend.vendor, title=HOSTILE))
    hostile.health.saw(HealthState.DOWN)
    hostile.health.problem = Problem(code=ProblemCode.UNAVAILABLE, message=HOSTILE)
    ledger = StandingLedger(dispatch(backends=frozenset((HOSTILE,))))
    answer = await page(ledger, Backends([hostile]), root="/" + HOSTILE)

    assert {"script", "style", "iframe"}.isdisjoint(Elements(answer.text).names)
    assert html.unescape(answer.text).count(HOSTILE) >= 4
    assert "alert(1)</script>" not in answer.text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            (
                "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                "form-action 'none'"
            ),
        ),
    ],
)
async def test_the_page_says_how_it_is_to_be_treated(header: str, expected: str) -> None:
    assert expected == (await page()).headers[header]


async def test_behind_a_prefix_every_link_is_under_it() -> None:
    links = re.findall(r'(?:src|href)="([^"]+)"', (await page(root="/invoicing")).text)

    assert [link for link in links if not link.startswith("/invoicing/")] == []
    assert {"/invoicing/graphql", "/invoicing/metrics", "/invoicing/schema.graphql"} <= set(links)


def _gateway() -> Gateway:
    return gateway_over(fake("a", customers=[customer("a", "1")]))


async def test_every_link_of_the_page_leads_somewhere() -> None:
    transport = httpx.ASGITransport(Starlette(routes=routes_of(_gateway())))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        links = re.findall(r'(?:src|href)="([^"]+)"', (await client.get("/")).text)
        statuses = {link: (await client.get(link, headers={"Accept": "text/html"})).status_code for link in links}

    assert {link: status for link, status in statuses.items() if status != 200} == {}


async def test_the_schema_is_there_to_be_saved() -> None:
    gateway = _gateway()
    transport = httpx.ASGITransport(Starlette(routes=routes_of(gateway)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        answer = await client.get("/schema.graphql")

    assert answer.text == gateway.schema.as_str() + "\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="schema.graphql"'


def test_every_capability_has_words() -> None:
    assert set(WORDS) == set(Capability)


def test_what_is_said_is_grouped_and_in_one_order() -> None:
    offered = (Capability.EMAIL_DOCUMENT, Capability.READ_LETTERS, Capability.READ_CUSTOMERS)

    assert said_of(offered) == {"Reads": ["customers", "letters"], "Sends": ["documents by e-mail"]}


@pytest.mark.parametrize("path", ["/", "/schema.graphql", "/metrics"])
async def test_what_costs_something_counts_among_what_its_caller_asks(path: str) -> None:
    gateway = gateway_over(fake("a"))
    gateway.authenticator = LocalAuthenticator(LocalRates(per_minute=2))
    transport = httpx.ASGITransport(Starlette(routes=routes_of(gateway)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        answers = [await client.get(path) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "30"
