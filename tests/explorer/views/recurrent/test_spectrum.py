"""Eigenvalues of recurrent matrices on screen, and their radius, norm and departure over time."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.models import Plot

from explorer.plots.growth import growth_curves
from explorer.plots.style import CURSOR_NAME
from explorer.views.alternatives import Alternatives
from explorer.views.recurrent import spectrum
from explorer.views.recurrent.spectrum import RecurrentSpectrum, eigenvalues_of
from explorer.widgets.charts.point_cloud import PointCloud
from tests.explorer.data.test_recurrent import STEPS, data_of, layer_of
from tests.explorer.views.recurrent.test_states import KINDS, ODD_KINDS, drawn, every, scene_of


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *ODD_KINDS, "stateful"])
def test_it_draws_every_kind_of_recurrent_layer(kind):
    view, scene = RecurrentSpectrum(), scene_of(kind, index=0)
    panel = drawn(view, scene)
    assert len(every(PointCloud, panel)) == 1
    assert len(list(panel.get_root().select({"type": Plot}))) == 2
    assert view.caption(scene).endswith(".")


def test_it_says_that_a_matrix_is_not_the_layer():
    said = RecurrentSpectrum().caption(scene_of("lstm", index=0))
    assert said.startswith("One gate's weights of")
    assert "this matrix, not the layer" in said
    alone = RecurrentSpectrum().caption(scene_of("simple", index=0))
    assert alone.startswith("The weights of")
    assert "other gates" not in alone


@pytest.mark.parametrize(
    ("kind", "columns"), [("simple", [0, 3]), ("lstm", [6, 9]), ("gru", [6, 9])]
)
def test_points_are_the_eigenvalues_of_the_candidate(kind, columns):
    (cloud,) = every(PointCloud, drawn(RecurrentSpectrum(), scene_of(kind)))
    assert cloud.circle == 1
    assert cloud.equal
    for index in range(STEPS):
        kernel = data_of(kind).weight("rnn", "recurrent_kernel", index)[:, slice(*columns)]
        expected = np.linalg.eigvals(kernel.astype(np.float64))
        found = cloud.positions[index] @ [1, 1j]
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), atol=1e-5)


def test_radius_and_norm_are_those_of_the_matrix():
    found = eigenvalues_of(layer_of("gru"), "forward", "reset").found
    for index in range(STEPS):
        kernel = data_of("gru").weight("rnn", "recurrent_kernel", index)[:, 3:6].astype(float)
        assert found.radius[index] == pytest.approx(np.abs(np.linalg.eigvals(kernel)).max())
        assert found.norm[index] == pytest.approx(np.linalg.norm(kernel, 2))
        assert 0 <= found.departure[index] <= 1


def test_gates_and_directions_can_be_chosen():
    view, scene = RecurrentSpectrum(), scene_of("both")
    panel = drawn(view, scene)
    (pictures,) = every(Alternatives, panel)
    assert len(pictures.choice.options) == 8
    assert pictures.choice.value == "forward candidate"
    pictures.choice.value = "backward forget"
    cloud = every(PointCloud, panel)[-1]
    kernel = data_of("both").weights("rnn", 2)["backward_lstm.recurrent_kernel"][:, 3:6]
    np.testing.assert_allclose(
        np.sort_complex(cloud.positions[2] @ [1, 1j]),
        np.sort_complex(np.linalg.eigvals(kernel.astype(float))),
        atol=1e-5,
    )
    again = every(Alternatives, drawn(view, scene))[0]
    assert again.choice.value == "forward forget"
    assert not every(Alternatives, drawn(view, scene_of("simple")))


def test_after_a_training_diverged_there_are_no_points():
    (cloud,) = every(PointCloud, drawn(RecurrentSpectrum(), scene_of("diverged")))
    assert np.isnan(cloud.positions[-1]).all()
    assert np.isfinite(cloud.positions[:-1]).all()


def test_a_large_layer_is_looked_at_at_some_steps_and_a_huge_one_not(monkeypatch):
    monkeypatch.setattr(spectrum, "MOST_CUBES", 1)
    view, scene = RecurrentSpectrum(), scene_of("sum")
    assert "Computed at 2 of the 4 recorded steps" in view.caption(scene)
    (cloud,) = every(PointCloud, drawn(view, scene))
    np.testing.assert_array_equal(cloud.positions[1], cloud.positions[0])
    assert not cloud.trails
    monkeypatch.setattr(spectrum, "MOST_UNITS", 2)
    assert "take too long" in view.requirement(scene)


def test_curves_of_growth_have_a_line_where_nothing_grows():
    import holoviews as hv

    curves = growth_curves(
        {"radius": np.array([0.5, np.inf, 2.0]), "norm": np.array([np.nan, 1.0, 3.0])},
        np.arange(3.0),
        x_label="step",
        y_label="growth",
        index=1,
    )
    figure = hv.render(curves, backend="bokeh")
    (line,) = figure.select({"name": "even"})
    assert (line.location, line.dimension) == (1.0, "width")
    (cursor,) = figure.select({"name": CURSOR_NAME})
    assert cursor.location == 1.0
    assert figure.y_range.end == pytest.approx(3.15)


@pytest.mark.parametrize("kind", ["own", "images"])
def test_other_layers_say_that_their_matrix_is_not_known(kind):
    assert "is it known which weights" in RecurrentSpectrum().requirement(scene_of(kind))
