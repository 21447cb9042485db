"""Feature families: one file per family of columns of the feature matrix."""
