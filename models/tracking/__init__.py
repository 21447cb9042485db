"""MLflow: the only package that imports it.

Here: the client, runs and registered versions. Not here: models and their scores.
"""
