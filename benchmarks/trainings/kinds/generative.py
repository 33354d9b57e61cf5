"""Networks that make pictures, most of them of several parts with a training step of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.trainings.attempt import Attempt, Parts
from benchmarks.trainings.catalogue import training
from benchmarks.trainings.data import images

LATENT = 4


def noise(count: int) -> Any:
    """Latent vectors of a probe."""
    return np.random.default_rng(8).normal(size=(count, LATENT)).astype(np.float32)


@training()
def autoencoder(attempt: Attempt) -> None:
    """Takes the noise out of pictures, through a narrow middle."""
    clean, _ = images()
    noisy = clean + np.random.default_rng(9).normal(0, 0.1, clean.shape).astype(np.float32)
    inputs = keras.Input(clean.shape[1:])
    hidden = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    code = layers.MaxPooling2D(2, padding="same")(hidden)
    hidden = layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu")(code)
    outputs = layers.Conv2D(1, 3, padding="same", activation="sigmoid")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "binary_crossentropy")
    callbacks = attempt.callbacks(model, noisy[:4], clean[:4])
    model.fit(noisy, clean, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Sampling(layers.Layer):
    """Draws a code from its mean and the logarithm of its variance."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator(1337)

    def call(self, inputs: Any) -> Any:
        """Give (picture, code)."""
        mean, log_variance = inputs
        return mean + ops.exp(0.5 * log_variance) * keras.random.normal(
            ops.shape(mean), seed=self.seeds
        )


def decoder_of(side: int) -> Any:
    """From a code to a picture."""
    return keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(side * side // 16 * 4, activation="relu"),
            layers.Reshape((side // 4, side // 4, 4)),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
        ],
        name="decoder",
    )


@training()
def decoder(attempt: Attempt) -> None:
    """From a code to a picture, alone: what goes in is no picture."""
    x, _ = images()
    codes, model = noise(len(x)), decoder_of(12)
    model.compile("adam", "mse")
    callbacks = attempt.callbacks(model, codes[:6], x[:6])
    model.fit(codes, x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Vae(keras.Model):
    """Encoder and decoder, with a training step of their own and no call."""

    def __init__(self, encoder: Any, decoder: Any, **options: Any) -> None:
        super().__init__(**options)
        self.encoder, self.decoder = encoder, decoder
        self.total = keras.metrics.Mean(name="loss")
        self.divergence = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self) -> list[Any]:
        """Those that begin anew with each epoch."""
        return [self.total, self.divergence]

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """Reconstruct, and keep codes near a normal distribution."""
        with tf.GradientTape() as tape:
            mean, log_variance, code = self.encoder(data)
            entropy = keras.losses.binary_crossentropy(data, self.decoder(code))
            distance = ops.mean(ops.sum(entropy, axis=(1, 2)))
            spread = 1 + log_variance - ops.square(mean) - ops.exp(log_variance)
            divergence = ops.mean(ops.sum(-0.5 * spread, axis=1))
            loss = distance + divergence
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.total.update_state(loss)
        self.divergence.update_state(divergence)
        return {metric.name: metric.result() for metric in self.metrics}


@training()
def vae(attempt: Attempt) -> None:
    """A variational autoencoder: an encoder of three outputs and a decoder."""
    x, _ = images()
    inputs = keras.Input(x.shape[1:])
    hidden = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inputs)
    hidden = layers.Dense(8, activation="relu")(layers.Flatten()(hidden))
    mean, log_variance = layers.Dense(LATENT)(hidden), layers.Dense(LATENT)(hidden)
    code = Sampling()([mean, log_variance])
    encoder = keras.Model(inputs, [mean, log_variance, code], name="encoder")
    model = Vae(encoder, decoder_of(12))
    model.compile(keras.optimizers.Adam())
    callbacks = attempt.callbacks(model, Parts(encoder=x[:4], decoder=noise(4)))
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Gan(keras.Model):
    """A generator against a discriminator, each with an optimizer."""

    def __init__(self, generator: Any, discriminator: Any, **options: Any) -> None:
        super().__init__(**options)
        self.generator, self.discriminator = generator, discriminator
        self.seeds = keras.random.SeedGenerator(1337)

    def compile(self, d_optimizer: Any, g_optimizer: Any, loss_fn: Any) -> None:
        """Keep two optimizers, none of them by the name that Keras knows."""
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def drawn(self, count: Any) -> Any:
        """Give as many codes."""
        return keras.random.normal((count, LATENT), seed=self.seeds)

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """Teach the discriminator, then the generator by it."""
        count = ops.shape(data)[0]
        made = self.generator(self.drawn(count))
        labels = ops.concatenate([ops.ones((count, 1)), ops.zeros((count, 1))], axis=0)
        with tf.GradientTape() as tape:
            judged = self.discriminator(ops.concatenate([made, data], axis=0))
            d_loss = self.loss_fn(labels, judged)
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, weights), weights, strict=True))
        with tf.GradientTape() as tape:
            judged = self.discriminator(self.generator(self.drawn(count)))
            g_loss = self.loss_fn(ops.zeros((count, 1)), judged)
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}


