"""What the output of a network says: the table of cases, and how each is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize

from explorer.derived.predictions.reading import (
    LONE_SHARE,
    NO_VECTOR,
    NUMBERS,
    SCORE,
    UNCLEAR,
    YES_OR_NO,
    NoReading,
    OutputReading,
    class_numbers,
    nearest_shares,
    output_reading,
    what_labels_are,
)
from store.format.losses import Loss, recorded_loss

outputs = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5)),
    elements=st.floats(-50, 50, width=32),
)  # fmt: skip


def keras_loss(name, **options):
    """What a run records of a loss that is an object."""
    return {"module": "keras.losses", "class_name": name, "config": {"name": "", **options}}


FUNCTION = {"module": "builtins", "class_name": "function", "config": "mean_squared_error"}
CE, BCE, MSE = "sparse_categorical_crossentropy", "binary_crossentropy", "mse"
CE_LOGITS = keras_loss("SparseCategoricalCrossentropy", from_logits=True)
BCE_LOGITS = keras_loss("BinaryCrossentropy", from_logits=True)
OWN = {"class_name": "my_own_loss", "config": {}}

BINARY = np.array([0, 1, 1, 0])
CLASSES = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3)[CLASSES]
SEVERAL = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1]])
AGES = np.array([31, 4, 62, 18])
GRADES = np.array([0, 1, 2, 3])
POINTS = np.array([[0.5, 2, -1], [1, 7, 3], [0, 0, 2], [5, 5, 5]])

# Units of the output, what its function gives, the recorded loss, the labels; what it is.
CASES = {
    "logits": (3, "numbers", CE_LOGITS, CLASSES, "logits"),
    "logits, one-hot": (3, "numbers", keras_loss("CategoricalCrossentropy", from_logits=True),
                        ONE_HOT, "logits"),
    "softmax": (3, "shares", CE, CLASSES, "shares"),
    "softmax, one-hot": (3, "shares", "categorical_crossentropy", ONE_HOT, "shares"),
    "softmax by squared error": (3, "shares", MSE, ONE_HOT, "shares"),
    "softmax, without labels": (3, "shares", None, None, "shares"),
    "softmax, taken for logits": (3, "shares", CE_LOGITS, CLASSES, "shares"),
    "log softmax": (3, "log shares", OWN, CLASSES, "logits"),
    "softmax forgotten": (3, "numbers", CE, CLASSES, "parts"),
    "a softmax of one unit": (1, "shares", CE, BINARY, LONE_SHARE),
    "one logit": (1, "numbers", BCE_LOGITS, BINARY, "logit"),
    "one sigmoid": (1, "probability", BCE, BINARY, "sigmoid"),
    "one sigmoid, a column": (1, "probability", BCE, BINARY[:, None].astype(float), "sigmoid"),
    "one sigmoid by squared error": (1, "probability", MSE, BINARY, "sigmoid"),
    "one sigmoid, without labels": (1, "probability", BCE, None, "sigmoid"),
    "sigmoid forgotten": (1, "numbers", BCE, BINARY, "nearest"),
    "0 and 1 by squared error": (1, "numbers", MSE, BINARY, "nearest"),
    "0 and 1 by a function": (1, "numbers", FUNCTION, BINARY, "nearest"),
    "0 and 1 by absolute error": (1, "numbers", "mae", BINARY, "nearest"),
    "one-hot by squared error": (3, "numbers", "mean_squared_error", ONE_HOT, "nearest"),
    "several labels": (3, "probability", BCE, SEVERAL, "labels"),
    "several labels, logits": (3, "numbers", BCE_LOGITS, SEVERAL, "label logits"),
    "several labels, own loss": (3, "numbers", OWN, SEVERAL, YES_OR_NO),
    "sigmoids without labels": (3, "probability", BCE, None, "labels"),
    "one against the rest": (3, "probability", BCE, ONE_HOT, "parts"),
    "one against the rest, logits": (3, "numbers", BCE_LOGITS, ONE_HOT, "logit parts"),
    "regression": (1, "numbers", MSE, np.array([0.5, 2, -1, 3]), NUMBERS),
    "regression, own loss": (1, "numbers", None, np.array([0.5, 2, -1, 3]), NUMBERS),
    "regression, own loss, of shares": (3, "shares", OWN, POINTS, NUMBERS),
    "regression, own loss, of points": (3, "numbers", OWN, POINTS, NUMBERS),
    "regression of points": (3, "numbers", "huber", POINTS, NUMBERS),
    "regression within 0 and 1": (1, "probability", MSE, np.array([0.1, 0.9, 0.5, 0]), NUMBERS),
    "regression without labels": (1, "numbers", MSE, None, NUMBERS),
    "whole numbers": (1, "numbers", MSE, AGES, NUMBERS),
    "ordinal numbers": (1, "numbers", MSE, GRADES, NUMBERS),
    "counts": (1, "numbers", "poisson", GRADES, NUMBERS),
    "a margin": (1, "numbers", "hinge", BINARY, SCORE),
    "margins": (3, "numbers", "categorical_hinge", ONE_HOT, SCORE),
    "no loss, no labels": (3, "numbers", None, None, UNCLEAR),
    "one unit, no loss, no labels": (1, "numbers", None, None, UNCLEAR),
}  # fmt: skip


@pytest.mark.parametrize(
    ("units", "gives", "loss", "labels", "expected"), CASES.values(), ids=CASES
)
def test_what_an_output_is(units, gives, loss, labels, expected):
    sample = np.random.default_rng(0).normal(size=(2, 4, units))
    found = output_reading(
        sample,
        loss=recorded_loss(loss),
        gives=gives,
        labels=[] if labels is None else [labels],
    )
    if isinstance(found, NoReading):
        assert found.why == expected
    else:
        assert found == OutputReading(expected, max(2, units))
        assert "assumed" not in found.source


def test_without_a_loss_logits_are_an_assumption_and_said_to_be_one():
    several = output_reading(np.full((1, 4, 3), 7.0), labels=[CLASSES])
    assert several == OutputReading("logits", 3, is_assumed=True)
    assert several.source.endswith("the run does not say with which loss it was trained.")
    one = output_reading(np.full((1, 4, 1), 7.0), gives="numbers", labels=[BINARY])
    assert one == OutputReading("logit", 2, is_assumed=True)


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (np.full((1, 4, 3), 1 / 3, np.float16), OutputReading("shares", 3)),
        (np.array([[[0.25], [1.0]]]), OutputReading("sigmoid", 2)),
        (np.array([[[0.9, 0.8, 0.1]]]), OutputReading("parts", 3)),
        (np.array([[[-2.0], [3.0]]]), OutputReading("logit", 2, is_assumed=True)),
    ],
)
def test_an_unknown_function_is_seen_in_the_values(sample, expected):
    labels = BINARY if sample.shape[-1] == 1 else CLASSES
    assert output_reading(sample, labels=[labels]) == expected


def test_float16_probabilities_are_still_probabilities():
    logits = np.linspace(-3, 3, 1000)
    shares = (np.exp(logits) / np.exp(logits).sum()).astype(np.float16).reshape(1, 1, -1)
    found = output_reading(shares)
    assert found.kind == "shares"
    np.testing.assert_array_equal(found.probabilities(shares), shares.astype(np.float32))


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4, 5)])
def test_an_output_of_another_shape_is_no_classification(shape):
    assert output_reading(np.ones(shape), loss=recorded_loss(CE)) == NoReading(NO_VECTOR)


# -- reading ----------------------------------------------------------------------------------


def softmax_written_out(values):
    powers = np.exp(values.astype(np.float64) - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@given(outputs)
def test_logits_become_their_softmax(values):
    found = OutputReading("logits", values.shape[-1]).probabilities(values)
    np.testing.assert_allclose(found, softmax_written_out(values), atol=1e-6)


def test_one_logit_becomes_its_sigmoid():
    values = np.array([[-2.0], [0.0], [3.0]], np.float32)
    found = OutputReading("logit", 2).probabilities(values)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-values[:, 0])), rtol=1e-6)
    np.testing.assert_allclose(found.sum(axis=-1), 1)


def test_one_probability_is_that_of_the_second_class():
    found = OutputReading("sigmoid", 2).probabilities(np.array([[0.25], [1.0]]))
    np.testing.assert_allclose(found, [[0.75, 0.25], [0, 1]])


def test_a_linear_output_trained_on_0_and_1_says_the_class_that_is_nearer():
    """Read as a logit, 0.3 would be class 1, and be wrong."""
    found = OutputReading("nearest", 2).probabilities(np.array([[0.3], [0.6], [1.2], [-0.1]]))
    np.testing.assert_allclose(found, [[0.7, 0.3], [0.4, 0.6], [0, 1], [1, 0]], atol=1e-6)


@pytest.mark.parametrize("kind", ["parts", "logit parts"])
def test_classes_for_themselves_share_their_sum(kind):
    each = np.array([[0.9, 0.3, 0.3], [0.02, 0.01, 0.01]])
    given = each if kind == "parts" else np.log(each / (1 - each))
    found = OutputReading(kind, 3).probabilities(given)
    np.testing.assert_allclose(found, [[0.6, 0.2, 0.2], [0.5, 0.25, 0.25]], rtol=1e-4)


@pytest.mark.parametrize("kind", ["labels", "label logits"])
def test_labels_hold_each_for_itself(kind):
    each = np.array([[0.9, 0.8, 0.1]])
    reading = OutputReading(kind, 3)
    given = each if kind == "labels" else np.log(each / (1 - each))
    np.testing.assert_allclose(reading.probabilities(given), each, rtol=1e-5)
    assert not reading.is_choice
    assert OutputReading("shares", 3).is_choice


@given(hnp.arrays(np.float64, st.integers(2, 5), elements=st.floats(-3, 3)))
def test_no_probabilities_are_nearer(row):
    found = nearest_shares(row).astype(np.float64)
    np.testing.assert_allclose(found.sum(), 1, atol=1e-6)
    assert (found >= 0).all()
    assert found[row.argmax()] == found.max()
    best = minimize(
        lambda shares: ((shares - row) ** 2).sum(),
        np.full(len(row), 1 / len(row)),
        bounds=[(0, 1)] * len(row),
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1},
        method="SLSQP",
    )
    assert ((found - row) ** 2).sum() <= best.fun + 1e-5


@pytest.mark.parametrize(
    "kind", ["shares", "parts", "logit parts", "sigmoid", "logit", "logits", "nearest"]
)
@given(values=outputs)
def test_a_part_is_read_as_the_whole(kind, values):
    one = kind in ("sigmoid", "logit")
    output = values[..., :1] if one else values
    reading = OutputReading(kind, 2 if one else values.shape[-1])
    whole = reading.probabilities(output)
    assert (whole.dtype, whole.shape) == (np.float32, (*values.shape[:2], reading.classes))
    np.testing.assert_array_equal(reading.probabilities(output[:, 0]), whole[:, 0])
    np.testing.assert_array_equal(reading.probabilities(output[1:]), whole[1:])


@pytest.mark.parametrize("kind", ["logits", "nearest"])
def test_a_training_that_diverged_is_nan_without_a_warning(kind):
    output = np.array(
        [[[np.inf, 1, -1], [5, 1, -1], [np.nan, 1, 2], [np.inf, -np.inf, 0]]], np.float32
    )
    known = ~np.isnan(OutputReading(kind, 3).probabilities(output)).any(axis=-1)
    assert known.tolist() == [[False, True, False, False]]


# -- losses -----------------------------------------------------------------------------------


def test_the_loss_of_the_only_output_or_of_the_one_that_is_asked_for():
    assert recorded_loss(["mse"]) == recorded_loss({"o": "mse"}) == Loss("mse", "numbers")
    assert recorded_loss({"a": "mse", "b": "hinge"}, "b") == Loss("hinge", "score")
    assert recorded_loss({"a": "mse", "b": "hinge"}) is None
    assert recorded_loss(["mse", "bce"]) is None
    assert recorded_loss(None) is None


def test_a_loss_of_ones_own_is_of_no_family():
    own = keras_loss("Huber") | {"registered_name": "mine>Huber"}
    assert recorded_loss(own).family is None
    assert recorded_loss("focal_of_mine").family is None


def test_every_loss_of_keras_is_of_a_family():
    """But those that compare no class, no yes and no number."""
    import keras

    base = (keras.losses.Loss,)
    names = [
        name for name, one in vars(keras.losses).items()
        if isinstance(one, type) and issubclass(one, base) and one not in base
    ]  # fmt: skip
    unknown = {name for name in names if recorded_loss(keras_loss(name)).family is None}
    assert unknown <= {"CTC", "Circle"}


# -- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        (np.array([0, 2, 1]), 3, [0, 2, 1]),
        (np.array([0.0, 1.0]), 2, [0, 1]),
        (np.array([[2], [0]]), 3, [2, 0]),
        (np.array([True, False]), 2, [1, 0]),
        (np.array([[0, 1, 0], [1, 0, 0]]), 3, [1, 0]),
        (np.array([[0.1, 0.9], [0.7, 0.3]]), 2, [1, 0]),
        (np.array([0, 3]), 3, None),
        (np.array([-1, 1]), 3, None),
        (np.array([0.5, 1.0]), 3, None),
        (np.array([[1, 1, 0]]), 3, None),
        (np.array([np.nan, 1.0]), 3, None),
        (np.zeros((2, 4, 4), int), 3, None),
    ],
)
def test_labels_as_class_numbers(labels, classes, expected):
    found = class_numbers(labels, classes)
    assert (found if found is None else found.tolist()) == expected


@pytest.mark.parametrize(
    ("labels", "units", "expected"),
    [
        (np.array([0, 7, 2]), 10, "classes"),
        (np.array([0, 1, 1]), 1, "classes"),
        (np.array([[0, 1], [1, 0]]), 2, "shares"),
        (np.array([[0.2, 0.8], [1, 0]]), 2, "shares"),
        (np.array([[1, 1, 0]]), 3, "marks"),
        (np.array([21.5, 18.0]), 1, "values"),
        (np.array([35, 62]), 1, "values"),
        (np.array([0.5, 1.5]), 4, "values"),
        (np.array([[0.1, 5.0], [2.0, 3.0]]), 2, "values"),
        (np.array([]), 2, None),
    ],
)
def test_what_labels_are(labels, units, expected):
    assert what_labels_are([labels], units) == expected


def test_more_labels_may_show_that_the_first_ones_only_look_special():
    assert what_labels_are([np.array([0, 1, 1]), np.array([4, 0])], 1) == "values"
    assert what_labels_are([ONE_HOT, SEVERAL], 3) == "marks"
    assert what_labels_are([], 3) is None


def test_what_the_labels_ask_decides_before_what_they_look_like():
    sample = np.random.default_rng(0).random((3, 4, 2), np.float32)
    rows = [np.eye(2)[[0, 1, 0, 1]]]  # tags, of which each probe happens to have one
    loss = recorded_loss("binary_crossentropy")
    assert output_reading(sample, loss=loss, labels=rows).kind == "parts"
    assert output_reading(sample, loss=loss, labels=rows, task="tags").kind == "labels"
    ages = [np.array([0, 1, 1, 0])]
    alone = sample[..., :1]
    assert output_reading(alone, gives="probability", labels=ages).kind == "sigmoid"
    assert output_reading(alone, gives="probability", labels=ages, task="values") == NoReading(
        NUMBERS
    )
