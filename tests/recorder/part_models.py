"""Trainings of models without one `call`: small, after well-known public examples.

Each is a function that builds a compiled model, and what `fit` and a recorder are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras  # noqa: TID253 - its models are classes of Keras
import numpy as np
import tensorflow as tf  # noqa: TID253
from keras import layers  # noqa: TID253

from recorder import Probe

SIDE, LATENT, IMAGES = 8, 5, 24


def images() -> np.ndarray:
    return np.random.default_rng(3).random((IMAGES, SIDE, SIDE, 1), np.float32)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(4).normal(size=(count, LATENT)).astype(np.float32)


def generator() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(4 * 4 * 3, name="grow"),
            layers.Reshape((4, 4, 3), name="square"),
            layers.BatchNormalization(name="norm"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", name="conv"),
        ],
        name="generator",
    )


def discriminator(end: int = 1) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(3, 3, strides=2, padding="same", name="conv"),
            layers.LeakyReLU(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(end, name="judge"),
        ],
        name="discriminator",
    )


@keras.saving.register_keras_serializable("tests")
class Gan(keras.Model):
    """DCGAN: two optimizers, each once a batch; the discriminator is frozen for the generator."""

    def __init__(self) -> None:
        super().__init__(name="gan")
        self.discriminator = discriminator()
        self.generator = generator()
        self.seeds = keras.random.SeedGenerator(5)

    def compile(self, d_optimizer: Any, g_optimizer: Any) -> None:
        super().compile()
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def latent(self, like: Any) -> Any:
        return keras.random.normal((tf.shape(like)[0], LATENT), seed=self.seeds)

    def train_step(self, real: Any) -> dict[str, Any]:
        fake = self.generator(self.latent(real), training=True)
        both = tf.concat([fake, real], axis=0)
        labels = tf.concat(
            [tf.ones((tf.shape(real)[0], 1)), tf.zeros((tf.shape(real)[0], 1))], axis=0
        )
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(both, training=True))
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        with tf.GradientTape() as tape:
            judged = self.discriminator(self.generator(self.latent(real), training=True))
            g_loss = self.loss_fn(tf.zeros((tf.shape(real)[0], 1)), judged)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}


class WganGp(Gan):
    """Several updates of the critic a batch, with a penalty on its gradient."""

    critic_steps = 3

    def train_step(self, real: Any) -> dict[str, Any]:
        for _ in range(self.critic_steps):
            with tf.GradientTape() as tape:
                fake = self.generator(self.latent(real), training=True)
                mix = keras.random.uniform((tf.shape(real)[0], 1, 1, 1), seed=self.seeds)
                between = real + mix * (fake - real)
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    judged = self.discriminator(between, training=True)
                slope = inner.gradient(judged, between)
                norm = tf.sqrt(tf.reduce_sum(tf.square(slope), axis=[1, 2, 3]) + 1e-12)
                d_loss = (
                    tf.reduce_mean(self.discriminator(fake, training=True))
                    - tf.reduce_mean(self.discriminator(real, training=True))
                    + 10.0 * tf.reduce_mean((norm - 1.0) ** 2)
                )
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply_gradients(
                zip(tape.gradient(d_loss, weights), weights, strict=True)
            )
        with tf.GradientTape() as tape:
            fake = self.generator(self.latent(real), training=True)
            g_loss = -tf.reduce_mean(self.discriminator(fake, training=True))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}


class Sampling(layers.Layer):
    """Draws a latent vector."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(11)

    def call(self, inputs: Any) -> Any:
        mean, log_var = inputs
        return mean + tf.exp(0.5 * log_var) * keras.random.normal(tf.shape(mean), seed=self.seeds)


def encoder() -> keras.Model:
    image = keras.Input((SIDE, SIDE, 1))
    x = layers.Flatten()(layers.Conv2D(2, 3, strides=2, activation="relu", name="conv")(image))
    mean, log_var = layers.Dense(LATENT, name="mean")(x), layers.Dense(LATENT, name="var")(x)
    return keras.Model(image, [mean, log_var, Sampling(name="z")([mean, log_var])], name="encoder")


