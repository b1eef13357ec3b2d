"""Explanations: what each part of a lead adds to its score, in words and in figures."""

from tinyscout.explain.contributions import Contributions, contributions
from tinyscout.explain.reasons import top_reasons

__all__ = ["Contributions", "contributions", "top_reasons"]
