"""Words in exports, in English, German, French, Spanish, and Dutch: which field a column is, and which row holds the column names.

Words are in small letters without accents. The order within a field is its preference where several columns match.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from foundation.mapping.dates import read_dates
from foundation.mapping.numbers import read_numbers


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.replace("\n", " ").split(",") if phrase.strip())


FIELDS: dict[str, tuple[str, ...]] = {
    "date": _phrases(
        """order date, sales date, sale date, transaction date, date of sale, bestelldatum, auftragsdatum, verkaufsdatum, date commande, date de commande, date de vente,
        date vente, fecha pedido, fecha de pedido, fecha venta, fecha de venta, orderdatum, verkoopdatum, besteldatum, order day, week start, week commencing, week beginning, week of,
        woche ab, kalenderwoche, invoice date, posting date, document date, rechnungsdatum, buchungsdatum, belegdatum, date facture, date de facture, fecha factura,
        fecha de factura, factuurdatum, boekdatum, date, datum, fecha, day, tag, jour, dia, dag, week, woche, kw, semaine, semana, period, periode, periodo, timestamp, created at, ds,
        stichtag, bestandsdatum, snapshot date, stock date, as of, date stock, date inventaire, fecha inventario, peildatum, week ending, week end, woche bis, calendar day, verkaufstag"""
    ),
    "sku": _phrases(
        """sku, item number, item no, item code, item id, itemcode, itemno, item nr, artikelnummer, artikelnr, artikel nr, artikel no, art nr, artnr, art no, artno, artikelcode,
        material number, materialnummer, material no, matnr, product number, product code, product id, product no, productid, productcode, produktnummer, produktnr, produkt nr, productnummer, code article, ref article, reference article,
        num article, no article, code produit, ref produit, reference produit, codigo articulo, codigo de articulo, cod articulo, codigo producto, codigo de producto, cod producto, referencia, part number, part no, partno, partnumber, stock code, stockcode,
        variant sku, lineitem sku, default code, item, artikel, article, material, product, produkt, produit, articulo, producto, part, reference, ref, codigo, ean, gtin, upc, asin, unique id"""
    ),
    "units_sold": _phrases(
        """units sold, quantity sold, qty sold, sold qty, sold quantity, sold units, sales qty, sales quantity, sales units, verkaufsmenge, verkaufte menge, verkaufte stuck, absatzmenge, absatz, quantite vendue, qte vendue,
        unites vendues, unidades vendidas, cantidad vendida, aantal verkocht, verkochte aantal, verkocht aantal, ordered quantity, order quantity, order qty, qty ordered, quantity ordered, bestellmenge, auftragsmenge, quantite commandee, qte commandee, cantidad pedida, besteld aantal,
        lineitem quantity, qty, quantity, quantities, units, menge, anzahl, stuck, stueck, stk, quantite, qte, unites, cantidad, cant, unidades, aantal, hoeveelheid, stuks, pieces, pcs, demand, units ordered, sold"""
    ),
    "region": _phrases(
        """region, sales region, verkaufsregion, vertriebsregion, verkaufsgebiet, vertriebsgebiet, gebiet, sales area, area, zone, zona, regio, territory, ship to region, delivery region, lieferregion, zielregion, region de vente,
        ship to, destination, ship to state, shipping state, shipping province, bundesland, provincia, provincie, province, ship to country, shipping country, delivery country, lieferland, zielland, land, country, pays, pais, market, markt, marche, mercado,
        store, store id, store nbr, store number, store code, filiale, filialnr, filialnummer, magasin, code magasin, tienda, winkel, outlet, shop, branch, sucursal, vestiging, state"""
    ),
    "hub": _phrases(
        """warehouse, warehouse code, warehouse id, warehouse name, whse, wh, wh code, hub, dc, distribution center, fulfillment center, depot, lager, lagerort, lagernr, lagernummer, lagerstandort, warehouse no, lagerhaus, zentrallager,
        entrepot, code depot, code entrepot, almacen, bodega, deposito, centro, magazijn, loods, storage location, stock location, plant, werk, site, location, standort, locatie, ubicacion, emplacement, niederlassung"""
    ),
    "units_on_hand": _phrases(
        """on hand, onhand, qty on hand, quantity on hand, on hand qty, on hand quantity, units on hand, stock on hand, soh, physical stock, physical inventory, unrestricted, unrestricted stock, lagerbestand, bestandsmenge, bestand, stock physique, quantite en stock,
        qte en stock, qte stock, en stock, stock actual, stock fisico, existencias, inventario, voorraad, voorraad aantal, fysieke voorraad, stock quantity, stock qty, inventory, inventory quantity, inventory qty, stock, in stock, free stock, available, available quantity, available qty, available stock, verfugbar, verfugbarer bestand, freier bestand,
        disponible, stock disponible, beschikbaar, vrije voorraad, quantity, qty, menge, anzahl, quantite, qte, cantidad, aantal"""
    ),
    "units_reserved": _phrases(
        "reserved, qty reserved, reserved qty, reserved quantity, quantity reserved, allocated, committed, reserviert, reservierte menge, zugeteilt, reserve, quantite reservee, qte reservee, reservado, comprometido, gereserveerd"
    ),
    "units_on_hold": _phrases(
        "on hold, blocked, blocked stock, quarantine, quality hold, gesperrt, sperrbestand, gesperrter bestand, bloque, stock bloque, bloqueado, geblokkeerd"
    ),
    "unit_cost_eur": _phrases(
        """unit cost, standard cost, cost price, purchase price, buying price, landed cost, moving average price, average cost, einkaufspreis, ek preis, ekpreis, einstandspreis, ek netto, ek, cout unitaire, prix d achat, prix achat, prix de revient, pa ht,
        coste unitario, costo unitario, precio de compra, precio compra, kostprijs, inkoopprijs, unit cost price, cost, kosten, cout, coste, costo"""
    ),
    "unit_price_eur": _phrases(
        """unit price, sales price, selling price, sale price, list price, retail price, rrp, msrp, sell price, verkaufspreis, vk preis, vkpreis, vk netto, listenpreis, vk, prix de vente, prix vente, prix unitaire, pv ht, precio de venta, precio venta, pvp,
        verkoopprijs, adviesprijs, price, preis, prix, precio, prijs"""
    ),
    "mass_kg": _phrases("net weight, weight, unit weight, gross weight, nettogewicht, bruttogewicht, gewicht, stuckgewicht, poids, poids net, poids brut, peso, peso neto, massa, mass, mass kg"),
    "volume_l": _phrases("volume, unit volume, volumen, stuckvolumen, cubage, inhoud, volume l"),
    "pack_units": _phrases(
        "pack size, case size, case pack, units per case, units per pack, pack qty, order multiple, verpackungseinheit, vpe, gebindegrosse, colisage, unites par carton, unidades por caja, verpakkingseenheid, aantal per doos"
    ),
    "shelf_life_days": _phrases("shelf life, shelf life days, haltbarkeit, haltbarkeit tage, duree de vie, vida util, houdbaarheid"),
    "launch_date": _phrases("launch date, introduction date, valid from, gultig ab, einfuhrungsdatum, date de lancement, date lancement, fecha alta, fecha lanzamiento, introductiedatum"),
    "delist_date": _phrases("delist date, discontinued date, discontinued on, end of life, valid to, gultig bis, auslaufdatum, date de fin, fecha baja, einddatum"),
    "subcategory": _phrases("subcategory, sub category, subclass, subfamily, unterkategorie, untergruppe, unterwarengruppe, sous categorie, sous famille, subcategoria, subfamilia, subcategorie, subgroep"),
    "category": _phrases(
        "category, product category, item category, kategorie, categorie, categoria, product group, item group, group, productgroup, warengruppe, artikelgruppe, produktgruppe, famille, familia, productfamilie, family, product family, productgroep, artikelgroep, class, product type"
    ),
    "department": _phrases("department, division, abteilung, sparte, rayon, departamento, afdeling, sector, business unit, hauptwarengruppe"),
    "latitude": _phrases("latitude, lat, breitengrad, latitud, breedtegraad, geo lat"),
    "longitude": _phrases("longitude, lon, lng, long, langengrad, longitud, lengtegraad, geo lon"),
    "country": _phrases("country, country code, land, landercode, pays, code pays, pais, codigo pais, landcode"),
    "postal_code": _phrases("postal code, postcode, zip, zip code, zipcode, plz, postleitzahl, code postal, codigo postal, cp"),
    "supplier": _phrases("supplier, supplier code, supplier id, vendor, vendor no, vendor id, lieferant, lieferantennr, lieferantennummer, kreditor, fournisseur, code fournisseur, proveedor, leverancier, creditor"),
    "inbound_id": _phrases(
        "po number, po no, po, po id, purchase order, purchase order number, bestellnummer, bestellnr, bestellung, belegnummer, numero de commande, no commande, numero commande, commande, numero pedido, pedido, orden de compra, bestelnummer, inkooporder, inkoopordernummer, order number, order no, order id, shipment, asn"
    ),
    "line_number": _phrases("po line, line, line no, line number, position, pos, posnr, ligne, no ligne, linea, regel, regelnummer"),
    "units": _phrases(
        """open quantity, open qty, qty open, outstanding, outstanding qty, outstanding quantity, remaining, remaining qty, remaining quantity, offene menge, restmenge, quantite restante, qte restante, reste a livrer, cantidad pendiente, pendiente, openstaand,
        openstaand aantal, in transit, qty, quantity, units, menge, anzahl, quantite, qte, cantidad, aantal, ordered quantity, bestellmenge"""
    ),
    "arrival_date": _phrases(
        """eta, expected arrival, expected date, expected delivery, expected receipt, expected receipt date, arrival date, due date, promised date, delivery date, receipt date, liefertermin, lieferdatum, wunschtermin, ankunft, ankunftsdatum, date de livraison, date livraison,
        date prevue, date reception, fecha entrega, fecha de entrega, fecha prevista, fecha llegada, leverdatum, verwachte leverdatum, verwachte datum"""
    ),
    "status": _phrases("status, order status, line status, auftragsstatus, statut, etat, estado, orderstatus, financial status"),
    "type": _phrases("type, order type, document type, transaction type, movement type, typ, art, belegart, vorgang, vorgangsart, type de document, tipo, tipo documento, soort, transactie"),
    "name": _phrases(
        """description, item description, product name, item name, name, title, bezeichnung, artikelbezeichnung, beschreibung, artikelname, designation, libelle, nom, descripcion, nombre, omschrijving, naam, product description, artikelomschrijving"""
    ),
}  # fmt: skip
# Words in the names of files and sheets, by the table that they suggest.
FILE_WORDS: dict[str, tuple[str, ...]] = {
    "sales": _phrases("sales, sale, orders, order lines, orderlines, transactions, demand, invoices, absatz, verkauf, verkaufe, umsatz, auftrage, ventes, vente, commandes, ventas, pedidos, verkoop, verkopen, pos"),
    "stock": _phrases("stock, inventory, on hand, onhand, bestand, bestande, lagerbestand, stocks, existencias, inventario, voorraad, soh"),
    "skus": _phrases("items, item, products, product, skus, materials, catalog, artikel, artikelstamm, stammdaten, produkte, article, articles, produits, productos, articulos, item master, itemmaster, producten, artikelen"),
    "hubs": _phrases("warehouses, warehouse, hubs, depots, sites, locations, lager, standorte, lagerorte, entrepots, almacenes, magazijnen"),
    "regions": _phrases("regions, regionen, areas, markets, stores, filialen, gebiete, magasins, zones, tiendas, regiones, winkels"),
    "inbound": _phrases("inbound, purchase orders, purchase, po, open po, open orders, bestellungen, offene bestellungen, achats, commandes fournisseurs, compras, inkoop, inkooporders, receipts, in transit"),
    "prices": _phrases("prices, price list, pricelist, preise, preisliste, prix, tarif, precios, prijzen"),
}  # fmt: skip
TOTAL_WORDS = frozenset(
    _phrases(
        "total, totals, grand total, sum, summe, gesamt, gesamtsumme, somme, total general, suma, totaal, subtotal, zwischensumme, sous total, subtotaal, end of report, ende"
    )
)
EMPTY_WORDS = frozenset(
    (
        "-",
        "--",
        "n/a",
        "na",
        "#n/a",
        "null",
        "(null)",
        "none",
        "nan",
        "k.a.",
        "n.v.",
        "s/o",
        "nvt",
        "?",
        "\\n",
        "#wert!",
        "#ref!",
        "#value!",
        "nil",
    )
)
RETURN_WORDS = frozenset(
    _phrases(
        "return, returned, returns, refund, credit, credit note, rma, retoure, gutschrift, ruckgabe, retour, avoir, devolucion, abono, retourzending, creditnota, refunded"
    )
)
CANCEL_WORDS = frozenset(_phrases("canceled, cancelled, cancel, void, voided, storniert, storno, abgebrochen, annule, annulee, anulado, anulada, cancelado, cancelada, geannuleerd, deleted, geloscht"))  # fmt: skip
MONEY_WORDS = frozenset(
    _phrases(
        "sales, revenue, turnover, amount, umsatz, betrag, erlos, ventes, montant, chiffre d affaires, ca, ventas, importe, ingresos, omzet, bedrag, net sales, gross sales, sales value"
    )
)
WEEK_WORDS = frozenset(("week", "woche", "kw", "kalenderwoche", "semaine", "semana", "cw", "wk"))
WEEK_END_WORDS = frozenset(("ending", "end", "bis", "ende", "fin", "eind", "endend"))
_UNIT = re.compile(r"[(\[{<](.*?)[)\]}>]|\b(?:in|en)\s+([a-z0-9³]+)\s*$|[_ ]([a-z0-9³]{1,4})$", re.IGNORECASE)
MASS_UNITS = {
    "kg": 1.0,
    "g": 0.001,
    "gr": 0.001,
    "gram": 0.001,
    "lb": 0.45359237,
    "lbs": 0.45359237,
    "oz": 0.028349523125,
    "t": 1000.0,
    "mg": 1e-6,
}
VOLUME_UNITS = {"l": 1.0, "liter": 1.0, "dm3": 1.0, "ml": 0.001, "cl": 0.01, "cm3": 0.001, "ccm": 0.001, "m3": 1000.0, "cbm": 1000.0}  # fmt: skip
PACK_UNITS = frozenset(
    _phrases(
        "case, cases, carton, cartons, pallet, pallets, box, boxes, karton, kartons, palette, paletten, caisse, caisses, caja, cajas, doos, dozen, kg, g, l, t, ctn, plt, thousand, k"
    )
)
UNIT_UNITS = frozenset(
    _phrases(
        "pcs, pc, ea, each, stk, st, stuck, stueck, units, unit, pieces, piece, pce, unites, unidades, ud, uds, stuks, u"
    )
)


@cache
def normalized(header: str) -> str:
    """Return a header in small letters without accents, signs, and units in parentheses."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    plain = unicodedata.normalize("NFKD", spaced.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[(\[{<].*?[)\]}>]", " ", plain)
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def stated_unit(header: str) -> str:
    """Return the unit that a header states in parentheses, after ``in``, or at its end; empty for none."""
    plain = header.replace("³", "3").lower()
    for match in _UNIT.finditer(plain):
        word = next(part for part in match.groups() if part is not None)
        word = re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode())
        if word in MASS_UNITS or word in VOLUME_UNITS or word in PACK_UNITS or word in UNIT_UNITS:
            return word
    return ""


