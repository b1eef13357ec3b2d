"""Ops of a mixture of experts: what a router's logits say, and rows that each go through the weights of one expert."""

import numpy as np

from tinyscout import kernels
from tinyscout.autograd.op import op


@op
def gates(logits, *, chosen):
    """How much each chosen expert counts.

    One chosen: its softmax probability, as in Switch (Fedus et al. 2021, eq. 2), so that even a router that sends every
    row to one expert learns. Several: the softmax over those alone, which is their probabilities made to sum to 1, as
    in GShard (Lepikhin et al. 2020, algorithm 1).

    logits (N, E), chosen (N, k) integers, all different in a row  ->  (N, k)
    """
    n, k = chosen.shape
    if k == 1:
        probability = _softmax(logits)  # (N, E)
        gate = np.take_along_axis(probability, chosen, axis=1)  # (N, 1)

        def backward_of_one(dy):  # dy (N, 1)
            dlogits = -probability * (dy * gate)
            dlogits[np.arange(n), chosen[:, 0]] += (dy * gate)[:, 0]
            return (dlogits,)

        return gate, backward_of_one
    gate = _softmax(np.take_along_axis(logits, chosen, axis=1))

    def backward(dy):  # dy (N, k)
        dlogits = np.zeros_like(logits)
        np.put_along_axis(dlogits, chosen, gate * (dy - (dy * gate).sum(axis=1, keepdims=True)), axis=1)
        return (dlogits,)

    return gate, backward


@op
def load_balance(logits, *, chosen):
    """E times the sum over experts of f * P: 1 where all have equal shares, E where one has all (Switch, eq. 4).

    f is the share of choices that fell on an expert, a constant for the gradient; P its mean probability.

    logits (N, E), chosen (N, k)  ->  one number; 0.0 where there are no rows
    """
    n, experts = logits.shape
    share = (np.bincount(chosen.reshape(-1), minlength=experts) / max(chosen.size, 1)).astype(logits.dtype)  # (E,)
    probability = _softmax(logits)
    of_row = probability @ share  # (N,)
    scale = experts / max(n, 1)

    def backward(dy):  # dy ()
        return (probability * (share - of_row[:, None]) * (dy * logits.dtype.type(scale)),)

    return (of_row.sum() * scale).astype(logits.dtype), backward


@op
def router_z(logits):
    """Mean squared logsumexp, which keeps logits small, where float32 rounds little (ST-MoE, Zoph et al. 2022, eq. 5).

    logits (N, E)  ->  one number; 0.0 where there are no rows
    """
    most = logits.max(axis=1, keepdims=True)
    log_sum = most[:, 0] + np.log(np.exp(logits - most).sum(axis=1))  # (N,)
    scale = logits.dtype.type(1 / max(len(logits), 1))
    return (log_sum @ log_sum) * scale, lambda dy: (_softmax(logits) * (2 * dy * scale * log_sum)[:, None],)


@op
def foretold(logits, *, counts):
    """Mutual information, in nats, of the expert chosen for a row and an event of that row drawn at random.

    What a row's expert says of its events, in this batch alone: 0 where it says nothing (or there are no events).

    logits (N, E), counts (N, S): how often each event comes in a row  ->  one number
    """
    probability = _softmax(logits)
    share = (counts[:, counts.any(axis=0)] / max(counts.sum(), 1)).astype(logits.dtype)  # (N, S')
    joint = probability.T @ share  # (E, S')
    of_expert, of_event = joint.sum(axis=1, keepdims=True), joint.sum(axis=0)
    least = np.finfo(logits.dtype).tiny
    surprise = np.log(np.maximum(joint, least) / np.maximum(of_expert, least))  # log p(event | expert)

    def backward(dy):  # dy ()
        gain = share @ surprise.T  # (N, E)
        return (probability * (gain - (probability * gain).sum(axis=1, keepdims=True)) * dy,)

    return ((joint * (surprise - np.log(of_event))).sum()).astype(logits.dtype), backward


@op
def grouped_linear(x, weight, bias, *, ends):
    """x @ weight[e].T + bias[e] for the rows of group e, which end before ends[e] and start where group e - 1 ends.

    x (N, In), weight (E, Out, In), bias (E, Out), ends (E,), the last N  ->  (N, Out)
    """
    if weight.ndim != 3 or x.ndim != 2 or x.shape[1] != weight.shape[2] or bias.shape != weight.shape[:2]:
        raise ValueError(
            f"grouped_linear: x {x.shape}, weight {weight.shape} and bias {bias.shape} do not fit; "
            "needs (N, In), (E, Out, In) and (E, Out)"
        )
    if len(ends) != len(weight) or ends[-1] != len(x):
        raise ValueError(f"grouped_linear: ends is {list(ends)}, needs {len(weight)} rising numbers up to {len(x)}")
    groups = [(e, slice(start, end)) for e, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True))]
    groups = [(e, rows) for e, rows in groups if rows.stop > rows.start]
    y = np.empty((len(x), weight.shape[1]), x.dtype)
    for e, rows in groups:
        y[rows] = kernels.linear(x[rows], weight[e], bias[e])

    def backward(dy):
        found = []

        def for_x():
            dx = np.empty_like(x)
            for e, rows in groups:
                dx[rows] = kernels.linear_backward_input(dy[rows], weight[e])
            return dx

        def for_weights():
            if not found:  # one pass over dy gives weight's and bias's
                found.extend((np.zeros_like(weight), np.zeros_like(bias)))
                for e, rows in groups:
                    found[0][e], found[1][e] = kernels.linear_backward_weight(dy[rows], x[rows])
            return found

        return for_x, lambda: for_weights()[0], lambda: for_weights()[1]

    return y, backward


@op
def scatter_rows(rows, scale, *, ids, size):
    """Row ids[i] of the result is the sum of scale[i] * rows[i] over all i that name it: what `embedding` does, back.

    rows (N, D), scale (N,), ids (N,) integers in [0, size)  ->  (size, D)
    """

    def backward(dy):  # dy (size, D)
        there = dy[ids]  # (N, D)
        return there * scale[:, None], np.einsum("nd,nd->n", there, rows)

    return kernels.scatter_add(ids, rows, size, values=scale), backward


def _softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)
