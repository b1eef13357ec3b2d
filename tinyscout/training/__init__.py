"""Training: what turns labelled leads into weights."""

from tinyscout.training.fit import History, Progress, fit
from tinyscout.training.language import fit_language, language_loss
from tinyscout.training.stack import Stack

__all__ = ["History", "Progress", "Stack", "fit", "fit_language", "language_loss"]
