"""Training: what turns labelled leads into weights."""

from tinyscout.training.fit import History, Progress, fit
from tinyscout.training.instruct import fit_language, fit_writer, language_loss, write
from tinyscout.training.stack import Stack

__all__ = ["History", "Progress", "Stack", "fit", "fit_language", "fit_writer", "language_loss", "write"]
