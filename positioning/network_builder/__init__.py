"""A first network from little: hubs, regions, and lanes from places and a tariff of a few numbers.

What belongs here: locating places, lengths, costs, and lead times of lanes, and the assumptions behind them. What does not: reading
and writing tables (``pipeline.network``), the network of a plan (``positioning.inputs.network``).
"""
