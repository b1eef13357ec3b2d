"""Writer: a small model that writes first messages, the words it knows, and the recipe that makes one.

It reads an instruction with its plan of facts (leads/outreach_instructions.py) and no text of a CRM, so one writer
serves any leads. A trained one ships with the package: `Writer.shipped().write(prompts, SamplerSettings())`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError

from tinyscout import artifact
from tinyscout.errors import InputError
from tinyscout.inference import compile
from tinyscout.inference.cached import Cached
from tinyscout.inference.generate import generate, writable
from tinyscout.inference.only_words import OnlyWords
from tinyscout.inference.quantize import Quantized, quantize
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import Example, write_examples
from tinyscout.leads.outreach_checks import words_for
from tinyscout.leads.outreach_invented import drills
from tinyscout.leads.tables import LeadTables
from tinyscout.models.lead_scout import LeadScout, LeadScoutConfig
from tinyscout.settings import Count, Settings, Share, first_mistake
from tinyscout.tokenizer import SalesTokenizer, chat
from tinyscout.tokenizer.bpe import BPE
from tinyscout.tokenizer.signals import SignalCoder
from tinyscout.training.fit import Progress
from tinyscout.training.instruct import LanguageSettings, fit_language, plan_lessons

ROLE = "writer"


class WriterSettings(Settings):
    """The recipe: sizes, how many drills in copying come first, how many lessons follow, and how both are learnt.

    invented: the share of lessons whose facts are made up, so that values are copied and not learnt by heart; merges:
    of the byte-level BPE, whose words come from the lessons on real leads of the world alone.
    """

    lessons: Count = 160_000
    invented: Share = 0.4
    drills: Annotated[int, Field(ge=0)] = 64_000
    merges: Annotated[int, Field(ge=0)] = 1400
    width: Count = 96
    depth: Count = 3
    heads: Count = 3
    max_tokens: Count = 256
    drilling: LanguageSettings = LanguageSettings(batch_size=32, learning_rate=4e-3, final_rate=0.3)
    learning: LanguageSettings = LanguageSettings(epochs=2, batch_size=16, learning_rate=4e-3, final_rate=0.0)


@dataclass
class Writer:
    """A model that writes, and its tokenizer. Make one with `Writer.fit`, `Writer.load` or `Writer.shipped`.

    settings and seed: how it was made; losses: of every step of the training, the drills' first; metrics: what was
    measured of it, by whoever did.
    """

    tokenizer: SalesTokenizer
    model: LeadScout
    settings: WriterSettings
    seed: int = 0
    losses: list[float] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    version: str = "not saved"

    @classmethod
    def fit(
        cls,
        tables: LeadTables,
        settings: WriterSettings | None = None,
        *,
        seed: int,
        progress: Progress | None = None,
    ) -> Writer:
        """Train a writer on lessons made from all leads of `tables`, which are of a synthetic world.

        Drills teach it to copy before the lessons teach it to write. Raises InputError where a lesson is longer than
        max_tokens, or the loss is no longer finite.
        """
        began, settings = time.perf_counter(), settings or WriterSettings()
        examples = make_lessons(tables, settings, seed)
        writer = cls.begin(examples, settings, seed=seed)
        if settings.drills:
            writer.learn(drills(settings.drills, seed), settings.drilling, progress=progress)
        writer.learn([(each.prompt, each.message) for each in examples], settings.learning, progress=progress)
        writer.seconds = time.perf_counter() - began
        return writer

    @classmethod
    def begin(cls, examples: Sequence[Example], settings: WriterSettings, *, seed: int) -> Writer:
        """A writer that knows the words of the examples on real leads of their world, and has learnt nothing else."""
        words = Counter(text for each in examples if not each.invented for text in (each.prompt, each.message))
        tokenizer = SalesTokenizer(BPE.train(words, settings.merges), (), SignalCoder(()), 0)
        vocabulary, sizes = tokenizer.vocabulary, settings.model_dump(include={"width", "depth", "heads", "max_tokens"})
        config = LeadScoutConfig(len(vocabulary), vocabulary.n_language, (), 1, dropout=0.0, **sizes)
        return cls(tokenizer, LeadScout(config, rng=np.random.default_rng(seed)), settings, seed)

    def learn(
        self, pairs: Sequence[tuple[str, str]], settings: LanguageSettings, *, progress: Progress | None = None
    ) -> None:
        """Train on pairs of a prompt and the message that is to answer it."""
        prompts, messages = zip(*pairs, strict=True)
        lessons = plan_lessons(prompts, messages, self.model, self.tokenizer)
        self.losses += fit_language(self.model, lessons, settings, seed=self.seed, progress=progress)

    def write(
        self,
        prompts: Sequence[str],
        sampler: SamplerSettings,
        *,
        streams: Sequence[int] | None = None,
        constrained: bool = False,
    ) -> list[str]:
        """A message for each prompt (N), which `Instruction.with_plan` makes.

        streams (N,): which stream of random numbers of sampler.seed each message draws from, its number by default; a
        message depends on its prompt, its stream and the seed alone. constrained: write no words but the corpus's and
        those of the prompt's plan. Raises InputError where a prompt and sampler.most tokens are more than the model has
        positions for.
        """
        texts = self.continued(prompts, sampler, streams=streams, constrained=constrained)
        return [self.tokenizer.decode_text(ids) for ids in texts]

    def continued(
        self,
        prompts: Sequence[str],
        sampler: SamplerSettings,
        *,
        streams: Sequence[int] | None = None,
        constrained: bool = False,
    ) -> list[list[int]]:
        """The token ids of what `write` writes, without `<end>`."""
        asked = chat.prompts(chat.nobody(len(prompts)), prompts, self.tokenizer)
        longest, room = int(asked.lengths.max(initial=0)), self.settings.max_tokens - sampler.most
        if longest > room:
            raise InputError(
                f"writer: a prompt has {longest} tokens, and there is room for {room} beside a message of up to "
                f"{sampler.most}; state fewer facts, or shorter ones"
            )
        vocabulary, spelled = self.tokenizer.vocabulary, self.tokenizer.bpe.words
        only = [OnlyWords(words_for(each), vocabulary, spelled) for each in prompts] if constrained else None
        steps, allowed = Cached(compile(self.model)), writable(vocabulary)
        return generate(steps, asked, sampler, allowed=allowed, constraints=only, streams=streams)

    def save(self, directory: Path) -> Writer:
        """Write everything `load` needs; sets `version`, made of its hash, and returns the writer.

        Matrices are rounded to bytes, all else to float16: the writer that `load` gives is this one, rounded.
        """
        manifest = artifact.Manifest(
            name=Path(directory).name,
            role=ROLE,
            made_by="Writer.fit",
            seed=self.seed,
            config=self.settings.model_dump(),
            metrics=self.metrics,
            seconds=round(self.seconds, 3),
        )
        state = {"tokenizer": self.tokenizer.to_state(), "model": asdict(self.model.config)}
        self.version = artifact.save(Path(directory), manifest, quantize(self.model).arrays(), state).version
        return self

    @classmethod
    def load(cls, directory: Path) -> Writer:
        """The writer that `save` wrote. Raises InputError when a file is missing, truncated, or no writer."""
        manifest, arrays, state = artifact.load(Path(directory))
        if manifest.role != ROLE:
            raise InputError(f"{directory}: holds a {manifest.role}, needs a writer saved by Writer.save")
        try:
            settings = WriterSettings.model_validate(manifest.config)
        except ValidationError as error:
            raise InputError(
                f"{directory}: this tinyscout can't read the writer's settings ({first_mistake(error)}); make it again"
            ) from error
        config = LeadScoutConfig(**{**state["model"], "numbers": tuple(state["model"]["numbers"])})
        model = LeadScout(config, rng=np.random.default_rng(0))
        model.load_state_dict(model.state_dict() | Quantized.from_arrays(config, arrays).float32())
        return cls(
            SalesTokenizer.from_state(state["tokenizer"]),
            model.eval(),
            settings,
            manifest.seed,
            metrics=manifest.metrics,
            seconds=manifest.seconds,
            version=manifest.version,
        )

    @classmethod
    def shipped(cls) -> Writer:
        """The writer that ships with the package, made by `python benchmarks/writing.py --save FOLDER`.

        Its metrics are what the checkers said of its messages to held-out leads.
        """
        with resources.as_file(resources.files("tinyscout") / "data" / "writer") as folder:
            return cls.load(folder)


def make_lessons(tables: LeadTables, settings: WriterSettings, seed: int) -> list[Example]:
    """settings.lessons examples of all leads of `tables` alike, in mixed order."""
    each = -(-settings.lessons // len(tables))
    examples = write_examples(tables, range(len(tables)), seed=seed, per_lead=each, invented=settings.invented)
    return [examples[i] for i in np.random.default_rng(seed).permutation(len(examples))[: settings.lessons]]
