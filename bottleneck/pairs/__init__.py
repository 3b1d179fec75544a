"""Two versions of a program, run in interleaved pairs, and what the pairs prove."""
