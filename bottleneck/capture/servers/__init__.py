"""Watching servers by their metrics: pages are fetched, read, and written to a run folder."""
