"""The database is lost at a COMMIT: nobody can say whether it was heard, and nothing is sent or denied on a guess."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.faults.commit_proxy import CommitProxy, commit_proxy
from tests.faults.conftest import Judge
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import EMAILS, Vendors, letter_ids, running_vendors
from tests.faults.waiting import until

WHOLE = pytest.mark.whole
BEGIN = b"INSERT INTO items"
CLAIM = b"WITH following"
SETTLE = b"RETURNING items.number, items.attempt, items.dispatch_id"
HEARD = {False: "before", True: "after"}


class Stage(Struct, frozen=True):
    """A gateway whose PostgreSQL is behind a proxy."""

    process: GatewayProcess
    proxy: CommitProxy
    vendors: Vendors

    def mailed(self, document: str) -> "Told":
        """The state and the problems that an e-mail is answered with."""
        payload = self.process.send("emailDocument", {"document": document})
        return payload["dispatch"] and payload["dispatch"]["state"], [one["code"] for one in payload["problems"]]


@pytest.fixture
def stage(postgresql_url: str, tmp_path: Path) -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        vendors = stack.enter_context(running_vendors("letters"))
        proxy = stack.enter_context(commit_proxy(postgresql_url))
        configuration = vendors.write_configuration(
            tmp_path / "postroom.toml",
            proxy.url(),
            timeout=5,
            limits={"concurrency": 1},
            lease_margin_seconds=10,
            sweep_seconds=1,
            dead_after_seconds=60,
        )
        yield Stage(stack.enter_context(gateway(configuration)), proxy, vendors)


Told = tuple[object, list[str]]
REFUSED: Told = (None, ["UNAVAILABLE"])
SENT: Told = ("SUCCEEDED", [])
NOT_WRITTEN: Told = ("RUNNING", ["OUTCOME_UNKNOWN"])


@pytest.mark.parametrize(
    ("heard", "stay_away", "told", "again"),
    [
        pytest.param(False, False, REFUSED, SENT, marks=WHOLE),
        pytest.param(True, False, SENT, (None, ["ALREADY_SENT"]), marks=WHOLE),
        pytest.param(False, True, REFUSED, SENT, marks=WHOLE),
        (True, True, REFUSED, SENT),
    ],
)
def test_a_claim_whose_commit_is_lost_is_sent_only_when_it_is_known_to_be_written(
    heard: bool,
    stay_away: bool,
    told: Told,
    again: Told,
    stage: Stage,
    postgresql_url: str,
    judge: Judge,
) -> None:
    (document,) = letter_ids(["letters"], 1)
    stage.proxy.cut_at(BEGIN, heard=heard, stay_away=stay_away)
    assert stage.mailed(document) == told
    assert stage.vendors.requests(EMAILS) == (told == SENT)
    stage.proxy.back()
    if heard and stay_away:  # it was written, and is withdrawn: its caller was told that nothing was sent
        until(lambda: stage.process.newest()["state"] == "FAILED", lambda: f"{stage.process.newest()}")
    assert stage.mailed(document) == again
    how = "and all connections" if stay_away else "and one connection"
    judge(f"lost {HEARD[heard]} the COMMIT of a claim, {how}; PostgreSQL", postgresql_url, stage.vendors)
    assert stage.vendors.sent() == 1


@pytest.mark.parametrize(
    ("heard", "stay_away", "told"),
    [
        pytest.param(False, False, NOT_WRITTEN, marks=WHOLE),
        pytest.param(True, False, SENT, marks=WHOLE),
        (False, True, NOT_WRITTEN),
        pytest.param(True, True, NOT_WRITTEN, marks=WHOLE),
    ],
)
def test_an_outcome_whose_commit_is_lost_is_told_and_written_once_it_can_be(
    heard: bool, stay_away: bool, told: Told, stage: Stage, postgresql_url: str, judge: Judge
) -> None:
    (document,) = letter_ids(["letters"], 1)
    stage.proxy.cut_at(SETTLE, heard=heard, stay_away=stay_away)
    assert stage.mailed(document) == told
    stage.proxy.back()
    until(lambda: stage.process.newest()["state"] == "SUCCEEDED", lambda: f"{stage.process.newest()}")
    assert stage.mailed(document) == (None, ["ALREADY_SENT"])
    how = "and all connections" if stay_away else "and one connection"
    judge(f"lost {HEARD[heard]} the COMMIT of an outcome, {how}; PostgreSQL", postgresql_url, stage.vendors)


@pytest.mark.whole
@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize(("step", "about"), [("entry", BEGIN), ("claim", CLAIM), ("outcome", SETTLE)])
def test_a_run_goes_on_when_a_commit_of_it_was_lost(
    step: str, about: bytes, heard: bool, stage: Stage, postgresql_url: str, judge: Judge
) -> None:
    documents = letter_ids(["letters"], 6)
    stage.proxy.cut_at(about, heard=heard)
    run = stage.process.send("emailDocuments", {"documents": documents})
    if step == "entry" and not heard:
        assert [problem["code"] for problem in run["problems"]] == ["OUTCOME_UNKNOWN"]
        run = stage.process.send("emailDocuments", {"documents": documents})
    stage.proxy.struck()
    stage.process.ends(run["dispatch"]["id"])
    figures = judge(f"lost {HEARD[heard]} the COMMIT of a run's {step}; PostgreSQL", postgresql_url, stage.vendors)
    assert (figures.unknown, figures.sent) == (0, len(documents))
