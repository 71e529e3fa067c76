"""Checks of the house itself: what it imports, how long its functions are, where its numbers stand."""
