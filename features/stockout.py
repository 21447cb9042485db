"""How much of the recent past the sku could not be bought.

Sales of such periods are not demand: they are masked in every other family. Windows of 7 and 28 days.
"""

from __future__ import annotations

from features.view import Columns, View


def stockout(view: View) -> Columns:
    """Return the features of the family, one array (n_rows) each; none where no table tells.

    * ``in_stock_d``: mean share of the last d days in which the sku could be bought.
    * ``sold_28``: mean of what was sold in the last 28 days, in stock or not.
    """
    panel = view.panel
    if panel.in_stock_rate is None:
        return {}
    rate = view.past_of(panel.in_stock_rate[view.members])
    sold = view.past_of(panel.units_sold[view.members])
    found = {f"in_stock_{days}": rate.mean(panel.days(days)) for days in (7, 28)}
    found["sold_28"] = sold.mean(panel.days(28))
    return {name: values[view.row] for name, values in found.items()}
