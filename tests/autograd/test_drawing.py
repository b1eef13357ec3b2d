"""The drawn graph shows every op and leaf once, with names, shapes and arrows."""

import numpy as np

from tinyscout.autograd import Tensor, dot, ops, tree


def graph():
    w = Tensor(np.ones((2, 3)), requires_grad=True)
    x = np.ones((4, 3))
    h = ops.linear(x, w)
    return (h * h + 1.0).mean(), w


def test_tree_draws_what_is_used_twice_once():
    loss, w = graph()
    assert tree(loss, [("head.weight", w)]) == "\n".join(
        [
            "#1 mean ()",
            "`- #2 add (4, 2)",
            "   `- #3 mul (4, 2)",
            "      |- #4 linear (4, 2)",
            "      |  `- #5 head.weight (2, 3)",
            "      `- see #4: linear (4, 2)",
        ]
    )


def test_tree_still_draws_after_backward_and_names_constants_and_deep_graphs():
    loss, _ = graph()
    loss.backward()
    assert tree(loss).startswith("#1 mean ()")
    assert tree(Tensor(np.ones(3))) == "constant (3,)"
    y = Tensor(np.ones(1), requires_grad=True)
    for _ in range(3000):
        y = -y
    assert tree(y).count("neg") == 3000
    assert dot(y).count("neg") == 3000


def test_dot_has_a_node_for_each_op_and_leaf_and_an_arrow_for_each_input():
    loss, w = graph()
    w.name = 'a "quoted" name'
    text = dot(loss)
    assert text.startswith("digraph") and text.endswith("}")
    assert text.count("shape=box") == 4
    assert text.count("shape=ellipse") == 1
    assert text.count("->") == 5  # linear goes into mul twice
    assert r"a \"quoted\" name (2, 3)" in text
