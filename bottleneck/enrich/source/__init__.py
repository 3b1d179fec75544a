"""Lines of the user's source that an analysis needs to know."""
