"""Steps from gradients: Deep Water's momentum with element-wise clipping, and AdamW; the schedules of rate and momentum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from heavywater.algos.deepwater.params import DeepWaterParams

PREFIXES = {"sgd": ("velocity:",), "adamw": ("first:", "second:")}
"""Names of the optimiser's arrays in a model: these, followed by the name of a weight."""
BETAS, EPSILON = (0.9, 0.999), 1e-8


def rate(p: DeepWaterParams, samples: int, total: float) -> float:
    """Learning rate after `samples` of `total` training rows."""
    if p.schedule == "cosine":
        return 0.5 * float(p.learning_rate) * (1 + math.cos(math.pi * min(1.0, samples / max(total, 1.0))))
    return float(p.learning_rate / (1 + p.learning_rate_annealing * samples))


def momentum(p: DeepWaterParams, samples: int) -> float:
    """Momentum after `samples` training rows."""
    if samples >= p.momentum_ramp or p.momentum_ramp <= 0:
        return float(p.momentum_stable)
    return float(p.momentum_start + (p.momentum_stable - p.momentum_start) * samples / p.momentum_ramp)


class Optimiser:
    """Updates the weights of a module in place.

    Parameters
    ----------
    torch : module
        PyTorch.
    named : mapping of str to Tensor
        The weights that learn.
    p : DeepWaterParams
        Values in force.
    total : float
        Training rows of the whole run, for the cosine schedule.
    """

    def __init__(self, torch: Any, named: Mapping[str, Any], p: DeepWaterParams, total: float) -> None:
        self._torch, self._p, self._total = torch, p, total
        self._names, self._weights = list(named), list(named.values())
        self._state = {k: [torch.zeros_like(w) for w in self._weights] for k in PREFIXES[p.optimizer]}
        self._steps = 0
        self._one_pass = all(_plain(torch, w) for w in self._weights)

    def zero(self) -> None:
        for w in self._weights:
            w.grad = None

    def step(self, samples: int) -> None:
        """One step by the mean gradient of a mini-batch; `samples` rows were trained before it."""
        torch, p = self._torch, self._p
        weights = [w for w in self._weights if w.grad is not None]
        if not weights:
            return
        here = [i for i, w in enumerate(self._weights) if w.grad is not None]
        states = [[tensors[i] for i in here] for tensors in self._state.values()]
        lr = rate(p, samples, self._total)
        self._steps += 1
        with torch.no_grad():
            gradients = [w.grad for w in weights]
            if self._one_pass:
                gradients = [_alike(torch, g, w) for g, w in zip(gradients, weights)]
            self._clip(gradients)
            sgd = p.optimizer == "sgd"
            if self._one_pass:
                fused: Any = self._fused_sgd if sgd else self._fused_adamw
                fused(weights, gradients, *states, lr, samples)
            elif sgd:
                self._sgd(weights, gradients, states[0], lr, momentum(p, samples))
            else:
                self._adamw(weights, gradients, states[0], states[1], lr)

    def _clip(self, gradients: list[Any]) -> None:
        c = float(self._p.clip_gradient)
        if not math.isfinite(c):
            return
        if self._one_pass:
            for g in gradients:
                g.clamp_(-c, c)
        else:
            self._torch._foreach_clamp_min_(gradients, -c)
            self._torch._foreach_clamp_max_(gradients, c)

    def _fused_sgd(
        self, weights: list[Any], gradients: list[Any], velocity: list[Any], lr: float, samples: int
    ) -> None:
        """What `_sgd` does, in one pass over memory: PyTorch's v ← m·v + (1-d)(±g + decay·w), w ← w - r·v with other signs."""
        self._torch._fused_sgd_(
            weights, gradients, velocity, weight_decay=-float(self._p.weight_decay or 0.0),
            momentum=momentum(self._p, samples), lr=-1.0, dampening=1.0 - lr, nesterov=False, maximize=True,
            is_first_step=False,
        )  # fmt: skip

    def _fused_adamw(
        self, weights: list[Any], gradients: list[Any], first: list[Any], second: list[Any], lr: float, samples: int
    ) -> None:
        """What `_adamw` does, in one pass over memory."""
        steps = self._torch.tensor(float(self._steps))
        self._torch._fused_adamw_(
            weights, gradients, first, second, [], [steps] * len(weights), lr=lr, beta1=BETAS[0], beta2=BETAS[1],
            weight_decay=float(self._p.weight_decay or 0.0), eps=EPSILON, amsgrad=False, maximize=False,
        )  # fmt: skip

    def _sgd(self, weights: list[Any], gradients: list[Any], velocity: list[Any], lr: float, m: float) -> None:
        """v ← m·v − lr·(g + decay·w); w ← w + v."""
        torch = self._torch
        if self._p.weight_decay:
            torch._foreach_add_(gradients, weights, alpha=float(self._p.weight_decay))
        torch._foreach_mul_(velocity, m)
        torch._foreach_add_(velocity, gradients, alpha=-lr)
        torch._foreach_add_(weights, velocity)

    def _adamw(self, weights: list[Any], gradients: list[Any], first: list[Any], second: list[Any], lr: float) -> None:
        torch, (b1, b2) = self._torch, BETAS
        if self._p.weight_decay:
            torch._foreach_mul_(weights, 1 - lr * float(self._p.weight_decay))
        torch._foreach_lerp_(first, gradients, 1 - b1)
        torch._foreach_mul_(second, b2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - b2)
        root = torch._foreach_sqrt(second)
        torch._foreach_div_(root, math.sqrt(1 - b2**self._steps))
        torch._foreach_add_(root, EPSILON)
        torch._foreach_addcdiv_(weights, first, root, -lr / (1 - b1**self._steps))

    # -- in and out ---------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps made."""
        return self._steps

    def arrays(self) -> dict[str, np.ndarray]:
        """The optimiser's memory as arrays of a model."""
        return {
            f"{kind}{name}": t.detach().cpu().numpy().copy()
            for kind, tensors in self._state.items()
            for name, t in zip(self._names, tensors)
        }

    def load(self, arrays: Mapping[str, np.ndarray], steps: int) -> None:
        """Take up the memory of another run; what is not there, or has another shape, starts at zero."""
        self._steps = steps
        for kind, tensors in self._state.items():
            for name, t in zip(self._names, tensors):
                found = arrays.get(f"{kind}{name}")
                if found is not None and found.shape == tuple(t.shape):
                    t.copy_(self._torch.from_numpy(np.array(found)))


def _plain(torch: Any, w: Any) -> bool:
    """Whether PyTorch's fused kernels can be trusted with a weight: they walk through memory whatever the strides."""
    dense = w.is_contiguous() or (w.dim() == 4 and w.is_contiguous(memory_format=torch.channels_last))
    return bool(w.device.type == "cpu" and w.dtype == torch.float32 and dense)


def _alike(torch: Any, gradient: Any, weight: Any) -> Any:
    """The gradient with its numbers in the order of the weight's."""
    if gradient.stride() == weight.stride():
        return gradient
    return torch.empty_like(weight).copy_(gradient)
