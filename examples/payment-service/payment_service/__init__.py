"""The arithmetic of a small payment service: amounts, currencies, fees, refunds."""
