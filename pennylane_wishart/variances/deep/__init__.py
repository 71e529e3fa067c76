"""The deep limit: moments once the depth has mixed completely (THEORY §3)."""
