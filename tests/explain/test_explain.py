"""Explanations: the parts sum to the score, the wide path's are exact, and the words are true of the lead."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from tinyscout.explain import contributions, top_reasons
from tinyscout.explain.contributions import token_gradients
from tinyscout.explain.reasons import _by_subject, feature_ids
from tinyscout.explain.wording import Subjects, Wording, age_in_words
from tinyscout.leads import LeadTables
from tinyscout.models.baseline import LogisticBaseline
from tinyscout.models.lead_scout import Examples, LeadScout, LeadScoutConfig
from tinyscout.scout import Scout
from tinyscout.settings import ScoutSettings
from tinyscout.tokenizer import Tokens


@pytest.fixture(scope="module")
def some(small_tables: LeadTables) -> LeadTables:
    return small_tables.take(np.arange(0, 3000, 30))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_parts_sum_to_what_is_explained(small_scout: Scout, some: LeadTables, share: float) -> None:
    stack, examples = small_scout.stack, small_scout.examples(some)
    parts = contributions(stack.members, stack.baseline, share, (1.3, -0.2), examples, batch_tokens=500)
    mixed = share * stack.member_logits(examples) + (1 - share) * stack.baseline_logits(examples)
    lead = np.repeat(np.arange(len(some)), examples.tokens.lengths)
    total = parts.base + np.bincount(lead, parts.tokens) + np.asarray(parts.features.sum(axis=1)).ravel()
    np.testing.assert_allclose(total, parts.explained, atol=1e-9)
    residual = 1.3 * mixed - 0.2 - parts.explained
    if share == 0:  # nothing but the wide path, which is linear
        np.testing.assert_allclose(residual, 0, atol=1e-5)
        assert not parts.tokens.any()
    assert np.abs(residual).mean() < 0.5 * np.abs(1.3 * mixed - 0.2).mean()


def test_contributions_are_gradient_times_input(small_scout: Scout, some: LeadTables) -> None:
    """Shrinking one token's embedding by a little lowers the logit by that share of its contribution."""
    from tinyscout.autograd import Tensor, no_grad

    stack = small_scout.stack
    member = stack.members[0].eval()
    examples = small_scout.examples(some).take(np.array([3]))
    parts = contributions([member], stack.baseline, 1.0, (1.0, 0.0), examples)
    batch = examples.tokens.pad()
    with no_grad():
        embedded = member.embed(batch).data
        for place in range(0, embedded.shape[1], 4):
            values = []
            for step in (1e-2, -1e-2):
                moved = embedded.copy()
                moved[0, place] *= 1 + step
                values.append(member.reply_logits(batch, examples.features, embedded=Tensor(moved)).item())
            assert (values[0] - values[1]) / 2e-2 == pytest.approx(parts.tokens[place], abs=2e-4)


def test_what_is_said_of_an_earlier_id_is_its_token_s_own() -> None:
    rng = np.random.default_rng(0)
    config = LeadScoutConfig(20, 10, (), 4, width=8, depth=2, heads=2, max_tokens=8, ngram=3)
    member = LeadScout(config, rng=rng).eval()
    member.reply.weight.data[:] = rng.normal(size=(1, 8))
    ids, offsets = rng.integers(1, 20, 11).astype(np.int32), np.array([0, 6, 11])
    tokens = Tokens(ids, np.zeros(11, np.float32), np.full(11, np.nan, np.float32), offsets, np.zeros(2, np.int32))
    examples = Examples(tokens, sparse.csr_matrix((2, 4), dtype=np.float32))
    vectors, gradient, _ = token_gradients(member, examples)
    own = gradient * vectors
    tables = [table.weight.data for table in member.before]
    expected = own.sum(axis=1)
    for n, position in enumerate(tokens.positions):
        for back in (1, 2):
            if position >= back:
                share = gradient[n] @ tables[back - 1][ids[n - back]]
                expected[n] -= share
                expected[n - back] += share
    baseline = LogisticBaseline(1.0).fit(rng.normal(size=(20, 4)), np.arange(20) % 2)
    parts = contributions([member], baseline, 1.0, (1.0, 0.0), examples)
    np.testing.assert_allclose(parts.tokens, expected, atol=1e-5)
    assert np.abs(expected - own.sum(axis=1)).max() > 0.01


def test_texts_are_quoted_as_they_are_said_whatever_the_order(small_scout: Scout, small_tables: LeadTables) -> None:
    tokens, vocabulary = small_scout.examples(small_tables).tokens, small_scout.stack.tokenizer.vocabulary
    found = []
    for each in (tokens, tokens.newest_first(vocabulary)):
        subjects = Subjects(small_scout.stack.tokenizer)
        examples = Examples(each, sparse.csr_matrix((len(each), 1), dtype=np.float32))
        speakers = np.unique(each.said_by(vocabulary)[vocabulary.is_word(each.ids)])
        say = Wording(examples, small_tables, small_scout.stack.tokenizer, subjects)
        words = say.of(each.lead[speakers], subjects.first_text + speakers)
        found.append(sorted(zip(each.lead[speakers].tolist(), words, strict=True)))
    assert found[0] == found[1] and len(found[0]) > 100


def test_every_feature_speaks_of_its_token(small_scout: Scout) -> None:
    names, ids = small_scout.stack.features.names, feature_ids(small_scout.stack.features)
    vocabulary = small_scout.stack.tokenizer.vocabulary
    assert len(names) == len(ids)
    for name, i in zip(names, ids, strict=True):
        if i < 0:
            assert name in ("age of latest signal", "any signal", "count of all signals")
        else:
            assert name.removeprefix("count ").removeprefix("age ") == vocabulary.names[i]


