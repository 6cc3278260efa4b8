import pytest

from payment_service.amount import parse
from payment_service.fees import CARD, fee, net


@pytest.mark.parametrize(
    ("paid", "schedule", "cost"),
    [
        ("100.00 EUR", CARD, "1.65 EUR"),
        ("9000.00 EUR", CARD, "50.00 EUR"),
    ],
)
def test_a_fee_has_a_rate_a_fixed_part_and_a_most(paid, schedule, cost):
    assert str(fee(parse(paid), schedule)) == cost


def test_a_fee_is_never_more_than_what_was_paid():
    assert str(net(parse("0.10 EUR"), CARD)) == "0.00 EUR"
