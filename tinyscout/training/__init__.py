"""Training: what turns a model and labelled leads into weights."""

from tinyscout.training.fit import History, Progress, fit

__all__ = ["History", "Progress", "fit"]
