"""The runs of a program over time: since when it is slower or faster, and what else changed then."""
