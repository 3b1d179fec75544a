"""Detectors of the device window, one file each."""
