"""What the requests of `bottleneck load` cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bottleneck_profiler.cli._load import _cost
from bottleneck_profiler.load import LoadError
from bottleneck_profiler.load.cost import ServedCost, machine_price, served_cost
from bottleneck_profiler.load.knee import Knee
from bottleneck_profiler.load.run import Result
from bottleneck_profiler.load.samples import empty
from bottleneck_profiler.load.summary import summary
from bottleneck_profiler.prices import Prices, given

NOTHING = summary(empty(), None)


def test_a_thousand_requests_by_hand() -> None:
    price = machine_price(Prices(machine=3.60, currency="$"), asked=True)
    test = Result(total=replace(NOTHING, throughput=40.0))
    # 3.60 per hour are 0.001 per second, and 1,000 requests take 25 s.
    assert served_cost(test, price) == ServedCost(3.60, "$", 40.0, pytest.approx(0.025), False)
    test.knee = Knee(rate=50.0)
    assert served_cost(test, price) == ServedCost(3.60, "$", 50.0, pytest.approx(0.020), True)
    test.cost = served_cost(test, price)
    (line,) = _cost(test)
    assert str(line) == "Cost: $0.020 per 1,000 requests at the knee, with the server's machine at $3.60 per hour."


def test_without_a_price_or_a_response_there_is_none() -> None:
    assert machine_price(None, asked=False) is None and machine_price(given("auto", "x"), asked=False) is None
    assert served_cost(Result(total=replace(NOTHING, throughput=40.0)), None) is None
    assert served_cost(Result(total=NOTHING), (3.60, "$")) is None and not _cost(Result(total=NOTHING))
    with pytest.raises(LoadError, match="auto does not know the server's machine"):
        machine_price(given("auto", "x"), asked=True)
