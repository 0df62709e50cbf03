"""The codes of errors are one closed set: nothing in the gateway makes one up."""

import re
from pathlib import Path

import pytest
import structlog
from graphql import GraphQLError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.public_codes import MEANINGS, PUBLIC_CODES, RequestCode
from gateway.schema.build import build_schema
from gateway.server.formatting import formatted_error

ROOT = Path(__file__).parents[2]
EXTENSIONS = st.none() | st.dictionaries(
    st.sampled_from(["code", "other"]), st.none() | st.integers() | st.text() | st.sampled_from([*PUBLIC_CODES])
)
CAUSES = st.sampled_from([None, RuntimeError("token=hunter2"), KeyError("x"), GraphQLError("inner")])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(extensions=EXTENSIONS, cause=CAUSES)
def test_whatever_goes_wrong_has_one_of_the_public_codes(
    extensions: dict[str, object] | None, cause: Exception | None
) -> None:
    with structlog.testing.capture_logs():
        shown = formatted_error(GraphQLError("Wrong.", extensions=extensions, original_error=cause))
    assert shown["extensions"]["code"] in PUBLIC_CODES


def test_no_code_is_written_out_but_where_they_all_are() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "gateway").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"""["']code["']: *["']|code=["']""", line)
    ]
    assert found == []


def test_every_code_of_a_request_has_its_meaning() -> None:
    assert MEANINGS.keys() == set(RequestCode)


def table() -> str:
    """The codes and what they mean, as the README shows them."""
    problems = build_schema().core.type_map["ProblemCode"].values.items()  # type: ignore[attr-defined]
    meanings = {str(code): meaning for code, meaning in MEANINGS.items()}
    meanings |= {name: value.description[0].lower() + value.description[1:].rstrip(".") for name, value in problems}
    rows = (f"| `{code}` | {meaning} |" for code, meaning in meanings.items())
    return "\n".join(["| code | means |", "| --- | --- |", *rows]) + "\n"


def test_the_readmes_table_is_the_codes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.split("<!-- error codes -->\n")[1].split("<!-- end of error codes -->")[0] == table()


@pytest.mark.parametrize("code", sorted(PUBLIC_CODES))
def test_a_code_is_its_own_name(code: str) -> None:
    assert str(code) == code == code.upper()
