"""Several accounts at one vendor: each its own backend, its own session, its own records, never mixed."""

import dataclasses

import pytest

from adapters.contract import Vendor
from gateway.app import running_gateway
from gateway.context import Principal
from tests.dispatching import InlineEngine
from tests.end_to_end.stage import NOW, VENDORS, Stage, configured, emulators, id_of

NAMES = sorted(VENDORS)


@pytest.mark.parametrize("name", NAMES)
async def test_two_backends_of_one_vendor_are_never_mixed(name: str) -> None:
    vendor: Vendor = VENDORS[name]
    with emulators(name) as company, emulators(name, seed="examples") as examples:
        settings = [configured(server) for server in (company, examples)]
        (first,), (second,) = (one.backends for one in settings)
        both = dataclasses.replace(
            settings[0],
            backends=(
                dataclasses.replace(first, key="company", shares_codes=None),
                dataclasses.replace(second, key="examples", shares_codes=None),
            ),
        )
        async with running_gateway(both, lambda: NOW, InlineEngine) as gateway:
            stage = Stage(gateway, {"company": company.sandboxes[name], "examples": examples.sandboxes[name]})
            data = await stage.data(
                "{ all: customers(first: 500) { nodes { id code nativeId backend { key vendor } counterparts { id } } }"
                ' one: customers(first: 500, backends: ["examples"]) { nodes { id code } } }'
            )
            visible = await gateway.operations.execute(
                "{ customers(first: 500) { nodes { backend { key } } } backends { key } }",
                None,
                gateway.context(Principal(id="someone", backends=frozenset({"examples"}))),
            )
            native = data["one"]["nodes"][0]["code"]
            own = await stage.ask(
                "query ($id: ID!) { node(id: $id) { ... on Customer { code backend { key } } } }",
                id=data["one"]["nodes"][0]["id"],
            )

    by_backend = {
        key: [n for n in data["all"]["nodes"] if n["backend"]["key"] == key] for key in ("company", "examples")
    }
    assert len(by_backend["company"]) >= 240
    assert 0 < len(by_backend["examples"]) < 20
    assert {node["backend"]["vendor"] for node in data["all"]["nodes"]} == {vendor.name}
    assert [node["id"] for node in by_backend["examples"]] == [node["id"] for node in data["one"]["nodes"]]
    assert [node["id"] for node in by_backend["examples"]] == [
        id_of("Customer", "examples", node["nativeId"]) for node in by_backend["examples"]
    ]
    assert not {n["code"] for n in by_backend["company"]} & {n["code"] for n in by_backend["examples"]}
    assert all(node["counterparts"] == [] for node in data["all"]["nodes"] if node["code"])
    assert own.data["node"] == {"code": native, "backend": {"key": "examples"}}
    assert set(own.counts) <= {"examples"}
    assert visible.errors is None
    assert (visible.data or {})["backends"] == [{"key": "examples"}]
    assert {node["backend"]["key"] for node in (visible.data or {})["customers"]["nodes"]} == {"examples"}
