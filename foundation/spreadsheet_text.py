"""Text that a spreadsheet shows and never evaluates.

Spreadsheets evaluate text that begins with ``=``, ``+``, ``-``, or ``@`` as a formula. Such text, and text that begins with an apostrophe,
is therefore written with an apostrophe in front of it, and reading removes it.

References
----------
OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def as_text(value: str | int) -> str | int:
    """Return a value as a spreadsheet shows it and never computes it; numbers stay numbers.

    >>> as_text("=1+1"), as_text("SKU 1"), as_text(-3)
    ("'=1+1", 'SKU 1', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def as_written(value: str) -> str:
    """Return the text that ``as_text`` was given."""
    return value[1:] if value.startswith(tuple(f"'{start}" for start in _FORMULA_STARTS)) else value
