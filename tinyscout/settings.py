"""Settings of a run: read from TOML, checked, frozen. configs/scout.toml holds the defaults written out."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from tinyscout.errors import InputError

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenizerSettings(Settings):
    """How a lead becomes tokens.

    newest_first: signals stand newest first, each behind its words; fold_case: texts are read, and quoted in reasons,
    in small letters.
    """

    merges: Annotated[int, Field(ge=0)] = 512
    max_words_per_text: Count = 32
    min_count: Count = 5
    max_tokens: Count = 128
    newest_first: bool = False
    fold_case: bool = False


class ModelSettings(Settings):
    """Sizes of the backbone.

    experts: 0 for dense layers, else how many MLPs each of the last `expert_layers` has, of which a token uses `top_k`;
    capacity: most tokens an expert takes while training, in fair shares, 0 for no limit; expand: how many times as wide
    as the stream the hidden layer of an MLP, or an expert, is; ngram: of how many tokens a vector tells before any
    attention, itself and those right before it.
    """

    width: Count = 64
    depth: Count = 2
    heads: Annotated[Count, Field(validate_default=True)] = 4
    dropout: Share = 0.1
    experts: Annotated[int, Field(ge=0, le=256)] = 0
    top_k: Annotated[int, Field(ge=1, le=2)] = 1
    expert_layers: Count = 2
    capacity: Annotated[float, Field(ge=0)] = 0.0
    expand: Count = 4
    ngram: Annotated[int, Field(ge=1, le=8)] = 1

    @field_validator("heads")
    @classmethod
    def _divides_the_width(cls, heads: int, found: ValidationInfo) -> int:
        width = found.data.get("width")
        if width is not None and width % heads:
            raise ValueError(f"needs a number that divides the width, {width}")
        return heads

    @field_validator("top_k")
    @classmethod
    def _of_the_experts(cls, top_k: int, found: ValidationInfo) -> int:
        experts = found.data.get("experts")
        if experts and experts < top_k:
            raise ValueError(f"needs at most the number of experts, {experts}")
        return top_k


class FitSettings(Settings):
    """The training loop. `warmup` is a share of all steps; `patience` counts evaluations without improvement.

    The learning rate ends at `final_rate` times its peak (1 holds it constant after the warm-up). `average` is how much
    of the averaged weights is kept at each step: 0.99 averages over about 100 steps, 0 takes the weights as they are.
    `deep_weight` is that of the deep path's own loss, `prefix_weight` of its loss on leads as they would end at an
    earlier token, where labels of those are given, `balance_weight` and `z_weight` those of the routers' losses in
    layers with experts (`LeadScout.training_loss`), `foretell_weight` and `follow_weight` of those by which all tokens
    of one kind of lead take one expert (`models/lead_kinds.py`; 0 leaves routers to themselves).

    A batch is cut into `threads` shards, one a thread; the same number on the same machine gives the same bits.
    """

    epochs: Count = 8
    deep_weight: Annotated[float, Field(ge=0)] = 0.3
    prefix_weight: Annotated[float, Field(ge=0)] = 1.0
    balance_weight: Annotated[float, Field(ge=0)] = 0.01
    z_weight: Annotated[float, Field(ge=0)] = 0.001
    foretell_weight: Annotated[float, Field(ge=0)] = 0.0
    follow_weight: Annotated[float, Field(ge=0)] = 0.0
    batch_size: Count = 128
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    final_rate: Annotated[float, Field(ge=0, le=1)] = 1.0
    average: Share = 0.99
    weight_decay: Annotated[float, Field(ge=0)] = 1.5
    warmup: Share = 0.02
    clip: Annotated[float, Field(gt=0)] = 1.0
    evaluations_per_epoch: Count = 2
    patience: Count = 5
    threads: Count = 2

    @property
    def loss_weights(self) -> dict[str, float]:
        """What `LeadScout.training_loss` takes."""
        routers = ("balance_weight", "z_weight", "foretell_weight", "follow_weight")
        return {name: getattr(self, name) for name in ("deep_weight", "prefix_weight", *routers)}


class ScoutSettings(Settings):
    """Everything `Scout.fit` needs besides the leads.

    members: transformers averaged, seeded seed, seed + 1, ...; stop_share, calibration_share: latest slices kept back;
    calibration_prior: pseudo-leads that pull the calibration towards no change;
    minimum_repliers: with fewer the baseline ships; leave_leaking_out: do without columns that know the answer.
    wide: the features of the wide path and of the logistic regression it starts from, `baseline` or `careful`
    (models/careful.py), which adds each persona's interest in each kind of signal and what came last.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    members: Count = 1
    stop_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.12
    calibration_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    calibration_prior: Annotated[float, Field(ge=0)] = 3000.0
    minimum_repliers: Annotated[int, Field(ge=0)] = 200
    leave_leaking_out: bool = True
    wide: Literal["baseline", "careful"] = "baseline"
    tokenizer: TokenizerSettings = TokenizerSettings()
    model: ModelSettings = ModelSettings()
    fit: FitSettings = FitSettings()


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(kind: type[AnySettings], path: Path | None, section: str | None = None) -> AnySettings:
    """Settings of `kind` from a TOML file (or its `section`); the defaults where `path` is None.

    Raises InputError naming the file, the key, what came and what was needed.
    """
    if path is None:
        return kind()
    try:
        content: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such settings file; give an existing TOML file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: can't be read as TOML ({' '.join(str(error).split())})") from error
    if section is not None:
        content = content.get(section, {})
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {first_mistake(error)}; correct this key") from error


def overridden(settings: AnySettings, **given: Any) -> AnySettings:
    """The settings with some keys given at the command line, checked like the rest; None leaves a key as it is.

    Raises InputError naming the argument.
    """
    changes = {key: value for key, value in given.items() if value is not None}
    try:
        return type(settings).model_validate(settings.model_dump() | changes)
    except ValidationError as error:
        raise InputError(f"--{first_mistake(error)}") from error


def first_mistake(error: ValidationError) -> str:
    """In one line which key is wrong, what came and what was needed."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"{key} is {first['input']!r}: {first['msg'].lower()}"
