"""Training: what turns labelled leads into weights."""

from tinyscout.training.fit import History, Progress, fit
from tinyscout.training.instruct import fit_language, language_loss
from tinyscout.training.stack import Stack
from tinyscout.training.writer import Writer, WriterSettings

__all__ = ["History", "Progress", "Stack", "Writer", "WriterSettings", "fit", "fit_language", "language_loss"]
