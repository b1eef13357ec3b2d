"""Tokens to vectors: what a token is and stands after, where, how long ago, how much, summed in one pass.

The readable twins are models/lead_scout.py (`embed`), models/time_encoding.py and models/amount_encoding.py. Log time
is rounded where they round it: the fastest sine turns one unit in its last place into 2e-5 of a feature.
"""

import math
from typing import NamedTuple

import numpy as np

from tinyscout.kernels.jit import kernel
from tinyscout.kernels.simd import LANES, fma, load, splat, store

f32 = np.float32
MINUTES_PER_HOUR = 60.0
PI = f32(math.pi)
ZERO, ONE, HALF = f32(0), f32(1), f32(0.5)
PAD = 0  # tokenizer.vocabulary.PAD: the id of what stands before the first token


class Tables(NamedTuple):
    """What a token's coordinates look up. Rows have the width rounded up to whole registers, W, with zeros behind."""

    token: np.ndarray  # (V, W)
    before: np.ndarray  # ((n - 1) * V, W): of the ids one, two ... n - 1 places before
    position: np.ndarray  # (T, W)
    age: np.ndarray  # (2 + 2F, W): one vector for each feature of log time
    knots: np.ndarray  # (R, W)
    first_knot: np.ndarray  # (V,) int64: row of knots where the id's spline starts; -1: the id has no amount
    splines: np.ndarray  # (2,) float64: knots a spline, and log(1 + minutes) of the largest age


def _log_time(age):
    """log(1 + minutes) of an age in hours, float64."""
    return math.log1p(age * MINUTES_PER_HOUR)


# subtle: without the safe flags, which let LLVM take the logarithm of a float32 where the result becomes one
log_time = kernel(_log_time, fastmath=frozenset())


@kernel
def age_row(age, vectors, frequencies, largest, features, out):
    """out (W,) = the time encoding of an age in hours that is not NaN."""
    u = f32(log_time(np.float64(age)) / largest)
    angle = np.float64(u * PI)  # doubled in float64, which loses nothing that matters
    features[0], features[1] = ONE, u
    s, c = math.sin(angle), math.cos(angle)
    for k in range(frequencies):
        features[2 + k], features[2 + frequencies + k] = f32(s), f32(c)
        s, c = 2 * s * c, 1 - 2 * s * s
    width = vectors.shape[1]
    flat = vectors.reshape(-1)
    for j in range(0, width, LANES):
        total = splat(ZERO)
        for k in range(2 + 2 * frequencies):
            total = fma(splat(features[k]), load(flat, k * width + j), total)
        store(out, j, total)


@kernel
def embed(tables, ids, values, ages, first, last, position, skip, features, age_vector, x, x0):
    """Rows of x from x0 on = vectors of tokens first to last of one lead, the first of them at `position`.

    ids start `skip` places before values and ages do: with earlier tokens that are in a cache. features (2 + 2F,) and
    age_vector (W,) are scratch.
    """
    width = tables.token.shape[1]
    frequencies = tables.age.shape[0] // 2 - 1
    n_knots, largest = int(tables.splines[0]), tables.splines[1]
    token, places, knots = tables.token.reshape(-1), tables.position.reshape(-1), tables.knots.reshape(-1)
    vocabulary, before = tables.token.shape[0], tables.before.reshape(-1)
    earlier = tables.before.shape[0] // vocabulary
    known = f32(np.nan)  # the age whose vector is in age_vector: the words of a text share one
    for n in range(first, last):
        at = x0 + (n - first) * width
        own = ids[n + skip]
        e, p = own * width, (position + n - first) * width
        for j in range(0, width, LANES):
            store(x, at + j, load(token, e + j) + load(places, p + j))
        for k in range(1, earlier + 1):
            there = ids[n + skip - k] if position + n - first >= k else PAD
            e = ((k - 1) * vocabulary + there) * width
            for j in range(0, width, LANES):
                store(x, at + j, load(x, at + j) + load(before, e + j))
        age = ages[n]
        if not np.isnan(age):
            if age != known:
                age_row(age, tables.age, frequencies, largest, features, age_vector)
                known = age
            for j in range(0, width, LANES):
                store(x, at + j, load(x, at + j) + load(age_vector, j))
        spline = tables.first_knot[own]
        if spline >= 0:
            value = values[n]
            value = -ONE if value < -ONE else ONE if value > ONE else value
            place = (value + ONE) * HALF * f32(n_knots - 1)
            left = int(place) if place > ZERO else 0  # also where value is NaN, which has no whole number
            left = min(left, n_knots - 2)
            share = place - f32(left)
            below, above = (spline + left) * width, (spline + left + 1) * width
            for j in range(0, width, LANES):
                mixed = fma(splat(share), load(knots, above + j), splat(ONE - share) * load(knots, below + j))
                store(x, at + j, load(x, at + j) + mixed)
