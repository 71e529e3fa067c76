"""Second moments of the loss and of every gradient component (THEORY §3, §4)."""
