"""Models with a training step of their own: a VAE, a GAN and a contrastive network."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.recorder.networks import rows


def vae() -> Any:
    """A variational autoencoder: samples while it is trained, and adds a loss of its own."""
    import keras
    import tensorflow as tf
    from keras import layers

    class Sampling(layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.seed = keras.random.SeedGenerator(3)

        def call(self, inputs: Any, training: bool = False) -> Any:
            mean, spread = inputs
            noise = keras.random.normal(keras.ops.shape(mean), seed=self.seed)
            return mean + keras.ops.exp(spread) * noise * float(training)

    class Autoencoder(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="vae")
            self.mean = layers.Dense(2, name="mean")
            self.spread = layers.Dense(2, name="spread")
            self.sampling = Sampling(name="sampling")
            self.decoder = keras.Sequential(
                [keras.Input((2,)), layers.Dense(5, name="decoded")], name="decoder"
            )

        def call(self, inputs: Any, training: bool = False) -> Any:
            code = self.sampling([self.mean(inputs), self.spread(inputs)], training=training)
            return self.decoder(code)

        def train_step(self, data: Any) -> Any:
            with tf.GradientTape() as tape:
                mean, spread = self.mean(data), self.spread(data)
                decoded = self.decoder(self.sampling([mean, spread], training=True))
                distance = tf.reduce_mean((data - decoded) ** 2)
                loss = distance + 0.1 * tf.reduce_mean(mean**2 + tf.exp(spread) - spread)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss, "distance": distance}

    model = Autoencoder()
    model(rows()[0])
    model.compile(optimizer="sgd")
    return model


def gan() -> Any:
    """A generative adversarial network: two networks, two optimizers, none called ``optimizer``."""
    import keras
    import tensorflow as tf
    from keras import layers

    entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    class Gan(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="gan")
            self.generator = keras.Sequential(
                [keras.Input((5,)), layers.Dense(5, name="made")], name="generator"
            )
            self.critic = keras.Sequential(
                [keras.Input((5,)), layers.Dense(1, name="judged")], name="critic"
            )
            self.seeds = keras.random.SeedGenerator(3)

        def compile(self, **options: Any) -> None:
            super().compile(**options)
            self.generator_optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
            self.critic_optimizer = keras.optimizers.SGD(0.01)

        def call(self, inputs: Any) -> Any:
            return self.critic(self.generator(inputs))

        def train_step(self, data: Any) -> Any:
            noise = keras.random.normal(keras.ops.shape(data), seed=self.seeds)
            with tf.GradientTape(persistent=True) as tape:
                made = self.generator(noise)
                false, true = self.critic(made), self.critic(data)
                critic_loss = entropy(tf.ones_like(true), true) + entropy(
                    tf.zeros_like(false), false
                )
                generator_loss = entropy(tf.ones_like(false), false)
            for part, optimizer, loss in (
                (self.critic, self.critic_optimizer, critic_loss),
                (self.generator, self.generator_optimizer, generator_loss),
            ):
                gradients = tape.gradient(loss, part.trainable_variables)
                optimizer.apply_gradients(zip(gradients, part.trainable_variables, strict=True))
            return {"critic_loss": critic_loss, "generator_loss": generator_loss}

    model = Gan()
    model(rows()[0])
    model.compile(loss=None)
    return model


def contrastive() -> Any:
    """An encoder that is trained to tell two views of one row from those of others."""
    import keras
    import tensorflow as tf
    from keras import layers

    class Encoder(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="contrastive")
            self.noise = layers.GaussianNoise(0.1, name="noise")
            self.dense = layers.Dense(4, activation="relu", name="dense")
            self.unit = layers.UnitNormalization(name="unit")

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.unit(self.dense(self.noise(inputs, training=training)))

        def train_step(self, data: Any) -> Any:
            with tf.GradientTape() as tape:
                one, other = self(data, training=True), self(data, training=True)
                likeness = tf.matmul(one, other, transpose_b=True) / 0.1
                labels = tf.range(tf.shape(likeness)[0])
                loss = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(labels, likeness)
                )
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Encoder()
    model(rows()[0])
    model.compile(optimizer="sgd")
    return model


OWN_STEPS = {"vae": vae, "gan": gan, "contrastive": contrastive}


def batches(count: int = 3) -> list[np.ndarray]:
    return np.split(rows(8 * count)[0], count)
