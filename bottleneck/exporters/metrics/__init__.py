"""The metrics of a run: one table of names (``families``), values from a recording or a run in progress, and how they
are written for Prometheus and for OTLP."""
