"""Shapes: what plain values become, and what is said of those that will not do."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from adapters.shapes import Check, RefusedError, SecretStr, Shape, members_of


def _is_even(number: int) -> None:
    if number % 2:
        raise ValueError("is odd")


class Whole(Shape, frozen=True, kw_only=True):
    password: SecretStr
    number: Annotated[int, Meta(ge=2, description="a whole number from 2", examples=[4]), Check(_is_even)] | None = None
    plain: Annotated[int, Meta(ge=1)] = 1
    seconds: float = 1.5
    mode: Literal["on", "off"] = "on"
    path: Path | None = None
    names: list[Annotated[str, Meta(pattern=r"^[a-z]+\Z")]] | None = None


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
