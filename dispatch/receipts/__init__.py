"""Execution forms: what receivers report on released proposals, one form or set of forms per file."""
