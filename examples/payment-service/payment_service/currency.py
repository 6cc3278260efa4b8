"""Currencies and their smallest units (ISO 4217)."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal


class UnknownCurrency(ValueError):
    """A code that this service does not take."""


@dataclass(frozen=True)
class Currency:
    code: str
    digits: int

    @property
    def unit(self) -> Decimal:
        """The smallest amount that can be paid."""
        return Decimal(1).scaleb(-self.digits)

    def round(self, value: Decimal) -> Decimal:
        """To the smallest unit; halves go to the even neighbour, so that many of them cancel out."""
        return value.quantize(self.unit, rounding=ROUND_HALF_EVEN)


CURRENCIES = {
    c.code: c for c in (Currency("EUR", 2), Currency("USD", 2), Currency("JPY", 0), Currency("KWD", 3))
}


def currency(code: str) -> Currency:
    try:
        return CURRENCIES[code.upper()]
    except KeyError:
        raise UnknownCurrency(f"`{code}` is not one of {', '.join(sorted(CURRENCIES))}") from None
