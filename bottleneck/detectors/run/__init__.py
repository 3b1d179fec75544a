"""Detectors of one stage, one file each."""
