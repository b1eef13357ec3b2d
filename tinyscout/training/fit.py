"""The training loop: batches of like length, AdamW, early stopping on the latest dates, checkpoints that resume.

Everything random is drawn from (seed, epoch) or from generators whose state is in the checkpoint, so that a run
killed at any moment and resumed ends with the same bits as one that was not.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinyscout import artifact
from tinyscout.autograd import detect_anomaly
from tinyscout.errors import InputError
from tinyscout.metrics.scores import shifted_losses
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.optim import AdamW, clip_grad_norm, warmup_cosine
from tinyscout.settings import FitSettings
from tinyscout.training.shards import Shards

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all
POOL = 32  # batches drawn together and sorted by length: little padding, still a fresh mix each epoch


@dataclass
class History:
    """One row an evaluation: step, train (mean loss since the last row), stop (loss on the stopping slice)."""

    rows: list[dict[str, float]] = field(default_factory=list)
    best_step: int = 0
    best_share: float = 0.0  # of the schedule's steps, once the run is over
    best_loss: float = math.inf
    waited: int = 0

    def add(self, step: int, train: float, stop: float) -> bool:
        """Record an evaluation; True when it is the best so far."""
        self.rows.append({"step": step, "train": train, "stop": stop})
        if stop < self.best_loss:
            self.best_step, self.best_loss, self.waited = step, stop, 0
            return True
        self.waited += 1
        return False


def shuffled_batches(lengths: np.ndarray, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Row indices of one epoch's batches: shuffled, sorted by length within pools of batches, pools mixed."""
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), batch_size * POOL):
        pool = order[start : start + batch_size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for i in rng.permutation(len(batches)):
        yield batches[i]


def fit(
    model: LeadScout,
    train: Examples,
    labels: np.ndarray,
    settings: FitSettings,
    *,
    seed: int,
    stop: tuple[Examples, np.ndarray] | None = None,
    share: float = 1.0,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> History:
    """Train `model` in place on `LeadScout.training_loss`; labels (N,) of 0 and 1.

    It is left with an average of its weights over the last steps (Polyak and Juditsky 1992, here exponential). With
    stop, later leads and their labels (M,), that is the average at the evaluation with the least loss on them, step 0
    included, with drift of the base rate taken out (`metrics.scores`). Without, it is that of the end, after
    `share` of the steps of the schedule: how a model is refitted on all leads for as long as stopping said. With
    `checkpoint`, a folder, the run resumes from what it holds, and the folder is brought up to date at every
    evaluation. Raises InputError when the loss is no longer finite (naming the op) or when the checkpoint belongs to
    another run.
    """
    run = _Run(model, train, labels, settings, seed, share)
    if checkpoint is not None and (checkpoint / artifact.MANIFEST).is_file():
        run.resume(checkpoint)
    elif stop is not None:
        run.evaluate(*stop)
    what = "training" if stop is not None else "training on all leads"
    with run.shards.running():
        while not run.finished:
            run.step()
            if progress is not None:
                progress(what, run.steps, run.last)
            if run.steps % run.evaluate_every == 0 or run.steps == run.last:
                if stop is not None:
                    run.evaluate(*stop)
                if checkpoint is not None:
                    run.save(checkpoint)
    if progress is not None:
        progress(what, run.last, run.last)
    model.load_state_dict(run.average if stop is None else run.best)
    if stop is not None:
        run.history.best_share = run.history.best_step / run.total
    return run.history


class _Run:
    """The state of one training run: all that a checkpoint has to hold."""

    def __init__(
        self,
        model: LeadScout,
        train: Examples,
        labels: np.ndarray,
        settings: FitSettings,
        seed: int,
        share: float,
    ):
        self.model, self.train, self.labels, self.settings = model, train, labels, settings
        self.seed, self.share = seed, share
        self.lengths = np.diff(train.tokens.offsets)
        self.per_epoch = math.ceil(len(train) / settings.batch_size)
        self.total = self.per_epoch * settings.epochs
        self.last = round(share * self.total)
        self.evaluate_every = max(1, self.per_epoch // settings.evaluations_per_epoch)
        self.optimizer = AdamW(
            [(name, p) for name, p in model.named_parameters() if p.requires_grad],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            no_decay=no_decay,
        )
        self.shards = Shards(model, settings.threads)
        self.steps = 0
        self.losses: list[float] = []
        self.history = History()
        self.average = model.state_dict()
        self.best = model.state_dict()
        self.epoch: tuple[int, list[np.ndarray]] = (-1, [])

    @property
    def finished(self) -> bool:
        return self.steps >= self.last or self.history.waited >= self.settings.patience

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what isn't finite is found below, and named
    def step(self) -> None:
        rows = self._batch_rows()
        self.shards.train()
        self.optimizer.zero_grad()
        loss = self.shards.backward(self.train, self.labels, rows, **self.settings.loss_weights)
        if not math.isfinite(loss) or not math.isfinite(clip_grad_norm(self.model.parameters(), self.settings.clip)):
            self._raise_for_nan(self.train, self.labels, rows)
        self.optimizer.lr = warmup_cosine(
            self.steps,
            warmup=int(self.settings.warmup * self.total),
            total=self.total,
            peak=self.settings.learning_rate,
            floor=self.settings.final_rate,
        )
        self.optimizer.step()
        keep = min(
            self.settings.average, (1 + self.steps) / (10 + self.steps)
        )  # short at first: early weights are poor
        for name, parameter in self.model.named_parameters():
            self.average[name] += (1 - keep) * (parameter.data - self.average[name])
        self.losses.append(loss)
        self.steps += 1

    def evaluate(self, stop: Examples, stop_labels: np.ndarray) -> None:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"), self.averaged():
            logits = predict_logits(self.model, stop)
            if not np.isfinite(logits).all():
                self._raise_for_nan(stop, stop_labels, np.flatnonzero(~np.isfinite(logits))[:1])
        loss = float(shifted_losses(stop_labels, logits).mean())
        if self.history.add(self.steps, float(np.mean(self.losses)) if self.losses else math.nan, loss):
            self.best = {name: array.copy() for name, array in self.average.items()}
        self.losses = []

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the model has the averaged weights."""
        own = self.model.state_dict()
        self.model.load_state_dict(self.average)
        try:
            yield
        finally:
            self.model.load_state_dict(own)

    def save(self, folder: Path) -> None:
        arrays = {f"model.{name}": array for name, array in self.model.state_dict().items()}
        arrays |= {f"average.{name}": array for name, array in self.average.items()}
        arrays |= {f"best.{name}": array for name, array in self.best.items()}
        arrays |= {f"optimizer.{name}": array for name, array in self.optimizer.state_dict().items()}
        best = self.history.best_loss
        history = {"best_step": self.history.best_step, "best_loss": best if math.isfinite(best) else None}
        rows = [
            [row["step"], None if math.isnan(row["train"]) else row["train"], row["stop"]] for row in self.history.rows
        ]
        state = {"steps": self.steps, "waited": self.history.waited, "rows": rows, "rng": self.shards.rng_state()}
        artifact.save(folder, self._manifest(), arrays, state | history)

    def resume(self, folder: Path) -> None:
        manifest, arrays, state = artifact.load(folder)
        wanted = self._manifest()
        if (manifest.role, manifest.config, manifest.seed, manifest.data_hash) != (
            wanted.role,
            wanted.config,
            wanted.seed,
            wanted.data_hash,
        ):
            raise InputError(
                f"{folder}: this checkpoint belongs to a run with other leads, settings or seed; "
                "give another folder, or delete this one to start anew"
            )

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

        self.model.load_state_dict(part("model."))
        self.optimizer.load_state_dict(part("optimizer."))
        self.average, self.best = part("average."), part("best.")
        self.shards.load_rng_state(state["rng"])
        self.steps = state["steps"]
        rows = [
            {"step": step, "train": math.nan if train is None else train, "stop": stop}
            for step, train, stop in state["rows"]
        ]
        best = math.inf if state["best_loss"] is None else state["best_loss"]  # nothing to stop by
        self.history = History(rows, best_step=state["best_step"], best_loss=best, waited=state["waited"])

    def _manifest(self) -> artifact.Manifest:
        config: dict[str, Any] = {
            "model": self.model.to_state(),
            "fit": self.settings.model_dump(),
            "share": self.share,
        }
        tokens = self.train.tokens
        data = {"ids": tokens.ids, "ages": tokens.ages, "values": tokens.values, "labels": np.asarray(self.labels)}
        if self.train.prefix_labels is not None:
            data["prefix_labels"] = self.train.prefix_labels
        data_hash = artifact.content_hash(data)
        return artifact.Manifest(
            name="checkpoint", role="checkpoint", made_by=__name__, seed=self.seed, config=config, data_hash=data_hash
        )

    def _batch_rows(self) -> np.ndarray:
        number, position = divmod(self.steps, self.per_epoch)
        if self.epoch[0] != number:
            rng = np.random.default_rng([self.seed, number])
            self.epoch = (number, list(shuffled_batches(self.lengths, self.settings.batch_size, rng)))
        return self.epoch[1][position]

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _raise_for_nan(self, examples: Examples, labels: np.ndarray, rows: np.ndarray) -> None:
        """Do these leads once more with every op watched, and say which one lost the numbers first."""
        where = f"training step {self.steps} (learning rate {self.optimizer.lr:.2g})"
        remedy = "lower fit.learning_rate, or look for extreme numbers with: tinyscout quality"
        self.optimizer.zero_grad()
        try:
            with detect_anomaly():
                some = examples.take(rows)
                self.model.training_loss(
                    some.tokens.pad(),
                    some.features,
                    labels[rows],
                    prefix_labels=some.prefix_labels,
                    **self.settings.loss_weights,
                )[1].backward()
        except FloatingPointError as error:
            raise InputError(f"{where}: {error}; {remedy}") from error
        raise InputError(f"{where}: the loss is not finite; {remedy}")


def no_decay(name: str) -> bool:
    """Weight decay is for matrices; gains, biases and the wide path (which has its own penalty) are left alone."""
    return name.endswith("bias") or "norm" in name or name.startswith("wide.")
