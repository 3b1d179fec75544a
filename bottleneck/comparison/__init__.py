"""Compares runs of one program: what changed, by how much, whether noise can explain it, and where the change is."""
