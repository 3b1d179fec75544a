"""Spans of a run, as the tracing tools know them: what the exporters jaeger and otlp share."""
