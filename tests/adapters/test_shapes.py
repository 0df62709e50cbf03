"""Shapes: what plain values become, and what is said of those that will not do."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from adapters.shapes import Check, Refusal, RefusedError, SecretStr, Shape, members_of


def _is_even(number: int) -> None:
    if number % 2:
        raise ValueError("is odd")


class Whole(Shape, frozen=True, kw_only=True):
    password: SecretStr
    number: Annotated[int, Meta(ge=2, description="a whole number from 2", examples=[4]), Check(_is_even)] | None = None
    plain: Annotated[int, Meta(ge=1)] = 1
    seconds: float = 1.5
    mode: Literal["on", "off"] = "on"
    level: Literal[1, 2] | None = None
    path: Path | None = None
    names: list[Annotated[str, Meta(pattern=r"^[a-z]+\Z")]] | None = None


class Around(Shape, frozen=True, kw_only=True):
    inner: Whole


class Together(Shape, frozen=True, kw_only=True):
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError("first is after last")


def refused(**given: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(RefusedError) as error:
        Whole.of({"password": "t0psecret"} | given)
    assert "t0psecret" not in str(error.value)
    return [(refusal.field, refusal.kind, refusal.text) for refusal in error.value.refusals]


def test_plain_values_become_what_the_types_say() -> None:
    given = {"password": "t0psecret", "number": 4, "seconds": 2, "path": "a/b", "names": ["x"]}
    expected = Whole(password=SecretStr("t0psecret"), number=4, seconds=2.0, path=Path("a/b"), names=["x"])
    assert Whole.of(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"number": 1}, ("number", "wrong", "must be a whole number from 2")),
        ({"number": True}, ("number", "wrong", "must be a whole number from 2")),
        ({"number": 4.0}, ("number", "wrong", "must be a whole number from 2")),
        ({"number": "4"}, ("number", "wrong", "must be a whole number from 2")),
        ({"number": 5}, ("number", "wrong", "is odd")),
        ({"plain": 0}, ("plain", "wrong", "must be `int` >= 1")),
        ({"mode": "t0psecret"}, ("mode", "wrong", 'must be "on" or "off"')),
        ({"level": 3}, ("level", "wrong", "must be 1 or 2")),
        ({"password": 1}, ("password", "wrong", "must be text")),
        ({"path": 1}, ("path", "wrong", "must be text")),
        ({"names": ["x\n"]}, ("names", "wrong", r"must be `str` matching regex '^[a-z]+\\Z' - at `$[0]`")),
        ({"nmber": 4}, ("nmber", "unknown", "is not known")),
    ],
)
def test_what_will_not_do_is_refused_in_words(given: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert refused(**given) == [expected]


def test_what_is_missing_and_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(RefusedError) as error:
        Whole.of({"number": 5, "mode": "perhaps", "more": "t0psecret"})
    assert [(refusal.field, refusal.kind) for refusal in error.value.refusals] == [
        ("password", "missing"),
        ("number", "wrong"),
        ("mode", "wrong"),
        ("more", "unknown"),
    ]
    assert "t0psecret" not in str(error.value)


def test_what_is_not_known_inside_a_field_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"^Around\.inner: .*unknown field `nmber`"):
        Around.of({"inner": {"password": "t0psecret", "nmber": 4}})


def test_what_will_not_do_together_is_of_no_field() -> None:
    with pytest.raises(RefusedError, match=r"^Together: first is after last$") as error:
        Together.of({"first": 2, "last": 1})
    assert error.value.refusals == (Refusal("", "wrong", "first is after last"),)


def test_values_are_looked_at_together_when_each_will_do() -> None:
    with pytest.raises(RefusedError) as error:
        Together.of({"first": 2, "last": "1"})
    assert [refusal.field for refusal in error.value.refusals] == ["last"]


def test_what_is_not_given_is_not_checked() -> None:
    assert Whole.of({"password": "x", "number": None}).number is None


def test_a_secret_shows_itself_by_its_name_alone() -> None:
    whole = Whole.of({"password": "t0psecret"})
    assert "t0psecret" not in f"{whole} {whole!r} {whole.named()} {whole.password}"
    assert whole.password.get_secret_value() == "t0psecret"


def test_equal_secrets_are_equal() -> None:
    assert {SecretStr("a"), SecretStr("a")} == {SecretStr("a")}
    assert SecretStr("a") != SecretStr("b")


def test_a_member_tells_what_to_write() -> None:
    number = members_of(Whole)["number"]
    assert (number.description, number.example, number.required) == ("a whole number from 2", 4, False)
    assert [name for name, member in members_of(Whole).items() if member.is_secret] == ["password"]


def test_a_check_that_would_never_be_made_is_refused() -> None:
    class Listed(Shape, frozen=True, kw_only=True):
        numbers: list[Annotated[int, Check(_is_even)]]

    with pytest.raises(TypeError, match="beside the whole"):
        Listed.of({"numbers": [1]})
