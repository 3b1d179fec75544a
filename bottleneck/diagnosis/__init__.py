"""Turns the outcomes of the detectors into one Diagnosis: laws, ranking, headline, view."""
