"""Global ids are opaque, stable, and never a way to ask a vendor for anything but a record."""

import base64
import re
import string
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.model import Customer
from adapters.wire import Wire, WireRequest
from gateway.ids import MAX_ID_LENGTH, InvalidId, Ref, decode, encode
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import RECORD_TYPES, Fake, fake
from tests.gateway.records import customer
from tests.gateway.shelves import Shelf

PROPERTY = settings(max_examples=100, deadline=None)
HOSTILE = (
    "../customers/1",
    "1?x=2",
    "%2e%2e",
    "a b",
    "..",
    ".",
    "",
    "1#x",
    "1/2",
    "1\\2",
    "1\n2",
    "\x00",
    "9" * 10_000,
)
NATIVE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=256)
BY_NATIVE_ID = 'query($id: String!) { customer(by: {nativeId: {backend: "a", nativeId: $id}}) { name } }'
BY_ID = "query($id: ID!) { customer(by: {id: $id}) { name } node(id: $id) { id } }"
ALPHABET = string.ascii_letters + string.digits + "-_"


@PROPERTY
@given(st.sampled_from(RECORD_TYPES), st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True), NATIVE)
def test_what_is_encoded_is_decoded(type_name: str, backend: str, native_id: str) -> None:
    assert decode(encode(type_name, backend, native_id)) == Ref(type_name, backend, native_id)


def test_the_longest_native_id_that_reaches_a_vendor_fits() -> None:
    longest = "\N{GRINNING FACE}" * 256
    assert decode(encode("CustomerEmailTemplate", "b" * 60, longest)).native_id == longest


@PROPERTY
@given(st.text(max_size=60))
def test_a_text_is_an_id_only_when_it_is_the_encoding_of_what_it_decodes_to(text: str) -> None:
    try:
        ref = decode(text)
    except InvalidId:
        return
    assert encode(ref.type, ref.backend, ref.native_id) == text


@PROPERTY
@given(NATIVE, st.data())
def test_an_altered_id_is_never_the_same_record(native_id: str, draw: st.DataObject) -> None:
    made = encode("Customer", "a", native_id)
    place = draw.draw(st.integers(0, len(made) - 1))
    other = draw.draw(st.sampled_from([letter for letter in ALPHABET if letter != made[place]]))
    altered = made[:place] + other + made[place + 1 :]
    try:
        ref = decode(altered)
    except InvalidId:
        return
    assert ref != Ref("Customer", "a", native_id)


def standard(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(gid("Customer", "a", "1") + "=", id="padded"),
        pytest.param(" " + gid("Customer", "a", "1"), id="space before"),
        pytest.param(gid("Customer", "a", "1") + "\n", id="newline after"),
        pytest.param("A" * (MAX_ID_LENGTH + 4), id="oversize"),
        pytest.param(gid("Customer", "a", "1" * MAX_ID_LENGTH), id="oversize though well formed"),
        pytest.param("Q3VzdG9tZXI6YTox", id="control: this one is canonical"),
        pytest.param("Q3VzdG9tZXI6YToxMj", id="bits beyond the last byte"),
        pytest.param(standard("Customer:a:ü>"), id="standard alphabet"),
        pytest.param(standard("Customer:a").rstrip("="), id="two parts"),
        pytest.param(standard("Customer::1").rstrip("="), id="control: a backend may be empty"),
        pytest.param(standard(":a:1").rstrip("="), id="no type"),
        pytest.param(standard("Customer:a:").rstrip("="), id="no native id"),
        pytest.param(base64.urlsafe_b64encode(b"Customer:a:\xff").decode().rstrip("="), id="not UTF-8"),
        pytest.param("Kundë", id="not ASCII"),
    ],
)
def test_only_canonical_ids_are_decoded(value: str, request: pytest.FixtureRequest) -> None:
    if "control" in request.node.callspec.id:
        assert decode(value).type == "Customer"
        return
    with pytest.raises(InvalidId):
        decode(value)


def one_customer(**options: Any) -> Fake:
    return fake("a", customers=[customer("a", "1")], letters=[], **options)


@pytest.mark.parametrize(
    "value",
    [
        gid("Letter", "a", "1"),
        gid("Customer", "b", "1"),
        gid("Customer", "a", "1?x=2"),
        gid("Backend", "b", "b"),
        gid("Dispatch", "-", "1"),
        gid("Nonsense", "a", "1"),
        "not an id",
        "",
        *(gid("Customer", "a", native_id) for native_id in HOSTILE),
    ],
)
async def test_what_is_no_customers_id_here_is_null_and_makes_no_call(value: str) -> None:
    a = one_customer()
    found = await data(gateway_over(a), "query($id: ID!) { customer(by: {id: $id}) { name } }", id=value)
    assert (found, a.behaviour.calls) == ({"customer": None}, [])


@pytest.mark.parametrize("native_id", HOSTILE)
async def test_a_native_id_that_the_vendor_cannot_have_makes_no_call(native_id: str) -> None:
    a = one_customer()
    found = await data(gateway_over(a), BY_NATIVE_ID, id=native_id)
    assert (found, a.behaviour.calls) == ({"customer": None}, [])


async def test_an_id_finds_its_record_again() -> None:
    a = one_customer()
    gateway = gateway_over(a)
    known = (await data(gateway, "{ customers { nodes { id } } }"))["customers"]["nodes"][0]["id"]
    found = await data(gateway, BY_ID, id=known)
    assert found == {"customer": {"name": "Company 1"}, "node": {"id": known}}


class WiredCustomers(Shelf[Customer]):
    """Customers that are asked for over HTTP, their native id being a segment of the path."""

    def __init__(self, paths: list[bytes]) -> None:
        def handle(request: httpx.Request) -> httpx.Response:
            paths.append(request.url.raw_path)
            return httpx.Response(404)

        self._wire = Wire(backend="a", base_url="http://127.0.0.1/api", transport=httpx.MockTransport(handle))

    async def by_key(self, keys: Any, wanted: frozenset[str]) -> dict[str, Any]:
        for key in keys:
            path = ("customers", key)
            await self._wire.send(WireRequest(operation="customer.get", method="GET", path=path, wanted=wanted))
        return dict.fromkeys(keys)


@pytest.mark.parametrize("native_id", HOSTILE)
async def test_no_native_id_changes_the_path_even_where_a_vendor_allows_any(native_id: str) -> None:
    paths: list[bytes] = []
    a = one_customer(native_ids=re.compile(r"[\s\S]*"))
    object.__setattr__(a.backend.adapter, "customers", WiredCustomers(paths))
    answered = await answer(gateway_over(a), BY_NATIVE_ID, id=native_id)
    assert answered.data == {"customer": None}
    assert all(re.fullmatch(rb"/api/customers/[A-Za-z0-9_.~%-]+", path) for path in paths)
    assert not any(path.endswith((b"/.", b"/..")) for path in paths)


async def test_the_wire_is_reached_by_an_ordinary_native_id() -> None:
    paths: list[bytes] = []
    a = one_customer(native_ids=re.compile(r"[\s\S]*"))
    object.__setattr__(a.backend.adapter, "customers", WiredCustomers(paths))
    await answer(gateway_over(a), BY_NATIVE_ID, id="1?x=2")
    assert paths == [b"/api/customers/1%3Fx%3D2"]
