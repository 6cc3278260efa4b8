"""What it costs to send a parcel: a tariff, and a service that answers with it."""
