import pytest

from payment_service.amount import BadAmount, parse


def test_an_amount_prints_as_it_is_read():
    assert str(parse("12.5 EUR")) == "12.50 EUR"


def test_an_amount_finer_than_its_currency_is_refused():
    with pytest.raises(BadAmount, match="finer than 1"):
        parse("12.5 JPY")


def test_amounts_of_one_currency_add_up():
    assert parse("1.10 EUR") + parse("2.20 EUR") == parse("3.30 EUR")


def test_amounts_of_two_currencies_do_not_add_up():
    with pytest.raises(BadAmount, match="EUR and USD"):
        parse("1 EUR") + parse("1 USD")


def test_words_are_not_an_amount():
    with pytest.raises(BadAmount, match="does not begin with a number"):
        parse("ten EUR")
