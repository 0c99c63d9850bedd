"""What a card's command begins from is something that the command takes."""

import re

import pytest

from tests.correctors.pictures import tiny_weights
from unlossy.correctors.card import card
from unlossy.correctors.nets.sizes import load_network, save_network
from unlossy.correctors.registry import weights_of
from unlossy.correctors.weights_place import FOLDER


def begun_from(text: str) -> str:
    return re.findall(r"--corrector (\S+)", text)[0]


@pytest.mark.parametrize(
    ("initial", "told"),
    [
        ("small.safetensors", "small"),
        ("base.safetensors", "base"),
        ("ttac-mobilenet-v2.safetensors", "ttac-mobilenet-v2"),
        ("weights.safetensors", "START/weights.safetensors"),
        ("dncnn3.safetensors", "START/dncnn3.safetensors"),
    ],
)
def test_a_run_began_from_a_network_that_ships_or_from_a_file(tmp_path, initial, told):
    weights = tmp_path / "weights.safetensors"
    save_network(
        weights, load_network(tiny_weights(tmp_path)), {"aimed_at": '[{"model": "hf:net"}]', "initial": initial}
    )
    assert begun_from(card("mine", weights)) == told
    weights_of(told)


def test_the_shipped_card_names_a_start_that_the_command_takes():
    text = (FOLDER / "ttac-mobilenet-v2.md").read_text("utf-8")
    assert weights_of(begun_from(text)).name == "weights.safetensors"
    assert "benchmarks/retrain_ttac.py" in text