def discriminator_of(shape: Any) -> Any:
    """From a picture to whether it is a real one."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(4, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dense(1),
        ],
        name="discriminator",
    )


@training()
def dcgan(attempt: Attempt) -> None:
    """A generative adversarial network of convolutions."""
    x, _ = images()
    model = Gan(decoder_of(12), discriminator_of(x.shape[1:]))
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.optimizers.Adam(1e-3),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    parts = Parts(generator=noise(4), discriminator=x[:6])
    callbacks = attempt.callbacks(model, parts)
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class WassersteinGan(Gan):
    """The critic learns several times a batch, and its gradient is penalized."""

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """Teach the critic twice, then the generator."""
        count = tf.shape(data)[0]
        for _ in range(2):
            with tf.GradientTape() as tape:
                made = self.generator(self.drawn(count), training=True)
                cost = tf.reduce_mean(self.discriminator(made, training=True))
                cost -= tf.reduce_mean(self.discriminator(data, training=True))
                d_loss = cost + 10.0 * self.penalty(data, made)
            weights = self.discriminator.trainable_variables
            gradients = tape.gradient(d_loss, weights)
            self.d_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        with tf.GradientTape() as tape:
            made = self.generator(self.drawn(count), training=True)
            g_loss = -tf.reduce_mean(self.discriminator(made, training=True))
        weights = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, weights), weights, strict=True))
        return {"d_loss": d_loss, "g_loss": g_loss}

    def penalty(self, real: Any, made: Any) -> Any:
        """How far gradients between real and made pictures are from the length 1."""
        share = keras.random.uniform((tf.shape(real)[0], 1, 1, 1), seed=self.seeds)
        between = real + share * (made - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            judged = self.discriminator(between, training=True)
        squares = tf.square(tape.gradient(judged, between))
        length = tf.sqrt(tf.reduce_sum(squares, axis=[1, 2, 3]) + 1e-12)
        return tf.reduce_mean(tf.square(length - 1.0))


@training()
def wgan_gp(attempt: Attempt) -> None:
    """A Wasserstein network with gradient penalty: the critic takes more updates than batches."""
    x, _ = images()
    model = WassersteinGan(decoder_of(12), discriminator_of(x.shape[1:]))
    optimizers = (keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2))
    model.compile(*optimizers, None)
    parts = Parts(generator=noise(4), discriminator=x[:6])
    callbacks = attempt.callbacks(model, parts)
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Diffusion(keras.Model):
    """Learns to say the noise in a picture; keeps a mean of its network over time."""

    def __init__(self, build: Any, **options: Any) -> None:
        super().__init__(**options)
        self.normalizer = layers.Normalization()
        self.network, self.ema_network = build(), build()
        self.ema_network.set_weights(self.network.get_weights())
        self.seeds = keras.random.SeedGenerator(1337)
        self.noise_loss = keras.metrics.Mean(name="n_loss")

    @property
    def metrics(self) -> list[Any]:
        """Those that begin anew with each epoch."""
        return [self.noise_loss]

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """Mix pictures with noise, and ask which."""
        clean = self.normalizer(data, training=True)
        count = tf.shape(clean)[0]
        noises = keras.random.normal(tf.shape(clean), seed=self.seeds)
        angles = keras.random.uniform((count, 1, 1, 1), 0.1, 1.4, seed=self.seeds)
        signal, spread = tf.cos(angles), tf.sin(angles)
        with tf.GradientTape() as tape:
            said = self.network([signal * clean + spread * noises, spread**2], training=True)
            loss = self.loss(noises, said)
        weights = self.network.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.noise_loss.update_state(loss)
        for weight, mean in zip(self.network.weights, self.ema_network.weights, strict=True):
            mean.assign(0.9 * mean + 0.1 * weight)
        return {"n_loss": self.noise_loss.result()}


@training()
def ddim(attempt: Attempt) -> None:
    """Diffusion: a small U-Net of pictures and their noise's variance, and a mean of it."""
    x, _ = images()

    def sinusoids(values: Any) -> Any:
        frequencies = ops.exp(ops.linspace(ops.log(1.0), ops.log(100.0), 4))
        angles = 2.0 * np.pi * ops.cast(frequencies, "float32") * values
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=3)

    def build() -> Any:
        noisy, variances = keras.Input(x.shape[1:]), keras.Input((1, 1, 1))
        embedded = layers.Lambda(sinusoids, output_shape=(1, 1, 8))(variances)
        embedded = layers.UpSampling2D(12, interpolation="nearest")(embedded)
        hidden = layers.Concatenate()([layers.Conv2D(4, 1)(noisy), embedded])
        skip = layers.Conv2D(6, 3, padding="same", activation="swish")(hidden)
        deep = layers.AveragePooling2D(2)(skip)
        deep = layers.BatchNormalization(center=False, scale=False)(deep)
        deep = layers.Conv2D(6, 3, padding="same", activation="swish")(deep)
        hidden = layers.UpSampling2D(2, interpolation="bilinear")(deep)
        hidden = layers.Concatenate()([hidden, skip])
        outputs = layers.Conv2D(1, 1, kernel_initializer="zeros")(hidden)
        return keras.Model([noisy, variances], outputs, name="unet")

    model = Diffusion(build)
    model.normalizer.adapt(x)
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4), keras.losses.MeanAbsoluteError())
    probe = [x[:4], np.linspace(0.1, 0.9, 4, dtype=np.float32).reshape(4, 1, 1, 1)]
    callbacks = attempt.callbacks(model, Parts(network=probe, ema_network=probe))
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


