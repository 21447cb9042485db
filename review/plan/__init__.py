"""The review page of a plan and its summary."""
