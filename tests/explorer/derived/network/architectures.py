"""Networks as a recording gives them, made from the configuration of a Keras model alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Facts(NamedTuple):
    """What `find_blocks` is given."""

    classes: dict[str, str]
    inbound: dict[str, list[str]]
    operated: frozenset[str]


def facts_of(model: Any) -> Facts:
    """Give what is known of a functional model's layers; plain operations are in no layer."""
    import keras

    made = {operation.name: operation for operation in model.operations}
    classes: dict[str, str] = {}
    inbound: dict[str, list[str]] = {}
    operated: set[str] = set()
    behind: dict[str, list[str]] = {}  # the layers behind each operation
    for entry in model.get_config()["layers"]:
        name, sources = entry["name"], [*_taken(entry["inbound_nodes"][:1])]
        layers = [layer for source in sources for layer in behind.get(source, [source])]
        layers = [*dict.fromkeys(layers)]
        if not isinstance(made[name], keras.Layer):
            behind[name] = layers
            continue
        classes[name], inbound[name] = type(made[name]).__name__, layers
        if any(source in behind for source in sources):
            operated.add(name)
    return Facts(classes, inbound, frozenset(operated))


def _taken(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield value["config"]["keras_history"][0]
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _taken(inner)


def vit(depth: int = 3) -> Any:
    """Make a vision transformer after Dosovitskiy et al. 2021: normalized first."""
    import keras
    from keras import layers as kl

    image = keras.Input((32, 32, 3))
    x = kl.Reshape((-1, 16))(kl.Conv2D(16, 8, 8)(image))
    for _ in range(depth):
        y = kl.LayerNormalization()(x)
        x = kl.Add()([x, kl.MultiHeadAttention(2, 8)(y, y)])
        y = kl.Dense(32, "gelu")(kl.LayerNormalization()(x))
        x = kl.Add()([x, kl.Dense(16)(y)])
    x = kl.GlobalAveragePooling1D()(kl.LayerNormalization()(x))
    return keras.Model(image, kl.Dense(3, "softmax")(x))


def transformer_of_sums(depth: int = 3) -> Any:
    """Make a transformer whose residuals are plain ``x + y``, in no layer."""
    import keras
    from keras import layers as kl

    words = keras.Input((6, 8))
    x = words
    for _ in range(depth):
        y = kl.LayerNormalization()(x)
        x = x + kl.MultiHeadAttention(2, 4)(y, y)
        x = x + kl.Dense(8)(kl.LayerNormalization()(x))
    return keras.Model(words, kl.Dense(3)(x))


def original_transformer() -> Any:
    """Make encoder and decoder after Vaswani et al. 2017: normalized behind each sum."""
    import keras
    from keras import layers as kl

    def residual(x: Any, y: Any) -> Any:
        return kl.LayerNormalization()(kl.Add()([x, kl.Dropout(0.1)(y)]))

    source, target = keras.Input((5, 8)), keras.Input((4, 8))
    memory, x = source, target
    for _ in range(2):
        memory = residual(memory, kl.MultiHeadAttention(2, 4)(memory, memory))
        memory = residual(memory, kl.Dense(8)(kl.Dense(16, "relu")(memory)))
    for _ in range(2):
        x = residual(x, kl.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))
        x = residual(x, kl.MultiHeadAttention(2, 4)(x, memory))
        x = residual(x, kl.Dense(8)(kl.Dense(16, "relu")(x)))
    return keras.Model([source, target], kl.Dense(3)(x))


def unet(*, residual: bool = False, cropped: bool = False) -> Any:
    """Make a U-Net after Ronneberger et al. 2015, with plain or residual stages."""
    import keras
    from keras import layers as kl

    def stage(x: Any, units: int) -> Any:
        y = kl.Conv2D(units, 3, padding="same", activation="relu")(x)
        y = kl.Conv2D(units, 3, padding="same", activation="relu")(y)
        return kl.Add()([kl.Conv2D(units, 1)(x), y]) if residual else y

    image = keras.Input((32, 32, 1))
    x, kept = image, []
    for units in (4, 8, 16):
        x = stage(x, units)
        kept.append(kl.Cropping2D(0)(x) if cropped else x)
        x = kl.MaxPooling2D()(x)
    x = stage(x, 32)
    for units in (16, 8, 4):
        x = stage(kl.Concatenate()([kl.UpSampling2D()(x), kept.pop()]), units)
    return keras.Model(image, kl.Conv2D(1, 1)(x))


def all_joined() -> Any:
    """Make two dense blocks whose layers each take all before them at once."""
    import keras
    from keras import layers as kl

    image = keras.Input((8, 8, 4))
    x = image
    for _ in range(2):
        made = [x]
        for _ in range(3):
            joined = kl.Concatenate()(made) if len(made) > 1 else x
            made.append(kl.Conv2D(2, 3, padding="same")(joined))
        x = kl.Conv2D(4, 1)(kl.Concatenate()(made))
    return keras.Model(image, x)


def text_cnn() -> Any:
    """Make a CNN after Kim 2014: three widths, joined once."""
    import keras
    from keras import layers as kl

    words = keras.Input((12,))
    x = kl.Embedding(20, 4)(words)
    wide = [kl.GlobalMaxPooling1D()(kl.Conv1D(3, size)(x)) for size in (2, 3, 4)]
    return keras.Model(words, kl.Dense(2)(kl.Concatenate()(wide)))


def lenet() -> Any:
    """Make a LeNet, as the preset is built."""
    import keras
    from keras import layers as kl

    image = keras.Input((28, 28, 1))
    x = kl.MaxPooling2D(name="pool1")(kl.Conv2D(6, 5, name="conv1")(image))
    x = kl.MaxPooling2D(name="pool2")(kl.Conv2D(16, 5, name="conv2")(x))
    x = kl.Dense(120, name="dense1")(kl.Flatten(name="flatten")(x))
    return keras.Model(image, kl.Dense(10, name="dense2")(x))
