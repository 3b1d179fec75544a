"""Proves a predicted gain: the program as it is and with the fix, in pairs of short runs that change nothing."""
