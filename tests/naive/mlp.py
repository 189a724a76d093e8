"""The multi-layer perceptron written for reading: lists, loops, float64, the textbook's formulas.

One weight matrix per layer, Maxout matrices of shape (units, 2, inputs). No float32, no shortcuts: a twin for the
kernels, which must agree with it up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np


def activation(name: str, z: np.ndarray) -> np.ndarray:
    """Activation of units with one channel."""
    if name == "Tanh":
        return np.tanh(z)
    if name == "Rectifier":
        return np.maximum(z, 0.0)
    if name == "ExpRectifier":
        return np.where(z >= 0, z, np.exp(z) - 1.0)
    raise ValueError(name)


def slope(name: str, z: np.ndarray) -> np.ndarray:
    """Derivative of the activation."""
    if name == "Tanh":
        return 1.0 - np.tanh(z) ** 2
    if name == "Rectifier":
        return (z > 0).astype(float)
    return np.where(z >= 0, 1.0, np.exp(z))


def loss(name: str, out: np.ndarray, t: float, alpha: float, power: float, delta: float) -> float:
    """Loss of one row whose output layer has net inputs `out`; its derivative is what training follows.

    Regression losses are twice the usual half ones, as H2O's are.
    """
    if name in ("crossentropy", "quadratic"):
        p = np.exp(out - out.max())
        p /= p.sum()
        if name == "crossentropy":
            return -math.log(p[int(t)])
        raise ValueError("the quadratic loss of classes has no potential: H2O keeps the diagonal of its derivative")
    f = float(out[0])
    e = t - f
    if name == "gaussian":
        return e * e
    if name == "laplace":
        return abs(e)
    if name == "quantile":
        return alpha * e if e > 0 else (alpha - 1) * e
    if name == "huber":
        return e * e if abs(e) <= delta else (2 * abs(e) - delta) * delta
    if name == "poisson":
        return -2 * (t * f - math.exp(f))
    if name == "gamma":
        return 2 * (t * math.exp(-f) + f)
    if name == "tweedie":
        return -2 * (t * math.exp(f * (1 - power)) / (1 - power) - math.exp(f * (2 - power)) / (2 - power))
    raise ValueError(name)


def output_error(name: str, out: np.ndarray, t: float, alpha: float, power: float, delta: float) -> np.ndarray:
    """Derivative of `loss` by `out`."""
    if name in ("crossentropy", "quadratic"):
        p = np.exp(out - out.max())
        p /= p.sum()
        hit = np.arange(len(out)) == int(t)
        return p - hit if name == "crossentropy" else (p - hit) * (1 - p) * p
    f = float(out[0])
    e = t - f
    if name == "gaussian":
        g = e
    elif name == "laplace":
        g = 0.5 if e > 0 else -0.5
    elif name == "quantile":
        g = 0.5 * alpha if e > 0 else 0.5 * (alpha - 1)
    elif name == "huber":
        g = max(-delta, min(delta, e))
    elif name == "poisson":
        g = t - math.exp(f)
    elif name == "gamma":
        g = t * math.exp(-f) - 1
    elif name == "tweedie":
        g = t * math.exp(f * (1 - power)) - math.exp(f * (2 - power))
    else:
        raise ValueError(name)
    return np.array([-2 * g])


@dataclass
class NaiveNetwork:
    """Weights, biases and what an optimiser remembers of them."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    activation: str
    loss: str
    autoencoder: bool = False
    alpha: float = 0.5
    power: float = 1.5
    delta: float = 1.0
    memory: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @property
    def maxout(self) -> bool:
        return self.activation == "Maxout"

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Activations of all layers (inputs first) and net inputs of all weight layers."""
        a, zs = [np.asarray(x, float)], []
        for l, (w, b) in enumerate(zip(self.weights, self.biases)):
            last = l == len(self.weights) - 1
            if self.maxout and not last:
                z = np.einsum("ukc,c->uk", w, a[-1]) + b
                a.append(z.max(axis=1))
            else:
                z = w @ a[-1] + b
                if last:
                    a.append(activation(self.activation, z) if self.autoencoder else z)
                else:
                    a.append(activation(self.activation, z))
            zs.append(z)
        return a, zs

    def output(self, x: np.ndarray) -> np.ndarray:
        """Probabilities, linear output or reconstruction."""
        out = self.forward(x)[0][-1]
        if self.loss in ("crossentropy", "quadratic"):
            p = np.exp(out - out.max())
            return p / p.sum()
        return out

    def error(self, x: np.ndarray, t: float) -> float:
        """Loss of one row."""
        return loss(self.loss, self.forward(x)[1][-1], t, self.alpha, self.power, self.delta)

    def gradients(self, x: np.ndarray, t: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Derivatives of the loss of one row by weights and biases, by back-propagation."""
        a, zs = self.forward(x)
        if self.autoencoder:
            # The output's own derivative is left out, as in H2O.
            d = np.array(
                [output_error(self.loss, a[-1][i : i + 1], x[i], self.alpha, self.power, self.delta)[0]
                 for i in range(len(x))]
            )  # fmt: skip
        else:
            d = output_error(self.loss, zs[-1], t, self.alpha, self.power, self.delta)
        gw: list[np.ndarray] = [np.zeros(0)] * len(self.weights)
        gb: list[np.ndarray] = [np.zeros(0)] * len(self.weights)
        for l in range(len(self.weights) - 1, -1, -1):
            w = self.weights[l]
            if self.maxout and l < len(self.weights) - 1:
                win = zs[l].argmax(axis=1)
                chosen = np.eye(2)[win]  # (units, 2)
                gb[l] = d[:, None] * chosen
                gw[l] = gb[l][:, :, None] * a[l]
                below = np.einsum("uk,ukc->c", gb[l], w)
            else:
                if l < len(self.weights) - 1:
                    d = d * slope(self.activation, zs[l])
                gb[l], gw[l] = d, np.outer(d, a[l])
                below = w.T @ d
            d = below
        return gw, gb

    def remember(self, name: str) -> list[np.ndarray]:
        """Optimiser state, zero at first: one array per weight matrix, then one per bias vector."""
        if name not in self.memory:
            self.memory[name] = [np.zeros_like(p) for p in (*self.weights, *self.biases)]
        return self.memory[name]

    def sgd(
        self, x: np.ndarray, t: float, rate: float, momentum: float = 0.0, l1: float = 0.0, l2: float = 0.0
    ) -> None:
        """Gradient step with classical momentum: ``v = m v - rate * grad``, ``p += v``."""
        gw, gb = self.gradients(x, t)
        v = self.remember("v")
        for i, (p, g) in enumerate(zip((*self.weights, *self.biases), (*gw, *gb))):
            v[i] *= momentum
            v[i] -= rate * (g + l1 * np.sign(p) + l2 * p)
            p += v[i]

    def adadelta(self, x: np.ndarray, t: float, rho: float, eps: float) -> None:
        """ADADELTA step (Zeiler 2012) of every weight with non-zero gradient.

        A bias takes the mean squared gradient of its unit's weights for its own, as in H2O.
        """
        gw, gb = self.gradients(x, t)
        big_d, big_g = self.remember("d"), self.remember("g")
        n = len(self.weights)
        for l in range(n):
            w, g = self.weights[l], gw[l]
            for i in np.ndindex(*w.shape):
                if g[i] == 0:
                    continue
                square = g[i] ** 2
                big_g[l][i] = rho * big_g[l][i] + (1 - rho) * square
                rate = math.sqrt((big_d[l][i] + eps) / (big_g[l][i] + eps))
                big_d[l][i] = rho * big_d[l][i] + (1 - rho) * rate * rate * square
                w[i] -= rate * g[i]
            b, k = self.biases[l], n + l
            for i in np.ndindex(*b.shape):
                if gb[l][i] == 0:
                    continue
                square = float(np.mean(g[i] ** 2))
                big_g[k][i] = rho * big_g[k][i] + (1 - rho) * square
                rate = math.sqrt((big_d[k][i] + eps) / (big_g[k][i] + eps))
                big_d[k][i] = rho * big_d[k][i] + (1 - rho) * rate * rate * square
                b[i] -= rate * gb[l][i]


def numerical_gradients(net: NaiveNetwork, x: np.ndarray, t: float, h: float = 1e-6) -> list[np.ndarray]:
    """Central differences of the loss by every weight and bias."""
    out = []
    for p in (*net.weights, *net.biases):
        g = np.zeros_like(p)
        for i in np.ndindex(*p.shape):
            keep = p[i]
            p[i] = keep + h
            up = net.error(x, t)
            p[i] = keep - h
            down = net.error(x, t)
            p[i] = keep
            g[i] = (up - down) / (2 * h)
        out.append(g)
    return out
