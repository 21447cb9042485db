"""Transfer of the history of a replaced SKU to its replacement (``skus.replaces``), before features are computed.

Not here: faults of the column and likely renames (``foundation.validation.renames``).
"""

from __future__ import annotations

import pandas as pd

from foundation.renames import replacements, successor

_KEYS = ["date", "region", "sku"]


def carried_over(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables with sales, prices and returns of replaced SKUs under their successors, and the replaced ones gone.

    ``tables`` are cut to what is known. A replacement holds from the first row of sales of the new SKU on; before that both are
    forecast as they are. Sales of both in one period are added.
    """
    by_old = _in_force(tables)
    if not by_old:
        return tables
    final = {old: successor(old, by_old) or old for old in by_old}
    skus = tables["skus"]
    renamed = tables | {
        "skus": skus[~skus["sku"].astype(str).isin(list(final))],
        "sales": _sales(tables["sales"], final),
    }
    if "prices" in tables:
        renamed["prices"] = _prices(tables["prices"], final)
    if "returns" in tables:
        renamed["returns"] = _renamed(tables["returns"], final)
    return renamed


def _in_force(tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    by_old = replacements(tables["skus"])
    if not by_old:
        return {}
    sold = set(tables["sales"]["sku"].unique().astype(str))
    return {old: new for old, new in by_old.items() if new in sold}


def _renamed(table: pd.DataFrame, final: dict[str, str]) -> pd.DataFrame:
    sku = table["sku"].astype(str)
    return table.assign(sku=sku.map(final).fillna(sku))


def _sales(sales: pd.DataFrame, final: dict[str, str]) -> pd.DataFrame:
    renamed = _renamed(sales, final)
    how = {name: "sum" if name == "units_sold" else "max" for name in sales.columns if name not in _KEYS}
    is_twice = renamed.duplicated(_KEYS, keep=False)
    if not is_twice.any():
        return renamed
    added = renamed[is_twice].groupby(_KEYS, as_index=False, observed=True).agg(how)
    return pd.concat([renamed[~is_twice], added], ignore_index=True)


def _prices(prices: pd.DataFrame, final: dict[str, str]) -> pd.DataFrame:
    """Return the prices with those of replaced SKUs only before the first price of their successor in the region."""
    is_old = prices["sku"].astype(str).isin(list(final))
    new, old = _renamed(prices[~is_old], final), _renamed(prices[is_old], final)
    keys = [new["region"].astype(str), new["sku"]]
    first = new["date"].groupby(keys).min()
    first_of_new = first.reindex(pd.MultiIndex.from_arrays([old["region"].astype(str), old["sku"]])).to_numpy()
    is_before = pd.isna(first_of_new) | (old["date"].to_numpy() < first_of_new)
    old = old[is_before].drop_duplicates(_KEYS)
    return pd.concat([old, new], ignore_index=True)
