"""Optimisers and what steers them: SGD, AdamW, a learning rate that warms up and decays, and clipping.

An optimiser takes (name, Parameter) pairs, as Module.named_parameters() gives, and its state is saved by those names.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinyscout import kernels
from tinyscout.autograd import Tensor


class _Optimizer:
    """Parameters by name, a learning rate, and buffers (one array a parameter) that are saved with the step number."""

    buffers: tuple[str, ...] = ()

    def __init__(self, params: Iterable[tuple[str, Tensor]], lr: float) -> None:
        self.params = dict(params)
        if not self.params:
            raise ValueError(
                f"{type(self).__name__}: no parameters; pass model.named_parameters(), which can be read once"
            )
        for name, parameter in self.params.items():
            parameter.name = name  # so that the engine's messages can say which one
        self.lr = lr
        self.steps = 0
        self._state = {b: {name: np.zeros_like(p.data) for name, p in self.params.items()} for b in self.buffers}

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self.steps += 1
        for name, parameter in self.params.items():
            if parameter.grad is not None:
                self._move(name, parameter.data, parameter.grad)
                parameter.mark_changed()

    def _move(self, name: str, data: np.ndarray, grad: np.ndarray) -> None:
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.params.values():
            parameter.grad = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of all buffers as "buffer/parameter name", and "step"; arrays only."""
        state = {f"{b}/{name}": array.copy() for b, arrays in self._state.items() for name, array in arrays.items()}
        return state | {"step": np.array(self.steps, dtype=np.int64)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a saved state. Raises ValueError, and changes nothing, when names or shapes differ."""
        own = {f"{b}/{name}": array for b, arrays in self._state.items() for name, array in arrays.items()}
        if state.keys() != own.keys() | {"step"} or any(state[key].shape != own[key].shape for key in own):
            wrong = sorted(state.keys() ^ (own.keys() | {"step"})) or [k for k in own if state[k].shape != own[k].shape]
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: {wrong[0]} and {len(wrong) - 1} others don't match; "
                "use the state saved with the same model and optimiser"
            )
        for key, array in own.items():
            array[...] = state[key]
        self.steps = int(state["step"])


class SGD(_Optimizer):
    """Stochastic gradient descent, with momentum as in PyTorch: v = momentum * v + grad; p -= lr * v."""

    def __init__(self, params: Iterable[tuple[str, Tensor]], lr: float, momentum: float = 0.0) -> None:
        self.momentum = momentum
        self.buffers = ("velocity",) if momentum else ()
        super().__init__(params, lr)

    def _move(self, name: str, data: np.ndarray, grad: np.ndarray) -> None:
        if self.momentum:
            velocity = self._state["velocity"][name]
            velocity *= self.momentum
            velocity += grad
            grad = velocity
        data -= self.lr * grad


class AdamW(_Optimizer):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019, algorithm 2).

    no_decay: says by name which parameters are not decayed; by default biases and the gains of norms.
    """

    buffers = ("mean", "square")

    def __init__(
        self,
        params: Iterable[tuple[str, Tensor]],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        no_decay: Callable[[str], bool] = lambda name: name.endswith(("bias", "gain")),
    ) -> None:
        super().__init__(params, lr)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self._decay = {name: 0.0 if no_decay(name) else weight_decay for name in self.params}

    def _move(self, name: str, data: np.ndarray, grad: np.ndarray) -> None:
        beta1, beta2 = self.betas
        mean, square = self._state["mean"][name], self._state["square"][name]
        if data.dtype == grad.dtype == np.float32 and data.flags.c_contiguous:
            settings = {"lr": self.lr, "beta1": beta1, "beta2": beta2, "eps": self.eps, "step": self.steps}
            kernels.adamw(data, grad, mean, square, weight_decay=self._decay[name], **settings)
            return
        mean *= beta1
        mean += (1 - beta1) * grad
        square *= beta2
        square += (1 - beta2) * grad * grad
        # Both averages started at 0; dividing by what they could have reached undoes that (Kingma, Ba 2015, sec. 3).
        mean_hat = mean / (1 - beta1**self.steps)
        square_hat = square / (1 - beta2**self.steps)
        data *= 1 - self.lr * self._decay[name]
        data -= self.lr * mean_hat / (np.sqrt(square_hat) + self.eps)


def warmup_cosine(step: int, *, warmup: int, total: int, peak: float, floor: float = 0.1) -> float:
    """Learning rate at a step counted from 0: up to peak in `warmup` steps, then down along half a cosine.

    floor: share of peak that is left at step `total` and after.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    done = min((step - warmup) / max(total - warmup, 1), 1.0)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Scale all gradients together so that their joint length is at most max_norm; returns the length before.

    A length that is NaN or infinite is returned and nothing is scaled: the caller must not step.
    """
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in grads))
    if math.isfinite(norm) and norm > max_norm:
        for grad in grads:
            grad *= max_norm / norm
    return norm
