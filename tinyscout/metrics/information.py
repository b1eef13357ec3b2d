"""How much two ways to sort the same things have in common: normalised mutual information, and what chance gives."""

import numpy as np


def normalised_mutual_information(table: np.ndarray) -> float:
    """Mutual information over the mean of both entropies, from 0 (unrelated) to 1 (the same).

    table (A, B): how often the values of one and of the other come together. The arithmetic mean, as scikit-learn has
    it; the geometric one (Strehl and Ghosh 2002) gives no less. 0.0 where there is nothing, or one never varies.
    """
    joint = np.asarray(table, np.float64)
    if not joint.sum():
        return 0.0
    joint = joint / joint.sum()
    rows, columns = _entropy(joint.sum(axis=1)), _entropy(joint.sum(axis=0))
    if not rows or not columns:
        return 0.0
    return max(0.0, float(2 * (rows + columns - _entropy(joint)) / (rows + columns)))


def chance_information(kinds: np.ndarray, counts: np.ndarray, *, draws: int = 200, seed: int = 0) -> np.ndarray:
    """The same for leads whose kinds are dealt out anew: (draws,). All tokens of a lead stay together.

    kinds (N,) integers from 0, counts (N, B): how many of a lead's tokens have each value.
    """
    rng = np.random.default_rng(seed)
    return np.array(
        [normalised_mutual_information(table_of(rng.permutation(kinds), counts)) for _ in range(draws)], np.float64
    )


def table_of(kinds: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """kinds (N,) integers from 0, counts (N, B) -> their sums for each kind (A, B)."""
    table = np.zeros((int(kinds.max(initial=-1)) + 1, counts.shape[1]))
    np.add.at(table, kinds, counts)
    return table


def _entropy(shares: np.ndarray) -> float:
    """Nats."""
    some = shares[shares > 0]
    return float(-(some @ np.log(some)))
