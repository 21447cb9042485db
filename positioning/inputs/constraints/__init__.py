"""Shared constraints: one file per kind of capacity that SKUs share, found without a list."""
