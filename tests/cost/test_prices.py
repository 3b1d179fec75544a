"""How prices are written, where they are configured, and what a machine costs by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.configuration import prices
from bottleneck_profiler.prices import ASSUMPTION, PriceError, Prices, Rate, given, parsed
from hypothesis import example
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

GIB = 1 << 30


@pytest.mark.parametrize(
    "text, amount, currency",
    [
        ("2.50", 2.5, ""), ("2", 2.0, ""), (".5", 0.5, ""), ("$2.50", 2.5, "$"), ("2.50 EUR", 2.5, "€"),
        ("EUR 2.50", 2.5, "€"), ("2.50€", 2.5, "€"), (" 12.3CHF ", 12.3, "CHF"),
    ],
)  # fmt: skip
def test_a_price(text: str, amount: float, currency: str) -> None:
    assert parsed(text, "--price-per-hour") == (amount, currency)


@pytest.mark.parametrize(
    "text", ["-2.50", "0", "", "free", "2,50", "1e3", "nan", "inf", "9" * 30, "$2 EUR", "2.50/h", "٢"]
)
def test_what_is_no_price_is_said_in_one_line(text: str) -> None:
    with pytest.raises(
        PriceError, match=r"not a price; give a positive number, such as 2\.50 or '2.50 EUR', or auto"
    ) as told:
        given(text, "--price-per-hour")
    assert "\n" not in str(told.value) and str(told.value).startswith("--price-per-hour: ")


@hypothesis_given(st.text(max_size=20))
@example("2.50\n")
def test_any_text_is_a_positive_price_or_refused(text: str) -> None:
    try:
        amount, currency = parsed(text, "here")
    except PriceError as error:
        assert "\n" not in str(error)
    else:
        assert 0 < amount <= 1e6 and len(currency) <= 3


def test_a_machine_by_its_price_and_by_its_parts() -> None:
    assert Prices(machine=2.5, currency="€").of_machine(16, 64 * GIB, ["NVIDIA X"]) == Rate(2.5, "€", "")
    assert Prices(accelerator=3.0).of_machine(16, 64 * GIB, ["A", "A"]) == Rate(6.0, "", "")
    assert Prices(accelerator=3.0).of_machine(16, 64 * GIB) is None
    parts = Prices(core=0.03, gib=0.004)
    rate = parts.of_machine(16, 64 * GIB)
    assert rate is not None and rate.per_hour == pytest.approx(16 * 0.03 + 64 * 0.004)
    assert parts.of_machine(16, 64 * GIB, ["NVIDIA X"]) is None  # of that nothing is known
    assert parts.of_machine(16, 0) is None  # nor of a machine of unknown size


@pytest.mark.parametrize(
    "name, price",
    [("NVIDIA H100 80GB HBM3", 3.0), ("NVIDIA A100-SXM4-80GB", 2.0), ("NVIDIA A10G", 0.8), ("Tesla T4", 0.4),
     ("NVIDIA L40S", 1.6), ("NVIDIA L4", 0.6), ("NVIDIA H200", 4.5)],
)  # fmt: skip
def test_auto_is_an_assumption_with_a_date(name: str, price: float) -> None:
    assumed = given("auto", "--price-per-hour")
    rate = assumed.of_machine(8, 32 * GIB, [name, name])
    assert rate is not None and rate.per_hour == pytest.approx(8 * 0.032 + 32 * 0.004 + 2 * price)
    assert rate.currency == "$" and rate.assumption == ASSUMPTION and "2026" in ASSUMPTION
    assert given("2.50", "--price-per-hour").assumption == ""


@pytest.mark.parametrize("name", ["NVIDIA L40", "NVIDIA GH200 480GB", "NVIDIA GeForce RTX 3060", "AMD Instinct MI300X"])
def test_auto_guesses_no_price_of_another_gpu(name: str) -> None:
    assert given("auto", "--price-per-hour").of_machine(8, 32 * GIB, [name]) is None


def configured(folder: Path, own: str = "", shared: str = "", per_hour: str | None = None) -> Prices | None:
    for name, text in (("bottleneck.toml", own), ("pyproject.toml", shared)):
        if text:
            (folder / name).write_text(text, encoding="utf-8")
    return prices(per_hour, folder)


def test_without_a_file_and_an_option_there_is_no_price(tmp_path: Path) -> None:
    assert configured(tmp_path) is None
    assert configured(tmp_path, shared="[tool.ruff]\nline-length = 120\n") is None


def test_prices_of_a_file(tmp_path: Path) -> None:
    own = """
        [prices]
        per_hour = 2.50
        currency = "EUR"
        core_per_hour = 0.05
        gib_per_hour = 0.01
        spot_per_hour = 0.80
        hours_between_preemptions = 6
        storage = { standard = 0.02, archive = 0.004 }
    """
    found = configured(tmp_path, own, shared="[tool.bottleneck.prices]\nper_hour = 9\n")  # our own file goes first
    assert found == Prices(
        machine=2.5, core=0.05, gib=0.01, spot=0.8, hours_between_preemptions=6.0,
        storage={"standard": 0.02, "archive": 0.004}, currency="€",
    )  # fmt: skip
    assert prices("4", tmp_path) == Prices(**{**vars(found), "machine": 4.0})  # the option goes before the file


def test_the_file_that_all_tools_share(tmp_path: Path) -> None:
    found = configured(tmp_path, shared='[tool.bottleneck.prices]\nper_hour = "2.50 CHF"\n')
    assert found == Prices(machine=2.5, currency="CHF")


def test_auto_in_a_file_keeps_what_the_user_knows(tmp_path: Path) -> None:
    found = configured(tmp_path, '[prices]\nper_hour = "auto"\ncore_per_hour = 0.05\n')
    assert found is not None and (found.core, found.gib, found.currency) == (0.05, 0.004, "$")


@pytest.mark.parametrize(
    "text, told",
    [
        ("[prices]\nper_hour = -1\n", "per_hour: -1 is not a price"),
        ("[prices]\nper_hour = true\n", "per_hour: True is not a price"),
        ("[prices]\nper_hour = nan\n", "per_hour: nan is not a price"),
        ("[prices]\nprice = 1\n", "has no 'price'; it may have"),
        ("[prices]\nstorage = 3\n", "storage is not a table of tiers"),
        ("[prices.storage]\nfast = -3\n", "storage.fast: -3 is not a price"),
        ("[prices]\ncurrency = 'gold'\n", "'gold' is not a currency"),
        ("[prices]\ncurrency = 'EUR'\nper_hour = '2 USD'\n", "prices in $ and in € cannot be added"),
        ("[prices]\ncurrency = 'EUR'\nper_hour = 'auto'\n", "prices in $ and in € cannot be added"),
        ("prices = 3\n", "prices is not a table"),
        ("[prices\n", "bottleneck.toml is no TOML"),
    ],
)
def test_a_wrong_file_is_said_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PriceError) as error:
        configured(tmp_path, text)
    assert told in str(error.value) and "\n" not in str(error.value) and "bottleneck.toml" in str(error.value)


def test_a_broken_file_of_others_is_no_reason_to_refuse_a_run(tmp_path: Path) -> None:
    assert configured(tmp_path, shared="[tool.ruff\n") is None
    with pytest.raises(PriceError, match=r"pyproject\.toml is no TOML"):
        configured(tmp_path, shared="[tool.bottleneck.prices]\nper_hour = \n")
