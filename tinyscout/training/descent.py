"""The steps of a training: gradients clipped and looked at, the learning rate of a schedule, AdamW.

For whatever trains to the end of its schedule: language head, reward model, DPO, policy gradient. `fit` has early
stopping, averages and checkpoints besides.
"""

import math
from typing import Protocol

from tinyscout.autograd import keep_freed_memory
from tinyscout.errors import InputError
from tinyscout.models.lead_scout import LeadScout
from tinyscout.optim import AdamW, clip_grad_norm, warmup_cosine
from tinyscout.training.fit import Progress, no_decay


class Schedule(Protocol):
    """What a recipe says of its steps, as FitSettings does."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def final_rate(self) -> float: ...
    @property
    def warmup(self) -> float: ...
    @property
    def clip(self) -> float: ...


class Descent:
    """`total` steps of AdamW on all weights of a model that take gradients.

    doing: what it is called by `progress` and in an error; remedy: what else than a lower rate may help there.
    """

    def __init__(
        self,
        model: LeadScout,
        schedule: Schedule,
        total: int,
        *,
        doing: str,
        remedy: str = "",
        weight_decay: float = 0.0,
        progress: Progress | None = None,
    ):
        self.schedule, self.total = schedule, total
        self.doing, self.remedy, self.progress = doing, remedy, progress
        learnt = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self.optimizer = AdamW(learnt, lr=schedule.learning_rate, weight_decay=weight_decay, no_decay=no_decay)
        self.optimizer.zero_grad()
        keep_freed_memory()

    def step(self, loss: float | None = None) -> None:
        """Move the weights by their gradients, and clear these.

        Raises InputError where a gradient, or the loss that they are of, if it is known, is not finite.
        """
        schedule, taken = self.schedule, self.optimizer.steps
        norm = clip_grad_norm(self.optimizer.params.values(), schedule.clip)
        if not math.isfinite(norm if loss is None else norm + loss):
            raise InputError(
                f"{self.doing}, step {taken + 1}: the loss or a gradient is not finite; lower learning_rate "
                f"({schedule.learning_rate:g}){self.remedy}"
            )
        self.optimizer.lr = warmup_cosine(
            taken,
            warmup=int(schedule.warmup * self.total),
            total=self.total,
            peak=schedule.learning_rate,
            floor=schedule.final_rate,
        )
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.progress is not None:
            self.progress(self.doing, taken + 1, self.total)
