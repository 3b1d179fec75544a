"""What mending a pattern saves, as a range of shares of the wall time, by the law of its price."""

from __future__ import annotations

from .model import Price

Range = tuple[float, float]
FEWEST_PASSES = 2  # what is repeated is done twice at least


def saved(price: Price, share: float, passes: float | None = None, cores: float | None = None) -> Range | None:
    """The lowest and the highest share that is saved, of a line that holds ``share``.

    None where only a measurement tells ("measure", or no factors), where a line through the passes does ("growth"),
    and where the pipeline does ("loader": ``cheaper`` says by how much each fetch gets shorter).
    """
    if price.law in ("amdahl", "overlap") or (price.law == "wait" and price.factors is not None):
        return cheaper(price, share)
    if price.law in ("once", "wait"):
        low = share * (1 - 1 / max(passes or FEWEST_PASSES, 1))
        return (low, low) if passes is not None else (low, share)
    if price.law == "cores" and cores is not None:
        high = share * (1 - 1 / max(cores, 1))
        return high / 2, high
    return None


def cheaper(price: Price, share: float) -> Range | None:
    """``share`` without what is left of it when it gets ``factors`` times cheaper."""
    if price.factors is None:
        return None
    low, high = price.factors
    return share * (1 - 1 / low), share * (1 - 1 / high)
