"""Amounts of money: a value in a currency, never less than its smallest unit apart."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from payment_service.currency import Currency, currency


class BadAmount(ValueError):
    """Something that is not an amount of money, or not one that fits the other."""


@dataclass(frozen=True)
class Amount:
    value: Decimal
    currency: Currency

    def __post_init__(self) -> None:
        if not self.value.is_finite():
            raise BadAmount(f"{self.value} is not a number")
        if self.value != self.currency.round(self.value):
            raise BadAmount(f"{self.value} {self.currency.code} is finer than {self.currency.unit}")

    def __str__(self) -> str:
        return f"{self.currency.round(self.value)} {self.currency.code}"

    def __add__(self, other: "Amount") -> "Amount":
        self._same_currency(other)
        return Amount(self.value + other.value, self.currency)

    def __sub__(self, other: "Amount") -> "Amount":
        self._same_currency(other)
        return Amount(self.value - other.value, self.currency)

    def times(self, factor: Decimal) -> "Amount":
        return Amount(self.currency.round(self.value * factor), self.currency)

    def _same_currency(self, other: "Amount") -> None:
        if self.currency != other.currency:
            raise BadAmount(f"{self.currency.code} and {other.currency.code} do not add up")


def parse(text: str) -> Amount:
    """Reads `12.50 EUR`."""
    value, _, code = text.strip().partition(" ")
    try:
        return Amount(Decimal(value), currency(code.strip()))
    except InvalidOperation:
        raise BadAmount(f"`{text}` does not begin with a number") from None
