"""Make the golden arrays from PyTorch, once: `python tests/golden/make_golden.py` (needs tinyscout[oracle]).

A gradient check can't see a right gradient of a wrong formula; these arrays can. All float64, small shapes. What
PyTorch computes for padded queries is nobody's business: the cotangent is zero there, and tests compare the rest.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).parent
torch.manual_seed(20)
torch.set_default_dtype(torch.float64)


def save(name, **tensors):
    arrays = {key: np.asarray(value.detach() if torch.is_tensor(value) else value) for key, value in tensors.items()}
    np.savez_compressed(HERE / f"{name}.npz", **arrays)


def leaf(*shape):
    return torch.randn(*shape, requires_grad=True)


def attention():
    q, k, v = leaf(3, 2, 5, 4), leaf(3, 2, 5, 4), leaf(3, 2, 5, 4)
    lengths = torch.tensor([5, 3, 1])
    seen = (torch.arange(5) < lengths[:, None])[:, None, None, :] & torch.ones(5, 5, dtype=torch.bool).tril()
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
    dy = torch.randn_like(y) * (torch.arange(5) < lengths[:, None])[:, None, :, None]
    y.backward(dy)
    save("attention", q=q, k=k, v=v, lengths=lengths, y=y, dy=dy, dq=q.grad, dk=k.grad, dv=v.grad)


def block():
    """Pre-norm: TransformerEncoderLayer with norm_first, GELU by tanh, causal mask and padding mask."""
    width, heads = 8, 2
    layer = torch.nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout=0.0, activation=lambda x: F.gelu(x, approximate="tanh"),
        batch_first=True, norm_first=True,
    )  # fmt: skip
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # no bias at 0, no gain at 1
    names = {
        "attention.qkv.weight": layer.self_attn.in_proj_weight,
        "attention.qkv.bias": layer.self_attn.in_proj_bias,
        "attention.out.weight": layer.self_attn.out_proj.weight,
        "attention.out.bias": layer.self_attn.out_proj.bias,
        "mlp.up.weight": layer.linear1.weight,
        "mlp.up.bias": layer.linear1.bias,
        "mlp.down.weight": layer.linear2.weight,
        "mlp.down.bias": layer.linear2.bias,
        "attention_norm.gain": layer.norm1.weight,
        "attention_norm.bias": layer.norm1.bias,
        "mlp_norm.gain": layer.norm2.weight,
        "mlp_norm.bias": layer.norm2.bias,
    }
    x, lengths = leaf(3, 5, width), torch.tensor([5, 3, 1])
    hidden = ~torch.ones(5, 5, dtype=torch.bool).tril()
    y = layer(x, src_mask=hidden, src_key_padding_mask=torch.arange(5) >= lengths[:, None])
    dy = torch.randn_like(y) * (torch.arange(5) < lengths[:, None])[:, :, None]
    y.backward(dy)
    parameters = {f"p.{name}": p for name, p in names.items()}
    gradients = {f"g.{name}": p.grad for name, p in names.items()}
    save("block", x=x, lengths=lengths, y=y, dy=dy, dx=x.grad, **parameters, **gradients)


def optimisers():
    start = {"weight": torch.randn(3, 4), "bias": torch.randn(3)}
    grads = {f"grad{step}.{name}": torch.randn_like(p) for step in range(6) for name, p in start.items()}
    save("optimisers", **{f"start.{n}": p for n, p in start.items()}, **grads, **{
        f"{kind}.{name}": p
        for kind in ("adamw", "sgd")
        for name, p in run(kind, {n: p.clone().requires_grad_() for n, p in start.items()}, grads).items()
    })  # fmt: skip


def run(kind, params, grads):
    if kind == "adamw":
        groups = [
            {"params": [params["weight"]], "weight_decay": 0.1},
            {"params": [params["bias"]], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=0.05, betas=(0.9, 0.99), eps=1e-6)
    else:
        optimiser = torch.optim.SGD(params.values(), lr=0.05, momentum=0.9)
    for step in range(6):
        for name, parameter in params.items():
            parameter.grad = grads[f"grad{step}.{name}"]
        if step == 4:
            optimiser.param_groups[0]["lr"] = 0.01  # learning rates change on the way
            optimiser.param_groups[-1]["lr"] = 0.01
        optimiser.step()
    return params


def losses():
    logits, targets, weights = leaf(6, 5), torch.randint(0, 5, (6,)), torch.tensor([1.0, 0, 2, 0.5, 0, 3])
    plain = F.cross_entropy(logits, targets)
    plain.backward()
    d_plain, logits.grad = logits.grad, None
    each = F.cross_entropy(logits, targets, reduction="none")
    weighted = (each * weights).sum() / weights.sum()
    weighted.backward()
    save(
        "cross_entropy", logits=logits, targets=targets, weights=weights,
        plain=plain, d_plain=d_plain, weighted=weighted, d_weighted=logits.grad,
    )  # fmt: skip
    z, y = leaf(7), torch.tensor([0, 1, 1, 0, 0.3, 1, 0])
    with torch.no_grad():
        z[:2] *= 40  # the sigmoid saturates
    plain = F.binary_cross_entropy_with_logits(z, y)
    plain.backward()
    d_plain, z.grad = z.grad, None
    weights = torch.tensor([1.0, 2, 0, 1, 4, 1, 0])
    weighted = (F.binary_cross_entropy_with_logits(z, y, reduction="none") * weights).sum() / weights.sum()
    weighted.backward()
    save(
        "bce_with_logits", logits=z, targets=y, weights=weights,
        plain=plain, d_plain=d_plain, weighted=weighted, d_weighted=z.grad,
    )  # fmt: skip


def rowwise():
    x, gain, bias, dy = leaf(4, 6), leaf(6), leaf(6), torch.randn(4, 6)
    y = F.layer_norm(x, (6,), gain, bias, eps=1e-5)
    y.backward(dy)
    save("layer_norm", x=x, gain=gain, bias=bias, y=y, dy=dy, dx=x.grad, dgain=gain.grad, dbias=bias.grad)
    x = (4 * torch.randn(4, 6)).requires_grad_()
    y = F.gelu(x, approximate="tanh")
    y.backward(dy)
    save("gelu", x=x, y=y, dy=dy, dx=x.grad)


if __name__ == "__main__":
    attention()
    block()
    optimisers()
    losses()
    rowwise()
