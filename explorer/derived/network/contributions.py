"""What every unit adds to a class: gradient and gradient × activation of the class's logit.

The product is that of Shrikumar et al. 2016 (arXiv:1605.01713). In a network that is piecewise
linear and has no biases, the contributions of a whole layer add up to the logit (Ancona et al.
2018, arXiv:1711.06104); with biases, the bias × gradient of the layers after it makes up the
difference. The gradient alone is the saliency of Simonyan et al. 2013 (arXiv:1312.6034).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from explorer.derived.network.engine import Arrays, Network, StepWeights
from explorer.derived.network.node import Array, as_float


def class_gradients(
    network: Network,
    activations: Arrays,
    weights: StepWeights,
    output_layer: str,
    class_number: int | Array,
    *,
    token: int | None = None,
    masks: Arrays | None = None,
    wanted: Iterable[str] | None = None,
    ends: Iterable[str] = (),
) -> dict[str, Array]:
    """Compute the gradient of a class's logit at the output of every layer.

    Parameters
    ----------
    network : Network
        The layers.
    activations, weights, masks, wanted, ends
        As for `Network.backward`.
    output_layer : str
        The layer that gives the classes. Where it ends in a softmax or a sigmoid, the logit is
        what that is applied to, else the output itself.
    class_number : int, or ndarray (batch,) of int
        Which class, of all in the batch or of each. Of a single unit, class 1 has its logit and
        class 0 the negative of it.
    token : int, optional
        Where on the first axis after the batch, of an output that has one (a language model);
        by default the logits of all places are summed.

    Returns
    -------
    dict of str to ndarray (batch, ...), float32

    Raises
    ------
    ValueError
        There is no such class or place.
    NotDerivableError
        See `Network.backward`.
    """
    hidden = network.activation(output_layer).hides_logits
    seed = _seed(
        _class_output(network, activations, weights, output_layer, masks), class_number, token
    )
    return network.backward(
        activations,
        weights,
        {output_layer: seed},
        masks=masks,
        before_activation=hidden,
        wanted=wanted,
        ends=ends,
    )


def contributions(
    network: Network,
    activations: Arrays,
    weights: StepWeights,
    output_layer: str,
    class_number: int,
    *,
    token: int | None = None,
    masks: Arrays | None = None,
    wanted: Iterable[str] | None = None,
) -> dict[str, Array]:
    """Compute what every unit of every layer adds to a class's logit: gradient × activation.

    Parameters
    ----------
    network, activations, weights, output_layer, class_number, token, masks, wanted
        As for `class_gradients`.

    Returns
    -------
    dict of str to ndarray (batch, ...), float32
        Shaped like the activations. Of the output layer, the logit at its unit. Layers of whole
        numbers (tokens) are left out: what a token adds is the sum over its embedding.

    Raises
    ------
    ValueError, NotDerivableError
        As `class_gradients`.
    """
    names = None if wanted is None else [network.node(layer).name for layer in wanted]
    gradients = class_gradients(
        network,
        activations,
        weights,
        output_layer,
        class_number,
        token=token,
        masks=masks,
        wanted=names,
    )
    values = {name: np.asarray(activations[name]) for name in gradients if name in activations}
    if names is None or output_layer in names:
        output = _class_output(network, activations, weights, output_layer, masks)
        values[output_layer] = output
        gradients[output_layer] = _seed(output, class_number, token)
    with np.errstate(all="ignore"):  # what diverged shows as NaN
        return {
            name: gradients[name] * as_float(value)
            for name, value in values.items()
            if value.dtype.kind == "f"
        }


def _class_output(
    network: Network, activations: Arrays, weights: StepWeights, layer: str, masks: Arrays | None
) -> Array:
    """Give the logits of a layer, or its output where nothing hides them."""
    if layer in activations and not network.activation(layer).hides_logits:
        return as_float(activations[layer])
    return network.logits(layer, activations, weights, masks=masks)


def _seed(output: Array, class_number: int | Array, token: int | None) -> Array:
    units = output.shape[-1]
    classes = max(2, units)
    numbers = np.broadcast_to(class_number, len(output))
    beyond = numbers[(numbers < 0) | (numbers >= classes)]
    if beyond.size:
        raise ValueError(
            f"There is no class {beyond[0]}: the output has {units} units, so the classes are "
            f"0 to {classes - 1}."
        )
    seed = np.zeros_like(output)
    places = seed
    if token is not None:
        if output.ndim < 3 or not -output.shape[1] <= token < output.shape[1]:
            raise ValueError(
                f"There is no place {token} in an output of shape {output.shape}. Leave `token` "
                "out, or choose one of the axis after the batch."
            )
        places = seed[:, token]
    if units == 1:
        places.T[...] = np.where(numbers == 1, 1, -1)
    else:
        places[np.arange(len(numbers)), ..., numbers] = 1
    return seed
