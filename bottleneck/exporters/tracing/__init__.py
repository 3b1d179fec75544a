"""Builds the spans of a run for tracing tools; shared by the exporters jaeger and otlp."""
