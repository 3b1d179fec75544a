"""Slow ways to write something that people really use, recognised by a line's syntax, its imports and its frames."""

from .model import Frame, Pattern, Position, Price, Sighting
from .recognise import Failures, matching, recognise
from .source import Source

__all__ = ["Failures", "Frame", "Pattern", "Position", "Price", "Sighting", "Source", "matching", "recognise"]
