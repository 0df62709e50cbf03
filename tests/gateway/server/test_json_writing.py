"""Answers as JSON: days are written where they stand, by whichever writer the rest of the answer needs."""

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.json_writing import to_json

HUGE = 2**80
"""Beyond orjson."""


@given(day=st.dates(), beside=st.sampled_from([0, HUGE]))
def test_a_day_is_written_as_the_scalar_writes_it(day: datetime.date, beside: int) -> None:
    assert json.loads(to_json({"day": day, "beside": beside})) == {"day": day.isoformat(), "beside": beside}


def test_what_is_no_json_is_refused_beside_an_integer_beyond_orjson_too() -> None:
    with pytest.raises(TypeError):
        to_json({"beside": HUGE, "what": object()})
