"""Generators of reference pages and of the tour; not installed."""
