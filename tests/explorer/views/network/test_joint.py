"""The probe's way drawn: links between real neighbours, for one class at every step."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.run import RunData
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.network.joint import ROWS, Joint
from recorder import Probe, Recorder, every_n_steps
from store import open_run

LABEL = 2


@pytest.fixture(scope="module")
def branching(tmp_path_factory):
    """A recorded training of a network with two branches, of which one has a transposed layer."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(4)
    image = layers.Input((8, 8, 1), name="image")
    stem = layers.Conv2D(3, 3, padding="same", activation="relu", name="stem")(image)
    low = layers.Conv2D(4, 3, strides=2, padding="same", name="low")(stem)
    high = layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="high")(low)
    joined = layers.Add(name="joined")([stem, high])
    flat = layers.Flatten(name="flat")(joined)
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="classes")(flat))
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 8, 8, 1)).astype(np.float32), np.arange(12) % 3
    path = tmp_path_factory.mktemp("runs") / "branching.zarr"
    probe = Probe(x[2:4], y[2:4], class_names=["a", "b", "c"])
    recorder = Recorder(path, probe, schedule=every_n_steps(1))
    model.fit(x, y, batch_size=4, epochs=1, verbose=0, callbacks=[recorder])
    return RunData(open_run(path))


def drawn(data, layer="stem", unit=0, target=-1):
    view, scene = Joint(), Scene(data, SelectionKey(layer, 0, "step", unit, target))
    assert view.requirement(scene) is None
    return view, scene, view.draw(scene, view.compute(scene))


@pytest.mark.slow
def test_links_lie_between_layers_of_which_one_takes_the_other(branching):
    _, _, picture = drawn(branching)
    assert picture.links == [
        ["image", "stem"],
        ["stem", "low"],
        ["low", "high"],
        ["stem", "joined"],
        ["high", "joined"],
        ["joined", "classes"],
    ]


def test_links_out_of_a_unit_add_up_to_its_contribution(branching):
    _, _, picture = drawn(branching)
    names = [column["layer"] for column in picture.columns[1:]]
    links = dict(zip(map(tuple, picture.links), picture.payload(2)["links"], strict=True))
    contributions = dict(zip(names, picture.payload(2)["contributions"], strict=True))
    for source in ("stem", "low", "high"):
        out = sum(part.sum(axis=1) for (of, _), part in links.items() if of == source)
        shown = ~np.isnan(contributions[source])
        np.testing.assert_allclose(out[shown], contributions[source][shown], rtol=1e-3, atol=1e-5)
    # Of the input there is one row.
    assert np.any(links["image", "stem"][0])
    assert not np.any(links["image", "stem"][1:])
    assert len(links["image", "stem"]) == ROWS


def test_no_link_is_stronger_than_the_scale_of_its_column_at_the_steps_that_fix_it(branching):
    _, _, picture = drawn(branching)
    names = [column["layer"] for column in picture.columns[1:]]
    found = [picture.payload(index)["links"] for index in range(len(branching.run))]
    for name, scale in zip(names, picture.scales, strict=True):
        into = [at for at, (_, layer) in enumerate(picture.links) if layer == name]
        assert np.abs(np.stack(found)[:, into]).max() == pytest.approx(scale, rel=1e-5)


def test_the_true_class_is_explained_at_every_step_until_another_is_chosen(branching):
    view, scene, picture = drawn(branching)
    steps = range(len(branching.run))
    assert {picture.payload(index)["target"] for index in steps} == {LABEL}
    assert "“c”, the true class" in view.caption(scene)
    view, scene, picture = drawn(branching, target=0)
    assert {picture.payload(index)["target"] for index in steps} == {0}
    assert "“a”, which was chosen" in view.caption(scene)


def test_a_step_at_which_all_is_nan_leaves_the_others_as_they_are(branching, monkeypatch):
    """Nor has NumPy anything to warn of: a warning is an error here."""
    whole, last = branching.activations, len(branching.run) - 1

    def broken(layer, index, probe=None):
        values = whole(layer, index, probe)
        return np.full_like(values, np.nan) if index == last else values

    view, scene = Joint(), Scene(branching, SelectionKey("stem", 0, "step", 0, -1))
    before = view.compute(scene)[1].evidence
    monkeypatch.setattr(branching, "activations", broken)
    after = view.compute(scene)[1].evidence
    assert 0 < after <= before


# -- networks that are too deep to be shown whole ---------------------------------------------


def folded(data, monkeypatch, most):
    for name in ("MOST_COLUMNS", "WHOLE_COLUMNS"):
        monkeypatch.setattr(f"explorer.views.network.joint.{name}", most)
    return drawn(data)


def test_of_a_deep_network_the_layers_are_shown_that_contribute_most(branching, monkeypatch):
    """What they contribute is a share of all, mean of the sampled steps, written out here."""
    view, scene, whole = drawn(branching)
    shares = []
    for index in whole.tracer.sampled:
        way = whole.tracer.way(index, whole.tracer.activations(index))
        sums = {
            name: np.abs(values.reshape(-1, values.shape[-1]).sum(axis=0)).sum()
            for name, values in way.contributions.items()
            if name != "image"
        }
        shares.append({name: value / sum(sums.values()) for name, value in sums.items()})
    mean = {name: np.mean([share[name] for share in shares]) for name in shares[0]}
    strongest = sorted(mean, key=mean.get)[-2:]

    view, scene, picture = folded(branching, monkeypatch, 3)
    names = [column["layer"] for column in picture.columns]
    order = ["image", "stem", "low", "high", "joined", "classes"]
    assert names == [name for name in order if name in {"image", "classes", *strongest}]
    told = [group for column in picture.columns[1:] for group in column["folded"]]
    assert sorted([*names, *told]) == sorted(order)
    assert "Of 5 layers or groups of layers, 3 are shown" in view.caption(scene)


def test_links_through_what_is_folded_still_add_up(branching, monkeypatch):
    """To a class, what speaks for its own logit: that of the explained one counts."""
    _, _, picture = folded(branching, monkeypatch, 3)
    payload = picture.payload(2)
    target = payload["units"][-1].tolist().index(payload["target"])
    for at, column in enumerate(picture.columns[1:-1]):
        out = np.zeros(ROWS)
        for (of, to), part in zip(picture.links, payload["links"], strict=True):
            if of == column["layer"]:
                out += part[:, target] if to == "classes" else part.sum(axis=1)
        shown = ~np.isnan(payload["contributions"][at])
        expected = payload["contributions"][at][shown]
        assert np.any(expected)
        np.testing.assert_allclose(out[shown], expected, rtol=1e-3, atol=1e-5)


def test_what_is_folded_is_opened_and_folded_again(branching, monkeypatch):
    _, _, picture = folded(branching, monkeypatch, 2)
    before, key = [column["layer"] for column in picture.columns], picture.key
    (group, *_) = next(c["folded"] for c in picture.columns[1:] if c["folded"])
    picture.opened = [group]
    names = [column["layer"] for column in picture.columns]
    assert {*names} == {*before, group}
    assert picture.key != key
    assert len(picture.payload(1)["units"]) == len(picture.scales) == len(names) - 1
    picture.opened = []
    assert [column["layer"] for column in picture.columns] == before
