from decimal import Decimal

import pytest

from payment_service.currency import UnknownCurrency, currency


def test_a_code_is_read_in_any_case():
    assert currency("eur").code == "EUR"


def test_an_unknown_code_is_answered_with_the_known_ones():
    with pytest.raises(UnknownCurrency, match="EUR, JPY, KWD, USD"):
        currency("XXX")


@pytest.mark.parametrize(
    ("code", "value", "rounded"),
    [("EUR", "2.345", "2.34"), ("EUR", "2.355", "2.36"), ("JPY", "2.5", "2"), ("KWD", "1.0005", "1.000")],
)
def test_halves_go_to_the_even_neighbour(code, value, rounded):
    assert currency(code).round(Decimal(value)) == Decimal(rounded)
