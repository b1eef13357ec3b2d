"""Data-parallel gradients on threads: a batch is cut into shards, each goes through a replica on its own thread.

Replicas share the parameters' arrays and have gradients and dropout of their own, which are added in a fixed order:
the same number of shards gives the same bits. NumPy and the kernels release the GIL, so two shards use two cores
where two BLAS threads speed up only the matrix products.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from tinyscout.autograd import keep_freed_memory
from tinyscout.models.lead_scout import Examples, LeadScout


class Shards:
    """`count` replicas of a model, the first of which is the model itself. Use inside `with shards.running()`."""

    def __init__(self, model: LeadScout, count: int):
        self.replicas = [model, *(_replica(model, number) for number in range(1, count))]
        self._pool: ThreadPoolExecutor | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the threads; with several shards each keeps BLAS to one thread, since the shards are the threads."""
        keep_freed_memory()
        if len(self.replicas) == 1:
            yield
            return
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(len(self.replicas)) as pool:
            self._pool = pool
            try:
                yield
            finally:
                self._pool = None

    def backward(
        self,
        examples: Examples,
        labels: np.ndarray,
        rows: np.ndarray,
        **weights: float,
    ) -> float:
        """Mean reply loss of the rows; the gradient of `LeadScout.training_loss` is left in the model's parameters.

        weights: what `training_loss` takes. Routers balance each shard, and find kinds in it, on its own.
        """
        parts = [rows[number :: len(self.replicas)] for number in range(len(self.replicas))]
        work = [(replica, part) for replica, part in zip(self.replicas, parts, strict=True) if len(part)]

        def one(pair: tuple[LeadScout, np.ndarray]) -> float:
            replica, part = pair
            replica.zero_grad()
            some = examples.take(part)
            loss, root = replica.training_loss(
                some.tokens.pad(), some.features, labels[part], prefix_labels=some.prefix_labels, **weights
            )
            share = len(part) / len(rows)
            if np.isfinite(root.item()):
                root.backward(np.asarray(share))
            return share * loss.item()

        losses = list(self._pool.map(one, work)) if self._pool else [one(pair) for pair in work]
        for replica, _ in work[1:]:
            for own, other in zip(self.replicas[0].parameters(), replica.parameters(), strict=True):
                if other.grad is not None:
                    own.grad = other.grad if own.grad is None else own.grad + other.grad
        return sum(losses)

    def train(self) -> None:
        for replica in self.replicas:
            replica.train()

    def rng_state(self) -> list[dict]:
        """States of every replica's dropout, for checkpoints."""
        return [replica.rng_state() for replica in self.replicas]

    def load_rng_state(self, states: list[dict]) -> None:
        for replica, state in zip(self.replicas, states, strict=True):
            replica.load_rng_state(state)


def _replica(model: LeadScout, number: int) -> LeadScout:
    """A second LeadScout on the same arrays, with dropout of its own, seeded by its number."""
    replica = LeadScout(model.config, rng=np.random.default_rng(number), dtype=model.token.weight.dtype.type)
    for own, other in zip(replica.parameters(), model.parameters(), strict=True):
        own.data = other.data
    return replica
