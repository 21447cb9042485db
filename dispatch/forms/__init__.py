"""The forms other systems read: each writes documents as text and reads its own text back.

Here: one module per form, and the list of them. Every form is documented field by field in
``docs/exports.md``. Not here: which lines go out (``documents``), where to (``outbox``, ``flows``).
"""

from __future__ import annotations

from dispatch.forms.csv_json import CSV, JSON
from dispatch.forms.erpnext import STOCK_ENTRY
from dispatch.forms.form import Form, Partner
from dispatch.forms.odoo import PICKING
from dispatch.forms.shopify import TRANSFER
from dispatch.forms.x12 import SHIPMENT_ADVICE, SHIPPING_ORDER

FORMS: dict[str, Form] = {
    form.name: form for form in (CSV, JSON, SHIPPING_ORDER, SHIPMENT_ADVICE, TRANSFER, STOCK_ENTRY, PICKING)
}

__all__ = ["FORMS", "Form", "Partner"]
