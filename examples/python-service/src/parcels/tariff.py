"""The tariff: zones, weight bands, and the price in whole cents."""

from dataclasses import dataclass

GRAMS_MAX = 31_500


class NoPrice(ValueError):
    """A parcel that this tariff has no price for."""


@dataclass(frozen=True)
class Band:
    """Parcels up to this weight cost so much in each zone."""

    grams_max: int
    home: int
    abroad: int


BANDS = (
    Band(grams_max=2_000, home=499, abroad=1_399),
    Band(grams_max=10_000, home=749, abroad=2_299),
    Band(grams_max=GRAMS_MAX, home=1_649, abroad=4_499),
)


def price(zone: str, grams: int) -> int:
    """The price in cents."""
    if grams <= 0:
        raise NoPrice("a parcel weighs more than nothing")
    for band in BANDS:
        if grams <= band.grams_max:
            return _in_zone(band, zone)
    raise NoPrice(f"{grams} g is more than the {GRAMS_MAX} g that anybody carries")


def _in_zone(band: Band, zone: str) -> int:
    match zone:
        case "home":
            return band.home
        case "abroad":
            return band.abroad
        case _:
            raise NoPrice(f"`{zone}` is neither `home` nor `abroad`")
