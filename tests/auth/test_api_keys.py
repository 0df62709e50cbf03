"""A key is shown once; what is kept of it tells nobody its secret."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.api_keys import parse_key
from gateway.auth.refusals import InvalidCredentialError
from tests.auth.table import NOW, made


def test_a_key_has_a_prefix_that_scanners_find_an_id_and_a_secret_of_256_bits() -> None:
    new = made()
    found = re.fullmatch(r"postroom_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", new.text)
    assert found is not None
    assert found[1] == new.key.id


def test_of_the_secret_its_digest_alone_is_kept() -> None:
    new = made()
    parsed = parse_key(new.text)
    assert parsed is not None
    assert new.key.digest == hashlib.sha256(parsed[1].encode()).digest()
    assert parsed[1] not in repr(new.key)


def test_no_two_keys_are_alike() -> None:
    assert len({made().text for _ in range(100)} | {made().key.id for _ in range(100)}) == 200


def test_another_keys_secret_is_not_held() -> None:
    one, other = made(), made()
    secrets = [parse_key(new.text) for new in (one, other)]
    assert [one.key.holds(parsed[1]) for parsed in secrets if parsed] == [True, False]


@given(st.text())
def test_what_has_not_the_form_of_a_key_is_none(text: str) -> None:
    assert parse_key(text) is None


@given(st.text(min_size=1, max_size=3))
def test_a_key_with_something_before_or_behind_it_is_none(more: str) -> None:
    text = made().text
    assert (parse_key(text + more), parse_key(more + text)) == (None, None)


def test_an_expired_key_says_so() -> None:
    with pytest.raises(InvalidCredentialError, match="expired"):
        made(days=0).key.principal(NOW)
