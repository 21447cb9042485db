"""Model kinds: one file per kind of model for the mean of demand (see ``models.forecaster``)."""
