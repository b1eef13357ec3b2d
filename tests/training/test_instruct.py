"""Instruction tuning: the loss stands on the answer alone, a lesson is learnt, and a writer reads its prompt alone."""

import math

import numpy as np
import pytest
from scipy import sparse

from tinyscout.autograd import Tensor, no_grad, ops
from tinyscout.errors import InputError
from tinyscout.inference.generate import Uncached, generate
from tinyscout.inference.sampler import SamplerSettings
from tinyscout.leads.outreach import write_examples
from tinyscout.leads.outreach_invented import drills
from tinyscout.metrics import log_loss
from tinyscout.models.expert_use import expert_use
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig, predict_logits
from tinyscout.nn import Block, Routing
from tinyscout.tokenizer import SalesTokenizer, Tokens, chat
from tinyscout.tokenizer.tokens import offsets_of
from tinyscout.tokenizer.vocabulary import END, INSTRUCTION, MESSAGE, SCORE
from tinyscout.training.instruct import (
    LanguageSettings,
    fit_language,
    language_loss,
    lesson_loss,
    plan_lessons,
)

WORDS = range(5, 12)  # 12 to 19 are what leads are made of
SETTINGS = LanguageSettings(epochs=12, batch_size=16, learning_rate=5e-3)


def make_lessons(n: int, seed: int) -> tuple[Examples, np.ndarray]:
    """A lead's one deciding token 12 + k is answered with the words 5 + k and 11; it replies when k is above 2."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 6, n)
    leads = [[12 + int(kind), *rng.integers(18, 20, rng.integers(0, 4)).tolist(), SCORE] for kind in kinds]
    lengths = np.array([len(lead) for lead in leads])
    ids = np.concatenate(leads).astype(np.int32)
    values, ages = np.zeros(len(ids), np.float32), np.full(len(ids), np.nan, np.float32)
    tokens = Tokens(ids, values, ages, offsets_of(lengths), np.zeros(n, np.int32))
    lessons = tokens.append([[INSTRUCTION, 6, MESSAGE, 5 + int(kind), 11, END] for kind in kinds])
    return Examples(lessons, sparse.csr_matrix((n, 1), dtype=np.float32)), (kinds > 2).astype(float)


def make_model(seed: int = 0, *, dtype: type = np.float32, **sizes) -> LeadScout:
    fixed = {"vocabulary": 20, "language": 12, "numbers": (), "wide": 1, "max_tokens": 24}
    config = LeadScoutConfig(**fixed, **{"width": 16, "depth": 2, "heads": 2, "dropout": 0.0, **sizes})
    return LeadScout(config, rng=np.random.default_rng(seed), dtype=dtype)


def leads_alone(lessons: Tokens) -> Tokens:
    """The lessons cut after `<score>`."""
    keep = np.concatenate(
        [np.cumsum(ids == SCORE) - (ids == SCORE) == 0 for ids in np.split(lessons.ids, lessons.offsets[1:-1])]
    )
    lengths = np.bincount(lessons.lead[keep], minlength=len(lessons))
    return Tokens(lessons.ids[keep], lessons.values[keep], lessons.ages[keep], offsets_of(lengths), lessons.dropped)


def test_a_lesson_is_learnt_and_written_again() -> None:
    lessons, replied = make_lessons(300, 1)
    held_out, replied_held_out = make_lessons(60, 2)
    model = make_model()
    before = language_loss(model, held_out.tokens)
    losses = fit_language(model, lessons, SETTINGS, seed=0, labels=replied)
    assert len(losses) == 12 * math.ceil(300 / 16)
    assert language_loss(model, held_out.tokens) < 0.05 < 1 < before
    prompts = held_out.tokens.take(np.arange(60))
    ends = np.array([np.flatnonzero(ids == MESSAGE)[0] + 1 for ids in np.split(prompts.ids, prompts.offsets[1:-1])])
    keep = np.arange(len(prompts.ids)) - prompts.offsets[prompts.lead] < ends[prompts.lead]
    cut = Tokens(prompts.ids[keep], prompts.values[keep], prompts.ages[keep], offsets_of(ends), prompts.dropped)
    for text, start in zip(
        generate(Uncached(model), cut, SamplerSettings(temperature=0, most=5)), cut.offsets[:-1], strict=True
    ):
        assert text == [cut.ids[start] - 12 + 5, 11]
    alone = Examples(leads_alone(held_out.tokens), held_out.features)
    assert log_loss(replied_held_out, predict_logits(model, alone)) < 0.1


def test_the_loss_is_that_of_the_answers_tokens() -> None:
    lessons, _ = make_lessons(9, 3)
    model = make_model().eval()
    total, count = 0.0, 0
    for i in range(9):
        batch = lessons.tokens.pad(np.array([i]))
        with no_grad():
            logits = model.language_logits(batch).data[0].astype(np.float64)
        start = int(np.flatnonzero(batch.ids[0] == MESSAGE)[0])
        for position in range(start, batch.lengths[0] - 1):  # from <message> to the token before <end>
            row = logits[position]
            total += np.log(np.exp(row).sum()) - row[batch.ids[0, position + 1]]
            count += 1
    assert count == 27
    assert language_loss(model, lessons.tokens) == pytest.approx(total / count, rel=1e-5)


def padded_loss(model: LeadScout, lessons: Examples, routings: list[Routing] | None = None) -> Tensor:
    """The loss on the same lessons as a rectangle."""
    batch = lessons.tokens.pad()
    answers = (np.cumsum(batch.ids == MESSAGE, axis=1) > 0) & (batch.ids != MESSAGE)
    rows, places = np.nonzero(answers & (np.arange(batch.ids.shape[1]) < batch.lengths[:, None]))
    hidden = model.hidden(model.embed(batch), batch.lengths, routings)
    return ops.cross_entropy(model.next_token(hidden[rows, places - 1]), targets=batch.ids[rows, places])


@pytest.mark.parametrize("experts", [0, 3])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_packed_lessons_give_the_loss_and_the_gradients_of_padded_ones(dtype: type, tolerance: float, experts) -> None:
    lessons, _ = make_lessons(40, 5)
    model = make_model(experts=experts, dtype=dtype)
    found = []
    for loss_of in (padded_loss, lesson_loss):
        routings: list[Routing] = []
        model.zero_grad()
        loss = loss_of(model, lessons, routings=routings)
        root = sum((each.loss(balance_weight=0.1, z_weight=0.01) for each in routings), loss)
        root.backward()
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        found.append((loss.item(), gradients, [each.served for each in routings]))
    (padded, wanted, served), (packed, gradients, packed_served) = found
    assert packed == pytest.approx(padded, rel=tolerance) and gradients.keys() == wanted.keys()
    np.testing.assert_array_equal(packed_served, served)
    for name, gradient in gradients.items():
        atol = tolerance * np.abs(wanted[name]).max()
        np.testing.assert_allclose(gradient, wanted[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("norm", ["pre", "post", "none"])
def test_a_token_changes_nothing_in_another_lesson_of_its_pack(norm) -> None:
    lessons, _ = make_lessons(9, 5)
    tokens, model = lessons.tokens, make_model()
    for i, block in enumerate(model.blocks):
        model.blocks[i] = Block(16, 2, norm=norm, rng=np.random.default_rng(i)) if norm != "pre" else block

    def logits(ids: np.ndarray) -> np.ndarray:
        changed = Tokens(ids, tokens.values, tokens.ages, tokens.offsets, tokens.dropped)
        with no_grad():
            return model.next_token(model.hidden(model.embed(changed), changed.lengths)).data

    before, start, end = logits(tokens.ids), *tokens.offsets[4:6]
    ids = tokens.ids.copy()
    ids[start] = 12 + (ids[start] - 11) % 6
    changed = (logits(ids) != before).any(axis=1)
    assert changed[start:end].all() and not changed[:start].any() and not changed[end:].any()
    for i in range(9):  # and each is what it would be alone, from position 0 on
        with no_grad():
            alone = model.language_logits(tokens.pad(np.array([i]))).data[0]
        np.testing.assert_allclose(before[slice(*tokens.offsets[i : i + 2])], alone, atol=1e-5)


def test_dropout_draws_for_packed_lessons_as_well() -> None:
    lessons, _ = make_lessons(20, 5)
    model = make_model(dropout=0.5)
    assert lesson_loss(model.train(), lessons).item() != lesson_loss(model, lessons).item()
    assert lesson_loss(model.eval(), lessons).item() == lesson_loss(model, lessons).item()


def test_no_message_no_loss() -> None:
    model, lessons = make_model(), make_lessons(3, 3)[0].tokens
    alone = leads_alone(lessons)
    assert math.isnan(language_loss(model, alone)) and math.isnan(language_loss(model, alone.take(np.arange(0))))
    mixed = leads_alone(lessons.take(np.array([0]))).append([[INSTRUCTION, 6]])
    both = Tokens(
        np.concatenate([lessons.ids, mixed.ids]),
        np.concatenate([lessons.values, mixed.values]),
        np.concatenate([lessons.ages, mixed.ages]),
        offsets_of(np.concatenate([lessons.lengths, mixed.lengths])),
        np.concatenate([lessons.dropped, mixed.dropped]),
    )
    assert language_loss(model, both) == pytest.approx(language_loss(model, lessons), rel=1e-6)


def test_the_reply_is_read_at_score_as_if_nothing_followed() -> None:
    lessons, replied = make_lessons(20, 4)
    model = make_model(1).eval()
    model.reply.weight.data[:] = 0.5
    both = lesson_loss(model, lessons, labels=replied, reply_weight=0.5).item()
    alone = predict_logits(model, Examples(leads_alone(lessons.tokens), lessons.features))
    assert both - lesson_loss(model, lessons).item() == pytest.approx(0.5 * log_loss(replied, alone), rel=1e-4)


def test_labels_that_are_not_known_count_for_nothing() -> None:
    lessons, replied = make_lessons(20, 4)
    model, few = make_model(1).eval(), np.arange(5)
    model.reply.weight.data[:] = 0.5
    some = np.where(np.arange(20) < 5, replied, np.nan)
    found = lesson_loss(model, lessons, labels=some).item() - lesson_loss(model, lessons).item()
    known = (
        lesson_loss(model, lessons.take(few), labels=replied[:5]).item() - lesson_loss(model, lessons.take(few)).item()
    )
    assert found == pytest.approx(known, rel=1e-4) != 0
    assert lesson_loss(model, lessons, labels=np.full(20, np.nan)).item() == lesson_loss(model, lessons).item()


def test_the_same_seed_gives_the_same_bits_and_progress_is_told() -> None:
    lessons, replied = make_lessons(40, 6)
    settings, told = SETTINGS.model_copy(update={"epochs": 1}), []
    first, second = make_model(), make_model()
    fit_language(first, lessons, settings, seed=1, labels=replied)
    fit_language(second, lessons, settings, seed=1, labels=replied, progress=lambda *done: told.append(done))
    for name, array in first.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[name])
    assert told == [("learning to write", step, 3) for step in (1, 2, 3)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loss_that_is_not_finite_is_one_line() -> None:
    lessons, _ = make_lessons(40, 6)
    model = make_model()
    model.token.weight.data[7] = np.nan
    with pytest.raises(InputError, match="step 1: the loss or a gradient is not finite; lower learning_rate") as error:
        fit_language(model, lessons, SETTINGS, seed=1)
    assert "\n" not in str(error.value)


def test_experts_learn_to_write_and_the_balance_loss_keeps_them_busy() -> None:
    lessons, _ = make_lessons(300, 1)
    held_out, _ = make_lessons(60, 2)
    least = []
    for balance_weight in (0.0, 0.1):
        model = make_model(experts=4)
        fit_language(model, lessons, SETTINGS.model_copy(update={"balance_weight": balance_weight}), seed=0)
        assert language_loss(model, held_out.tokens) < 0.05
        used = expert_use(model, held_out, every_token=True)
        least.append(min(float(counts.min() / counts.sum()) for counts in used.values()))
    assert least[1] > max(0.1, least[0])


@pytest.fixture(scope="module")
def tokenizer(small_tables) -> SalesTokenizer:
    examples = write_examples(small_tables, range(500), seed=1)
    writing = [text for each in examples for text in (each.prompt, each.message)]
    return SalesTokenizer.fit(small_tables, merges=700, writing=writing)


def make_writer(tokenizer: SalesTokenizer, *, max_tokens: int = 256) -> LeadScout:
    words = tokenizer.vocabulary
    sizes = {"width": 32, "depth": 2, "heads": 1, "max_tokens": max_tokens, "dropout": 0.0}
    config = LeadScoutConfig(len(words), words.n_language, (), 1, **sizes)
    return LeadScout(config, rng=np.random.default_rng(0))


def test_the_mask_drawn_as_text_is_the_message_from_its_first_word_to_its_end(small_tables, tokenizer) -> None:
    examples = write_examples(small_tables, range(40), seed=2, invented=0.5)
    lessons = plan_lessons(
        [each.prompt for each in examples], [each.message for each in examples], make_writer(tokenizer), tokenizer
    )
    mask = chat.answers(lessons.tokens)
    for row, example in enumerate(examples):
        own = slice(*lessons.tokens.offsets[row : row + 2])
        ids, learnt = lessons.tokens.ids[own], mask[own]
        first, last = np.flatnonzero(learnt)[[0, -1]]
        assert ids[first - 1] == MESSAGE and ids[last] == END and last == len(ids) - 1
        assert learnt[first:].all() and not learnt[:first].any()
        assert tokenizer.decode_text(ids[learnt]) == example.message  # what is learnt
        assert ids[0] == SCORE and ids[1] == INSTRUCTION
        assert tokenizer.decode_text(ids[~learnt]) == example.prompt  # what is read
        lines = chat.drawn(ids, learnt, tokenizer, width=70).split("\n")
        text, marks = "".join(lines[::2]), "".join(lines[1::2])
        assert len(text) == len(marks) and max(map(len, lines)) == 70
        begin, end = marks.index("^"), marks.rindex("^")
        assert text[:begin].endswith("<message>") and set(marks[:begin]) == {"."}
        assert text[begin : end + 1] == example.message.replace("\n", "/") + "<end>" and set(marks[begin:]) == {"^"}


def test_a_lesson_that_is_too_long_is_one_line(tokenizer) -> None:
    with pytest.raises(InputError, match=r"a lesson has \d+ tokens, the model has 16 positions") as error:
        plan_lessons(["write"], ["words " * 20], make_writer(tokenizer, max_tokens=16), tokenizer)
    assert "\n" not in str(error.value)


def test_a_drill_says_again_what_it_was_told() -> None:
    told = drills(200, 1)
    assert told == drills(200, 1) != drills(200, 2)
    for ask, answer in told:
        assert ask.split(" | ")[0] == "say" and ask.split(" | ")[1:] == answer.split(". ")
    assert len({answer for _, answer in told}) > 190
