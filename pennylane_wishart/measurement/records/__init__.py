"""What a measurement leaves: its plan, its record, and the files that other tools read."""
