"""The KPIs of a replay, one registered entry each (``positioning.simulation.kpi``)."""
