"""Walks of Pauli words by sampling."""
