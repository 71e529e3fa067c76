"""pennylane_wishart."""
