"""Networks that learn by doing: loops of one's own, in which nothing is fitted."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.trainings.attempt import Attempt, Parts
from benchmarks.trainings.catalogue import training

ACTIONS = 2
STATES = np.linspace(-1, 1, 8, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)


class Pole:
    """A pole on a cart, about as in every course: it is to be kept upright by pushes."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(14)
        self.state = self.reset()

    def reset(self) -> Any:
        """Begin again near the upright."""
        self.state = self.generator.uniform(-0.05, 0.05, 4).astype(np.float32)
        return self.state

    def step(self, action: int) -> tuple[Any, float, bool]:
        """Push to a side; give the state, the reward, and whether the pole fell."""
        place, speed, angle, turn = self.state
        push = 1.0 if action else -1.0
        turn += 0.02 * (9.8 * np.sin(angle) - push * np.cos(angle)) / 0.6
        speed += 0.02 * push
        state = [place + 0.02 * speed, speed, angle + 0.02 * turn, turn]
        self.state = np.array(state, np.float32)
        return self.state, 1.0, bool(abs(self.state[2]) > 0.2)


def dense_network(outputs: int, name: str) -> Any:
    """From a state to some numbers."""
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(8, activation="tanh"), layers.Dense(outputs)], name=name
    )


@training()
def actor_critic(attempt: Attempt) -> None:
    """One network with two heads, an update after each episode."""
    inputs = keras.Input((4,))
    common = layers.Dense(8, activation="relu")(inputs)
    heads = [layers.Dense(ACTIONS, activation="softmax")(common), layers.Dense(1)(common)]
    model = keras.Model(inputs, heads)
    optimizer, pole = keras.optimizers.Adam(0.01), Pole()
    generator = np.random.default_rng(15)
    with attempt.loop(model, STATES) as record:
        for episode in range(1, 6):
            state, chosen, values, rewards = pole.reset(), [], [], []
            with tf.GradientTape() as tape:
                for _ in range(10):
                    shares, value = model(state[None])
                    action = int(generator.random() > float(shares[0, 0]))
                    chosen.append(ops.log(shares[0, action]))
                    values.append(value[0, 0])
                    state, reward, fell = pole.step(action)
                    rewards.append(reward)
                    if fell:
                        break
                returns = np.cumsum(rewards[::-1])[::-1].astype(np.float32)
                ahead = returns - ops.stack(values)
                loss = ops.mean(-ops.stack(chosen) * ahead + ops.square(ahead))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            record(episode, loss=loss, reward=float(returns[0]))


@training()
def ppo(attempt: Attempt) -> None:
    """An actor and a critic with an optimizer each; the actor stays near its former self."""
    parts = {"actor": dense_network(ACTIONS, "actor"), "critic": dense_network(1, "critic")}
    actor, critic = parts.values()
    policy_optimizer, value_optimizer = keras.optimizers.Adam(3e-3), keras.optimizers.Adam(1e-2)
    pole, generator = Pole(), np.random.default_rng(16)

    @tf.function
    def learn_policy(states: Any, actions: Any, before: Any, ahead: Any) -> Any:
        with tf.GradientTape() as tape:
            said = ops.log_softmax(actor(states))
            now = ops.sum(ops.one_hot(actions, ACTIONS) * said, axis=1)
            ratio = ops.exp(now - before)
            least = ops.where(ahead > 0, 1.2 * ahead, 0.8 * ahead)
            loss = -ops.mean(ops.minimum(ratio * ahead, least))
        gradients = tape.gradient(loss, actor.trainable_variables)
        policy_optimizer.apply_gradients(zip(gradients, actor.trainable_variables, strict=True))
        return loss

    @tf.function
    def learn_values(states: Any, returns: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = ops.mean(ops.square(returns - critic(states)[:, 0]))
        gradients = tape.gradient(loss, critic.trainable_variables)
        value_optimizer.apply_gradients(zip(gradients, critic.trainable_variables, strict=True))
        return loss

    step = 0
    with attempt.loop(parts, Parts(actor=STATES, critic=STATES)) as record:
        for _ in range(3):
            states, actions, rewards, state = [], [], [], pole.reset()
            for _ in range(12):
                logits = np.array(actor(state[None]))[0]
                shares = np.exp(logits - logits.max())
                actions.append(int(generator.random() > shares[0] / shares.sum()))
                states.append(state)
                state, reward, fell = pole.step(actions[-1])
                rewards.append(reward)
                state = pole.reset() if fell else state
            seen, done = np.array(states), np.array(actions, np.int32)
            returns = np.cumsum(rewards[::-1])[::-1].astype(np.float32)
            ahead = returns - np.array(critic(seen))[:, 0]
            said = np.array(ops.log_softmax(actor(seen)))
            before = said[np.arange(len(done)), done]
            for _ in range(2):
                step += 1
                policy_loss = learn_policy(seen, done, before, ahead)
                record(step, policy_loss=policy_loss, value_loss=learn_values(seen, returns))


@training()
def dqn(attempt: Attempt) -> None:
    """Deep Q-learning from a memory of moves, with a target network that follows now and then."""
    parts = {
        "network": dense_network(ACTIONS, "network"),
        "target": dense_network(ACTIONS, "target"),
    }
    network, target = parts.values()
    target.set_weights(network.get_weights())
    optimizer = keras.optimizers.Adam(1e-2, clipnorm=1.0)
    pole, generator = Pole(), np.random.default_rng(17)
    memory: list[tuple[Any, int, float, Any, bool]] = []
    state, step = pole.reset(), 0
    with attempt.loop(parts, Parts(network=STATES, target=STATES)) as record:
        for frame in range(40):
            greedy = int(np.argmax(network(state[None])[0]))
            action = int(generator.integers(ACTIONS)) if generator.random() < 0.5 else greedy
            following, reward, fell = pole.step(action)
            memory.append((state, action, reward, following, fell))
            state = pole.reset() if fell else following
            if frame < 16 or frame % 4:
                continue
            drawn = [memory[number] for number in generator.integers(0, len(memory), 8)]
            states, actions, rewards, followings, falls = map(np.array, zip(*drawn, strict=True))
            best = np.array(target(followings)).max(axis=1)
            wanted = (rewards + 0.9 * best * ~falls).astype(np.float32)
            with tf.GradientTape() as tape:
                said = ops.sum(network(states) * ops.one_hot(actions, ACTIONS), axis=1)
                loss = keras.losses.Huber()(wanted, said)
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
            step += 1
            if step % 3 == 0:
                target.set_weights(network.get_weights())
            record(step, loss=loss)
