"""Lines of the user's source that the analysis needs to know."""
