"""Proofs that a parameter has no gradient at any setting of the angles."""