class Vae(keras.Model):
    """One optimizer over encoder and decoder; metrics are trackers."""

    def __init__(self, decoder: Any = None) -> None:
        super().__init__(name="vae")
        self.encoder = encoder()
        self.decoder = generator() if decoder is None else decoder
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]

    def train_step(self, data: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            mean, log_var, z = self.encoder(data, training=True)
            built = self.decoder(z, training=True)
            kl = -0.5 * (1 + log_var - tf.square(mean) - tf.exp(log_var))
            loss = tf.reduce_mean((data - built) ** 2) + 0.01 * tf.reduce_mean(kl)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


class SimClr(keras.Model):
    """Augmentations without weights, an encoder, a head, a probe of its own, and a temperature."""

    def __init__(self) -> None:
        super().__init__(name="simclr")
        self.augmenter = keras.Sequential([layers.Rescaling(0.5), layers.RandomFlip(seed=3)])
        self._encoder = keras.Sequential(
            [keras.Input((SIDE, SIDE, 1)), layers.Conv2D(2, 3, name="conv"), layers.Flatten()],
            name="encoder",
        )
        width = self._encoder.output_shape[-1]
        self.heads = {
            "projection": keras.Sequential([keras.Input((width,)), layers.Dense(4)]),
            "linear": keras.Sequential([keras.Input((width,)), layers.Dense(3)]),
        }
        self.temperature = self.add_weight(shape=(), initializer="ones", name="temperature")

    def compile(self, contrastive: Any, probing: Any) -> None:
        super().compile()
        self.contrastive_optimizer, self.probe_optimizer = contrastive, probing

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data
        projection, linear = self.heads["projection"], self.heads["linear"]
        with tf.GradientTape() as tape:
            one, two = (
                keras.ops.normalize(projection(self._encoder(self.augmenter(x, training=True))))
                for _ in range(2)
            )
            alike = tf.matmul(one, two, transpose_b=True) / self.temperature
            places = tf.range(tf.shape(x)[0])
            contrast = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(places, alike, from_logits=True)
            )
        weights = [*self._encoder.trainable_weights, *projection.trainable_weights]
        weights.append(self.temperature)
        self.contrastive_optimizer.apply_gradients(
            zip(tape.gradient(contrast, weights), weights, strict=True)
        )
        with tf.GradientTape() as tape:
            logits = linear(self._encoder(x, training=False), training=True)
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
            )
        weights = linear.trainable_weights
        self.probe_optimizer.apply_gradients(
            zip(tape.gradient(loss, weights), weights, strict=True)
        )
        return {"c_loss": contrast, "p_loss": loss}


class Ddim(keras.Model):
    """A network of two inputs, a copy of it that follows slowly, and a normalization layer."""

    def __init__(self) -> None:
        super().__init__(name="ddim")
        self.normalizer = layers.Normalization()
        image, variance = keras.Input((SIDE, SIDE, 1)), keras.Input((1, 1, 1))
        wide = layers.UpSampling2D(SIDE, name="spread")(variance)
        x = layers.Conv2D(3, 3, padding="same", activation="swish", name="conv")(
            layers.Concatenate()([image, wide])
        )
        out = layers.Conv2D(1, 1, kernel_initializer="zeros", name="out")(x)
        self.network = keras.Model([image, variance], out, name="unet")
        self.ema_network = keras.models.clone_model(self.network)
        self.seeds = keras.random.SeedGenerator(17)

    def train_step(self, real: Any) -> dict[str, Any]:
        clean = self.normalizer(real, training=True)
        added = keras.random.normal(tf.shape(clean), seed=self.seeds)
        share = keras.random.uniform((tf.shape(real)[0], 1, 1, 1), seed=self.seeds)
        mixed = tf.sqrt(1 - share) * clean + tf.sqrt(share) * added
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.abs(added - self.network([mixed, share], training=True)))
        weights = self.network.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        for weight, slow in zip(self.network.weights, self.ema_network.weights, strict=True):
            slow.assign(0.9 * slow + 0.1 * weight)
        return {"n_loss": loss}


@dataclass(frozen=True)
class Case:
    """A training, and what its recording must hold."""

    build: Callable[[], Any]
    probes: dict[str, Probe]
    weights_only: list[str] = field(default_factory=list)
    labels: bool = False

    def data(self) -> tf.data.Dataset:
        x = images()
        given = (x, np.arange(IMAGES) % 3) if self.labels else x
        return tf.data.Dataset.from_tensor_slices(given).batch(8, drop_remainder=True)


def adam() -> Any:
    return keras.optimizers.Adam(0.01)


def gan(cls: type[Gan]) -> Any:
    model = cls()
    model.compile(d_optimizer=adam(), g_optimizer=adam())
    return model


def vae() -> Any:
    model = Vae()
    model.compile(optimizer=adam())
    return model


def simclr() -> Any:
    model = SimClr()
    model.compile(adam(), adam())
    return model


def ddim() -> Any:
    model = Ddim()
    model.normalizer.adapt(images())
    model.compile(optimizer=adam())
    return model


LATENT_PROBE, IMAGE_PROBE = Probe(noise(4)), Probe(images()[:6])
CASES = {
    "dcgan": Case(lambda: gan(Gan), {"discriminator": IMAGE_PROBE, "generator": LATENT_PROBE}),
    "wgan_gp": Case(lambda: gan(WganGp), {"discriminator": IMAGE_PROBE, "generator": LATENT_PROBE}),
    "vae": Case(vae, {"encoder": IMAGE_PROBE, "decoder": LATENT_PROBE}),
    "simclr": Case(
        simclr,
        {"encoder": IMAGE_PROBE},
        ["heads.projection", "heads.linear", "simclr"],
        labels=True,
    ),
    "ddim": Case(ddim, {}, ["normalizer"]),
}


def denoising_probe(model: Any) -> Probe:
    """Give inputs of the denoising network, by the names of its inputs."""
    names = [tensor.name for tensor in model.network.inputs]
    shares = np.linspace(0, 1, 6, dtype=np.float32).reshape(6, 1, 1, 1)
    return Probe(dict(zip(names, (images()[:6], shares), strict=True)))
