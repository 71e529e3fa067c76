"""How numbers are got from a device: one file a route, and the circuits that each one runs."""
