"""Reverse-mode automatic differentiation on NumPy arrays: Tensor, @op and the ops, with the means to check them.

An op is one function of arrays that returns its value and its backward (op.py); the engine is graph.py.
"""

from tinyscout.autograd import ops
from tinyscout.autograd.drawing import dot, tree
from tinyscout.autograd.gradcheck import GradientError, gradcheck, gradcheck_direction
from tinyscout.autograd.graph import OPS, detect_anomaly, is_grad_enabled, no_grad
from tinyscout.autograd.memory import keep_freed_memory
from tinyscout.autograd.op import op
from tinyscout.autograd.profiler import profile
from tinyscout.autograd.tensor import Tensor

__all__ = [
    "OPS",
    "GradientError",
    "Tensor",
    "detect_anomaly",
    "dot",
    "gradcheck",
    "gradcheck_direction",
    "is_grad_enabled",
    "keep_freed_memory",
    "no_grad",
    "op",
    "ops",
    "profile",
    "tree",
]
