"""Units that are held: what follows is computed by hand, and no gradient passes them."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.derived.network.editing import Edit, edited
from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, 3)).astype(np.float32)
KERNEL = RANDOM.normal(size=(3, 3)).astype(np.float32)
WEIGHTS = {"first": {"kernel": KERNEL}, "last": {"kernel": RANDOM.normal(size=(3, 2))}}
DENSE = {"use_bias": False}


def chain() -> Network:
    return Network(
        [
            Node("x", "InputLayer"),
            Node("first", "Dense", DENSE, ("x",)),
            Node("last", "Dense", DENSE, ("first",)),
        ]
    )


def edit(*factor: float, constant: tuple[float, ...] = (0, 0, 0)) -> Edit:
    return Edit("first", np.float32(factor), np.float32(constant))


@pytest.mark.parametrize(
    "given", [edit(0, 1, 1), edit(0, 1, 0, constant=(2, 0, -1)), edit(0.5, 2, 1)], ids=str
)
def test_what_follows_takes_the_edited_units(given: Edit) -> None:
    network, weights = edited(chain(), WEIGHTS, given)
    found = network.forward({"x": X}, weights)
    held = X @ KERNEL * given.factor + given.constant
    np.testing.assert_allclose(found["first"], held, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        found["last"], held @ WEIGHTS["last"]["kernel"], rtol=1e-4, atol=1e-5
    )


def test_what_is_held_passes_no_gradient() -> None:
    network, weights = edited(chain(), WEIGHTS, edit(0, 1, 1))
    found = network.forward({"x": X}, weights)
    seed = np.ones((4, 2), np.float32)
    back = network.backward(found, weights, {"last": seed})["x"]
    by_hand = (seed @ WEIGHTS["last"]["kernel"].T * [0, 1, 1]) @ KERNEL.T
    np.testing.assert_allclose(back, by_hand, rtol=1e-4, atol=1e-5)


def test_edits_are_done_one_after_the_other() -> None:
    network, weights = edited(*edited(chain(), WEIGHTS, edit(2, 2, 2)), edit(1, 0, 1))
    np.testing.assert_allclose(
        network.forward({"x": X}, weights)["first"], X @ KERNEL * [2, 0, 2], rtol=1e-4, atol=1e-5
    )


def test_one_call_of_a_shared_layer_is_edited_alone() -> None:
    nodes = [
        Node("x", "InputLayer"),
        Node("first", "Dense", DENSE, ("x",)),
        Node("first_1", "Dense", DENSE, ("first",)),
    ]
    network, weights = edited(Network(nodes), WEIGHTS, edit(0, 1, 1))
    found = network.forward({"x": X}, weights)
    by_hand = X @ KERNEL * [0, 1, 1] @ KERNEL
    np.testing.assert_allclose(found["first_1"], by_hand, rtol=1e-4, atol=1e-5)