def test_what_subjects_add_is_what_tokens_and_features_add(small_scout: Scout, some: LeadTables) -> None:
    examples, stack = small_scout.examples(some), small_scout.stack
    vocabulary = stack.tokenizer.vocabulary
    parts = contributions(stack.members, stack.baseline, 0.5, (1.0, 0.0), examples)
    lead, _, amount = _by_subject(parts, examples, vocabulary, stack.features, Subjects(stack.tokenizer))
    is_score = examples.tokens.ids == vocabulary.id_of("<score>")  # no subject
    owner = np.repeat(np.arange(len(some)), examples.tokens.lengths)
    expected = np.bincount(owner, parts.tokens * ~is_score) + np.asarray(parts.features.sum(axis=1)).ravel()
    whole = examples.tokens.dropped == 0  # a word that was cut off has no text to speak for
    assert whole.mean() > 0.5
    np.testing.assert_allclose(np.bincount(lead, amount)[whole], expected[whole], atol=1e-5)


def test_typical_is_what_features_contribute_on_average(small_scout: Scout, small_tables: LeadTables) -> None:
    stack = small_scout.stack
    examples = small_scout.examples(small_tables.take(np.flatnonzero(small_tables.mature)))  # what it was fitted on
    parts = contributions([], stack.baseline, 0.0, (1.3, -0.2), examples)
    np.testing.assert_allclose(parts.typical, np.asarray(parts.features.mean(axis=0)).ravel(), atol=1e-4)
    assert np.abs(parts.typical).max() > 0.01


def test_reasons_are_true_of_the_lead(small_scout: Scout, some: LeadTables) -> None:
    examples = small_scout.examples(some)
    stack = small_scout.stack
    parts = contributions(stack.members, stack.baseline, 1.0, (1.0, 0.0), examples)
    reasons = top_reasons(parts, examples, some, stack.tokenizer, stack.features)
    assert all(1 <= len(found) <= 3 for found in reasons)
    seen = set()
    for row, found in enumerate(reasons):
        start, stop = some.offsets[row : row + 2]
        kinds = some.signals["kind"][start:stop].astype(str).tolist()
        sizes = [abs(float(reason.rpartition(" (")[2].rstrip(")"))) for reason in found]
        assert sizes == sorted(sizes, reverse=True)
        for reason in found:
            words = reason.rpartition(" (")[0]
            if " x" in words and "latest" in words:
                kind, count = words.split(",")[0].rsplit(" x", 1)
                assert kinds.count(kind) == int(count)
                seen.add("signal")
            elif " is " in words and "says" not in words:
                column, _, value = words.partition(" is ")
                if column in some.leads and value != "missing":
                    raw = some.leads[column].iloc[row]
                    shown = f"{raw:g}" if isinstance(raw, float) else str(raw)
                    assert value.startswith(shown)
                    seen.add("profile")
    assert seen == {"signal", "profile"}


def test_words_on_texts_and_on_all_signals_are_true_of_the_lead(small_scout: Scout, some: LeadTables) -> None:
    examples, stack = small_scout.examples(some), small_scout.stack
    parts = contributions(stack.members, stack.baseline, 1.0, (1.0, 0.0), examples)
    reasons = top_reasons(parts, examples, some, stack.tokenizer, stack.features, top=50)
    seen = set()
    for row, found in enumerate(reasons):
        mine = some.signals.iloc[slice(*some.offsets[row : row + 2])]
        for words in (reason.rpartition(" (")[0] for reason in found):
            if " says " in words:
                source, _, said = words.partition(" says ")
                texts = mine["text"][mine["kind"] == source.split()[0].split("@")[0]].fillna("")
                assert any(" ".join(text.split()).startswith(said.strip('".')) for text in texts)
                seen.add("text")
            elif words.split()[1].startswith("signal"):
                assert int(words.split()[0]) == len(mine)
                assert words.endswith(f", latest {age_in_words(mine['age_hours'].min())} ago")
                seen.add("signals")
            elif " x" in words:
                kind, _, rest = words.partition(" x")
                ages = mine["age_hours"][mine["kind"] == kind]
                assert rest == f"{len(ages)}, latest {age_in_words(ages.min())} ago"
                seen.add("kind")
            else:
                assert " is " in words
                seen.add("field")
    assert seen == {"text", "signals", "kind", "field"}


def test_names_that_hold_the_signs_of_token_names(small_tables: LeadTables, small_settings: ScoutSettings) -> None:
    rows = small_tables.take(np.arange(0, 3000, 2))
    signals = rows.signals.assign(kind=rows.signals["kind"].astype(str).add("@desk=1").astype("category"))
    types = {"a=b" if name == "persona" else name: kind for name, kind in rows.schema.columns.items()}
    schema = replace(rows.schema, columns=types)
    odd = replace(rows, leads=rows.leads.rename(columns={"persona": "a=b"}), signals=signals, schema=schema)
    scout = Scout.fit(odd, small_settings.model_copy(update={"minimum_repliers": 10_000}))
    reasons = [words for found in scout.explain(odd).reasons or [] for words in found]
    assert not any("kind of signal not seen" in words for words in reasons)
    assert any("@desk=1 x" in words for words in reasons)
    personas = {f"a=b is {value}" for value in [*rows.leads["persona"].cat.categories, "missing"]}
    assert {words.rpartition(" (")[0] for words in reasons if words.startswith("a=b is")} <= personas


@pytest.mark.parametrize(
    ("hours", "words"), [(0.001, "1 min"), (0.5, "30 min"), (1, "1 h"), (23, "23 h"), (24, "1 d"), (1440, "60 d")]
)
def test_age_in_words(hours: float, words: str) -> None:
    assert age_in_words(hours) == words
