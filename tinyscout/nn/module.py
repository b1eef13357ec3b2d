"""Module: a layer that knows its parameters by name, can be saved, and is either training or not.

A module's parameters are those it holds as attributes, those of the modules it holds, and those of modules in lists;
names join them with dots, in the order they were set: "blocks.0.attention.qkv.weight".
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from tinyscout.autograd import Tensor


class Parameter(Tensor):
    """A tensor that is learnt."""

    __slots__ = ()

    def __init__(self, data: Any) -> None:
        super().__init__(data, requires_grad=True)


class Module:
    """Base of all layers: set parameters and modules as attributes, and define __call__."""

    training = True

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module under the name prefix, then every module inside, each once."""
        yield prefix, self
        for name, child in self._children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def _children(self) -> Iterator[tuple[str, "Module"]]:
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                yield from ((f"{name}.{i}", item) for i, item in enumerate(value) if isinstance(item, Module))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its name, in a fixed order; one that is shared comes once, under its first name."""
        seen = set()
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{prefix}.{name}" if prefix else name, value

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter, in the order of named_parameters()."""
        return (parameter for _, parameter in self.named_parameters())

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, parameters are constants: gradients go to the inputs alone, and no time is spent on the others."""
        held = [(parameter, parameter.node) for parameter in self.parameters()]
        for parameter, _ in held:
            parameter.node = None
        try:
            yield
        finally:
            for parameter, node in held:
                parameter.node = node

    def train(self, training: bool = True) -> Self:
        """Switch dropout on here and in every module inside; returns self."""
        for _, module in self.named_modules():
            module.training = training
        return self

    def eval(self) -> Self:
        """Switch dropout off here and in every module inside; returns self."""
        return self.train(False)

    # -- saving

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter by name."""
        return {name: parameter.numpy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Write arrays by name into the parameters, keeping each parameter's dtype.

        Raises ValueError, and changes nothing, unless names and shapes are exactly those of named_parameters().
        """
        own = dict(self.named_parameters())
        name = type(self).__name__
        missing, unexpected = [n for n in own if n not in state], [n for n in state if n not in own]
        if missing or unexpected:
            raise ValueError(
                f"{name}.load_state_dict: missing {_some(missing)}, unexpected {_some(unexpected)}; "
                "build the model with the settings it was saved with"
            )
        for key, parameter in own.items():
            if state[key].shape != parameter.shape:
                raise ValueError(
                    f"{name}.load_state_dict: {key} has shape {state[key].shape}, needs {parameter.shape}; "
                    "build the model with the settings it was saved with"
                )
        for key, parameter in own.items():
            parameter.data[...] = state[key]
            parameter.mark_changed()

    def rng_state(self) -> dict[str, Mapping[str, Any]]:
        """State of each random generator held by a module inside (dropout), by name; goes into JSON."""
        return {name: rng.bit_generator.state for name, rng in self._generators()}

    def load_rng_state(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Set the generators to saved states, so that a resumed run draws what the first would have drawn."""
        own = dict(self._generators())
        if own.keys() != state.keys():
            raise ValueError(
                f"{type(self).__name__}.load_rng_state: state is for {_some(list(state))}, needs {_some(list(own))}; "
                "build the model with the settings it was saved with"
            )
        for name, rng in own.items():
            rng.bit_generator.state = state[name]

    def _generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        for prefix, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, np.random.Generator):
                    yield f"{prefix}.{name}" if prefix else name, value


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "nothing"
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
