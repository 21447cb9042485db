"""Input tables and forecasts as arrays, read once for the plan and the simulation."""
