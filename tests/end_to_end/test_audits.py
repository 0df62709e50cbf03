"""Every audit of a GraphQL over HTTP server that graphql-http has, what MUST, SHOULD and MAY be alike."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.end_to_end.stage import configured, emulators, served
from tests.node import run_script

AUDITS = re.findall(
    r"\w+",
    """
    22EB 4655 47DE 80D8 82A3 BF61 78D5 2C94 5A70 9C48 9ABE 03D4 A5BF 423L LKJ0 LKJ1 LKJ2 LKJ3 34A2 13EE 6C00 6C01 6C02
    6C03 8161 B8B3 94B0 0220 94B1 0221 94B2 0222 4760 4761 4762 4763 2EA1 28B9 D6D5 6A70 58B0 58B1 58B2 58B3 428F 1B7A
    B6DC BCF8 B7N8 8764 3E3A 572B FDE2 7B9B 865D 556A D586 51FE 74FF 5E5B 86EE
    """,
)


@pytest.fixture(scope="module")
def audited() -> Mapping[str, Any]:
    with emulators("smallinvoice") as server, served(configured(server)) as url:
        done = run_script("audits.mjs", f"{url}/graphql")
    assert done.stderr == ""
    return {one["id"]: one for one in map(json.loads, done.stdout.splitlines())}


def test_these_are_all_audits_that_there_are(audited: Mapping[str, Any]) -> None:
    assert list(audited) == AUDITS


@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_passes(audited: Mapping[str, Any], audit: str) -> None:
    assert (audited[audit]["status"], audited[audit]["reason"]) == ("ok", None), audited[audit]["name"]
