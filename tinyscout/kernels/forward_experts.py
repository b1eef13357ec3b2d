"""The compiled forward of a model with experts: as forward.py has it, with Experts behind the Weights and the Scratch.

On their own, so that a dense model compiles none of this and runs none of it.
"""

from tinyscout.kernels.forward import EXTEND_TYPES, REPLY_TYPES, extend, reply
from tinyscout.kernels.jit import entry, kernel
from tinyscout.kernels.layout import experts_in, float32_in, int8_in, scratch_in


@kernel
def reply_float32(memory, table, room, places, ids, values, ages, offsets, data, indices, indptr, first, last, out):
    """The same as forward.reply_float32."""
    weights, sizes = float32_in(memory, table)
    experts, scratch = experts_in(memory, table, room, places), scratch_in(room, places)
    return reply(weights, sizes, experts, scratch, ids, values, ages, offsets, data, indices, indptr, first, last, out)


@kernel
def reply_int8(memory, table, room, places, ids, values, ages, offsets, data, indices, indptr, first, last, out):
    """The same for weights in bytes."""
    weights, sizes = int8_in(memory, table)
    experts, scratch = experts_in(memory, table, room, places), scratch_in(room, places)
    return reply(weights, sizes, experts, scratch, ids, values, ages, offsets, data, indices, indptr, first, last, out)


@kernel
def extend_float32(memory, table, room, places, ids, values, ages, at, keys, kept, out):
    """The same as forward.extend_float32."""
    weights, sizes = float32_in(memory, table)
    experts, scratch = experts_in(memory, table, room, places), scratch_in(room, places)
    return extend(weights, sizes, experts, scratch, ids, values, ages, at, keys, kept, out)


@kernel
def extend_int8(memory, table, room, places, ids, values, ages, at, keys, kept, out):
    """The same for weights in bytes."""
    weights, sizes = int8_in(memory, table)
    experts, scratch = experts_in(memory, table, room, places), scratch_in(room, places)
    return extend(weights, sizes, experts, scratch, ids, values, ages, at, keys, kept, out)


#: As Python calls them, for each dtype of the weights.
REPLY = {"float32": entry(reply_float32, *REPLY_TYPES), "int8": entry(reply_int8, *REPLY_TYPES)}
EXTEND = {"float32": entry(extend_float32, *EXTEND_TYPES), "int8": entry(extend_int8, *EXTEND_TYPES)}
