import pytest

from parcels.tariff import GRAMS_MAX, NoPrice, price


@pytest.mark.parametrize(
    ("zone", "grams", "cents"),
    [
        ("home", 1, 499),
        ("home", 2_000, 499),
        ("home", 2_001, 749),
        ("home", GRAMS_MAX, 1_649),
        ("abroad", 10_000, 2_299),
    ],
)
def test_a_price_is_that_of_the_lightest_band_that_holds_the_parcel(zone, grams, cents):
    assert price(zone, grams) == cents


@pytest.mark.parametrize(
    ("zone", "grams", "why"),
    [
        ("home", 0, "more than nothing"),
        ("home", GRAMS_MAX + 1, "that anybody carries"),
        ("moon", 500, "neither `home` nor `abroad`"),
    ],
)
def test_what_has_no_price_is_told_why(zone, grams, why):
    with pytest.raises(NoPrice, match=why):
        price(zone, grams)
