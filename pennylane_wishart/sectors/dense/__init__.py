"""Sectors of any generators, by dense matrices on the whole space or on what the input reaches."""
