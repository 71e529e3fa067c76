"""Which device measured: its settings read, turned into plain content, and compared."""
