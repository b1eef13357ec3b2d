"""tinyscout: a transformer made by hand in NumPy and Numba that predicts which sales leads will reply.

The front door is `tinyscout.Scout`; it is imported on first use, so that `import tinyscout` stays quick.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyscout.scout import Scout

__version__ = "0.1.0"
__all__ = ["Scout", "__version__"]


def __getattr__(name: str):
    if name == "Scout":
        from tinyscout.scout import Scout

        return Scout
    raise AttributeError(f"module 'tinyscout' has no attribute {name!r}")
