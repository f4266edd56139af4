"""The catalogue: events with their dates, halls, layouts and pricing tiers."""