class Contrastive(keras.Model):
    """An encoder under a projection; two views of a picture are to be alike."""

    def __init__(self, encoder: Any, head: Any, **options: Any) -> None:
        super().__init__(**options)
        self.augmenter = keras.Sequential(
            [layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)]
        )
        self.encoder, self.projection_head = encoder, head
        self.probing = keras.metrics.Mean(name="c_loss")

    @property
    def metrics(self) -> list[Any]:
        """Those that begin anew with each epoch."""
        return [self.probing]

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """Compare each view with every other."""
        views = [self.augmenter(data, training=True) for _ in range(2)]
        with tf.GradientTape() as tape:
            codes = [self.projection_head(self.encoder(view, training=True)) for view in views]
            first, second = (ops.normalize(code, axis=1) for code in codes)
            alike = ops.matmul(first, ops.transpose(second)) / 0.1
            labels = ops.arange(ops.shape(alike)[0])
            loss = ops.mean(
                keras.losses.sparse_categorical_crossentropy(labels, alike, from_logits=True)
            )
        weights = self.encoder.trainable_weights + self.projection_head.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.probing.update_state(loss)
        return {"c_loss": self.probing.result()}


@training()
def simclr(attempt: Attempt) -> None:
    """Contrastive learning without labels: an encoder and a head that is thrown away later."""
    x, _ = images(channels=3)
    encoder = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(6, activation="relu"),
        ],
        name="encoder",
    )
    head = keras.Sequential(
        [keras.Input((6,)), layers.Dense(6, activation="relu"), layers.Dense(4)],
        name="projection_head",
    )
    model = Contrastive(encoder, head)
    model.compile(keras.optimizers.Adam())
    codes = np.random.default_rng(8).uniform(size=(6, 6)).astype(np.float32)
    callbacks = attempt.callbacks(model, Parts(encoder=x[:6], projection_head=codes))
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)


@training()
def contrastive_encoder(attempt: Attempt) -> None:
    """The same, of which one part alone is recorded."""
    x, _ = images(channels=3)
    encoder = keras.Sequential(
        [keras.Input(x.shape[1:]), layers.Flatten(), layers.Dense(6, activation="relu")],
        name="encoder",
    )
    head = keras.Sequential([keras.Input((6,)), layers.Dense(4)], name="projection_head")
    model = Contrastive(encoder, head)
    model.compile(keras.optimizers.Adam())
    callbacks = attempt.callbacks(model.encoder, x[:6], model=model.encoder)
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
