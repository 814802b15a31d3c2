"""Only what an emulated Claude signed or sealed counts as its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portkey_gateway.sandbox.claude.signatures import is_genuine, is_sealed, seal, sign


@given(st.text())
def test_a_signature_fits_its_text(thinking: str) -> None:
    assert is_genuine(thinking, sign(thinking))


@given(st.text(), st.text())
def test_a_signature_fits_no_other_text(thinking: str, other: str) -> None:
    assert is_genuine(other, sign(thinking)) is (thinking == other)


@pytest.mark.parametrize("signature", ["", "AAAA", "é", "\ud800", sign("Hm.")[:-4], sign("Hm.").lower()])
def test_an_invented_signature_fits_nothing(signature: str) -> None:
    assert not is_genuine("Hm.", signature)


def test_half_a_surrogate_pair_is_signed_too() -> None:
    assert is_genuine("\ud800", sign("\ud800"))
    assert is_sealed(seal("\ud800"))


@given(st.text())
def test_sealed_data_is_known_again(text: str) -> None:
    assert is_sealed(seal(text))


@pytest.mark.parametrize(
    "data", ["", "AAAA", "no base64!", "é", "\ud800", sign("Hm."), seal("Hm.") + "AAAA", seal("Hm.")[4:]]
)
def test_invented_data_is_not_sealed(data: str) -> None:
    assert not is_sealed(data)


def test_signatures_are_the_same_in_every_process() -> None:
    assert sign("Hm.") == SIGNED_ELSEWHERE


SIGNED_ELSEWHERE = "HuvocKZD7R1su53ez3Uqvh7osuirywzr9A88lRDC/G8="
