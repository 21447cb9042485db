"""A plan explained: cost by line, output tables and sentences."""
