"""Decides whether a change may pass: against another version, a stored baseline, or budgets."""