def match(header: str, field: str) -> float:
    """Return how well a header names a field: 1 for one of its words, less for a header that contains one, 0 for none."""
    text = normalized(header)
    if not text:
        return 0.0
    phrases = FIELDS[field]
    if text in phrases:
        return 1.0 - 0.1 * phrases.index(text) / len(phrases)
    without_unit = " ".join(text.split()[:-1])
    if stated_unit(header) and without_unit in phrases:
        return 0.95 - 0.1 * phrases.index(without_unit) / len(phrases)
    words = f" {text} "
    inside = [place for place, phrase in enumerate(phrases) if f" {phrase} " in words]
    if inside:
        longest = max(len(phrases[place].split()) for place in inside)
        return 0.6 + 0.15 * longest / len(text.split()) - 0.05 * min(inside) / len(phrases)
    return 0.0


def is_empty_word(word: str) -> bool:
    """Return whether a text stands for no value, such as n/a."""
    return word.strip().lower() in EMPTY_WORDS


def is_total_word(word: str) -> bool:
    """Return whether a text marks a row of totals."""
    return normalized(word.strip(" :")) in TOTAL_WORDS


def header_place(rows: Sequence[Sequence[str]]) -> int | None:
    """Return which of the first rows holds the column names: the one with most known names; None if there is none.

    Without any known name, it is the first row if that holds texts alone and the next one a number or a date.
    """
    scores = [_header_score(row) for row in rows[:30]]
    if scores and max(scores) > 0:
        return scores.index(max(scores))
    has_names = (
        len(rows) > 1 and len(rows[0]) > 1 and len(set(rows[0])) == len(rows[0]) and not any(map(_is_value, rows[0]))
    )
    return 0 if has_names and any(map(_is_value, rows[1])) else None


def _is_value(cell: str) -> bool:
    return bool(read_numbers([cell]).forms or read_dates([cell]).formats) if cell.strip() else False


def _header_score(row: Sequence[str]) -> float:
    cells = [cell.strip() for cell in row if cell.strip()]
    if any(len(cell) > 60 for cell in cells):
        return 0.0
    known = sum(max((match(cell, name) for name in FIELDS), default=0.0) > 0.5 for cell in cells)
    return float(known) if known >= min(2, len(cells)) else 0.0
