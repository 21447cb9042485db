"""Demand distributions: one file per distribution (see ``foundation.demand_distribution``)."""
