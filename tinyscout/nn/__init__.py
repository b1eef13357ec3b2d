"""Layers, in PyTorch's spelling: each holds its parameters, takes a tensor and gives a tensor.

Every layer is made with `rng`, the one source of its first weights, and `dtype`.
"""

from tinyscout.nn.attention import MultiHeadAttention
from tinyscout.nn.block import Block
from tinyscout.nn.dropout import Dropout
from tinyscout.nn.embedding import Embedding
from tinyscout.nn.linear import Linear
from tinyscout.nn.mlp import MLP
from tinyscout.nn.module import Module, Parameter
from tinyscout.nn.moe import MoE, Routing
from tinyscout.nn.norm import LayerNorm

__all__ = [
    "MLP",
    "Block",
    "Dropout",
    "Embedding",
    "LayerNorm",
    "Linear",
    "MoE",
    "Module",
    "MultiHeadAttention",
    "Parameter",
    "Routing",
]
