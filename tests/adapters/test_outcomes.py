import pytest

from adapters.errors import AdapterError, InvalidInput, OutcomeUnknown, Unavailable
from adapters.writes import Outcomes, OutcomeState

TABLE = Outcomes(undone_statuses=frozenset({200, 400}), undone_codes=frozenset({"1"}), unsure_codes=frozenset({"2"}))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (InvalidInput("", status=400), OutcomeState.UNDONE),
        (InvalidInput("", status=400, vendor_code="2"), OutcomeState.UNKNOWN),
        (Unavailable("", status=500), OutcomeState.UNKNOWN),
        (Unavailable("", status=500, vendor_code="1"), OutcomeState.UNDONE),
        (Unavailable("", never_sent=True), OutcomeState.UNDONE),
        (OutcomeUnknown("", status=200), OutcomeState.UNKNOWN),
        (OutcomeUnknown("", status=500, vendor_code="1"), OutcomeState.UNKNOWN),
    ],
)
def test_a_write_is_undone_only_where_its_error_proves_it(error: AdapterError, state: OutcomeState) -> None:
    assert TABLE.of(error).state is state
