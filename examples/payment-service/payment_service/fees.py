"""What a payment costs the merchant."""

from dataclasses import dataclass
from decimal import Decimal

from payment_service.amount import Amount


@dataclass(frozen=True)
class FeeSchedule:
    rate: Decimal
    fixed: Decimal
    most: Decimal


CARD = FeeSchedule(rate=Decimal("0.014"), fixed=Decimal("0.25"), most=Decimal(50))


def fee(paid: Amount, schedule: FeeSchedule) -> Amount:
    """Rate and fixed part, never more than the schedule's most nor than what was paid."""
    raw = paid.value * schedule.rate + schedule.fixed
    return Amount(paid.currency.round(min(raw, schedule.most, paid.value)), paid.currency)


def net(paid: Amount, schedule: FeeSchedule) -> Amount:
    """What the merchant gets."""
    return paid - fee(paid, schedule)
