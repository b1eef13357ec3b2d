"""Compiled: the autograd model's logits, whatever the company of a lead, the number of threads, or the process."""

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tinyscout.errors import InputError
from tinyscout.inference import compile
from tinyscout.kernels.jit import JIT
from tinyscout.models.lead_scout import Examples, LeadScout, predict_logits
from tinyscout.tokenizer import Tokens

compiled_only = pytest.mark.skipif(not JIT, reason="NUMBA_DISABLE_JIT=1: there is no compiled code to test")


def every_length(leads: int) -> np.ndarray:
    return np.random.default_rng(5).permutation(np.arange(leads) % 40 + 1)


def test_equals_the_autograd_model_on_5000_leads_of_every_length(make_model, make_examples):
    model, examples = make_model(), make_examples(every_length(5000))
    logits = compile(model).logits(examples)
    assert logits.dtype == np.float64 and logits.std() > 0.3
    np.testing.assert_allclose(logits, predict_logits(model, examples), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("width", "depth", "heads"), [(64, 3, 4), (16, 1, 2), (24, 2, 3), (40, 2, 2), (6, 2, 1)])
def test_any_width_depth_and_number_of_heads(make_model, make_examples, width, depth, heads):
    model, examples = make_model(width, depth, heads), make_examples(every_length(200))
    np.testing.assert_allclose(compile(model).logits(examples), predict_logits(model, examples), rtol=0, atol=1e-5)


@compiled_only
def test_a_lead_gets_the_same_bits_alone_in_any_order_and_on_any_number_of_threads(make_model, make_examples):
    examples = make_examples(every_length(2000))
    compiled = compile(make_model(), threads=1)
    together = compiled.logits(examples)
    for i in range(120):
        assert compiled.logits(examples.take(np.array([i])))[0] == together[i]
    order = np.random.default_rng(0).permutation(2000)
    np.testing.assert_array_equal(compiled.logits(examples.take(order)), together[order])
    np.testing.assert_array_equal(compile(make_model(), threads=3).logits(examples), together)


@compiled_only
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_lead_that_is_not_a_number_stays_alone(make_model, make_examples, dtype):
    examples, compiled = make_examples([5, 9, 3]), compile(make_model(), dtype)
    expected = compiled.logits(examples)
    examples.tokens.ages[examples.tokens.offsets[1] + 2] = np.inf
    logits = compiled.logits(examples)
    assert np.isnan(logits[1])
    np.testing.assert_array_equal(logits[[0, 2]], expected[[0, 2]])


def test_the_wide_path_is_part_of_it(make_model, make_examples):
    model, examples = make_model(), make_examples([4, 4])
    compiled = compile(model)
    without = compiled.logits(Examples(examples.tokens, examples.features * 0))
    by_hand = examples.features @ model.wide.weight.data
    np.testing.assert_allclose(compiled.logits(examples) - without, by_hand, atol=1e-6)


def test_the_model_may_change_afterwards(make_model, make_examples):
    model, examples = make_model(), make_examples([4, 9])
    compiled = compile(model)
    before = compiled.logits(examples)
    for parameter in model.parameters():
        parameter.data[:] = 0
    np.testing.assert_array_equal(compiled.logits(examples), before)


def test_no_leads_give_no_logits(make_model, make_examples):
    examples = make_examples([3]).take(np.array([], int))
    assert compile(make_model()).logits(examples).shape == (0,)


@compiled_only
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_the_compiled_code_allocates_nothing(make_model, make_examples, dtype):
    from numba.core.runtime import _nrt_python, rtsys

    compiled, examples = compile(make_model(), dtype, threads=1), make_examples(every_length(500))
    few, cache = examples.take(np.arange(5)), compiled.cache()
    compiled.logits(examples)
    compiled.decode(7, cache)
    scratch = [id(each) for each in compiled._free]

    def allocations(call, *arguments) -> int:
        before = rtsys.get_allocation_stats().alloc
        call(*arguments)
        return rtsys.get_allocation_stats().alloc - before

    _nrt_python.memsys_enable_stats()
    try:
        handed_over = allocations(compiled.logits, few)  # a note of each array that is an argument
        assert allocations(compiled.logits, examples) == handed_over < 20
        assert allocations(compiled.decode, 7, cache) < 20
    finally:
        _nrt_python.memsys_disable_stats()
    assert [id(each) for each in compiled._free] == scratch


def test_sixteen_threads_at_once_get_what_one_gets(make_model, make_examples):
    compiled = compile(make_model(), threads=2)
    parts = [make_examples(every_length(300), seed) for seed in range(4)]
    alone = [compiled.logits(part) for part in parts]
    with ThreadPoolExecutor(16) as pool:
        for i, together in enumerate(pool.map(lambda i: compiled.logits(parts[i % 4]), range(160))):
            np.testing.assert_array_equal(together, alone[i % 4])


@compiled_only
def test_after_an_error_no_thread_goes_on_reading(make_model, make_examples):
    compiled, caller = compile(make_model(), threads=2), threading.get_ident()
    begun, read = threading.Event(), []

    def kernel(*arguments):
        if threading.get_ident() == caller:
            assert begun.wait(20), "no other thread came to help"
            return False  # as of a lead that can't be read
        begun.set()
        time.sleep(0.05)
        read.append(arguments[-3:-1])
        return True

    compiled._reply_kernel = kernel
    with pytest.raises(InputError):
        compiled.logits(make_examples(every_length(1000)))  # six shares
    assert len(read) == 1
    time.sleep(0.1)
    assert len(read) == 1


@compiled_only
@pytest.mark.parametrize("where", [0, 1999])
def test_a_lead_that_no_thread_can_read_is_one_line(make_model, make_examples, where):
    compiled, examples = compile(make_model(), threads=3), make_examples(every_length(2000))
    right, at = compiled.logits(examples), examples.tokens.offsets[where]
    known, examples.tokens.ids[at] = examples.tokens.ids[at], 300
    with pytest.raises(InputError, match="from 0 to 299"):
        compiled.logits(examples)
    examples.tokens.ids[at] = known
    np.testing.assert_array_equal(compiled.logits(examples), right)


def test_arrays_that_are_read_only_or_of_other_dtypes_give_the_same(make_model, make_examples):
    examples, compiled = make_examples([5, 9, 3]), compile(make_model())
    expected, tokens, features = compiled.logits(examples), examples.tokens, examples.features
    wide = Tokens(tokens.ids.astype(np.int64), tokens.values.astype(np.float64), tokens.ages.astype(np.float64),
                  tokens.offsets, tokens.dropped)  # fmt: skip
    for array in (wide.ids, wide.values, wide.ages, wide.offsets, features.data, features.indices, features.indptr):
        array.flags.writeable = False
    np.testing.assert_array_equal(compiled.logits(Examples(wide, features)), expected)
    np.testing.assert_array_equal(compiled.logits(Examples(wide, features.astype(np.float64))), expected)


def _logits_elsewhere(state, weights, examples, sender):
    model = LeadScout.from_state(state, weights)
    with ThreadPoolExecutor(2) as pool:
        for logits in pool.map(compile(model, threads=2).logits, [examples] * 4):
            sender.send(logits)


@compiled_only
@pytest.mark.parametrize("method", [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forking with threads, which is the point
def test_other_processes_get_the_same_bits(make_model, make_examples, method):
    model, examples = make_model(), make_examples(every_length(600))
    here = compile(model, threads=2).logits(examples)  # threads have run in this process before it forks
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_logits_elsewhere, args=(model.to_state(), model.state_dict(), examples, sender), daemon=True
    )
    process.start()
    for _ in range(4):
        assert receiver.poll(60), "the other process gave no answer"
        np.testing.assert_array_equal(receiver.recv(), here)
    process.join(20)
    assert process.exitcode == 0


def test_what_it_cannot_read_is_one_line(make_model, make_examples):
    compiled = compile(make_model())
    examples = make_examples([4, 9])
    tokens = examples.tokens
    with pytest.raises(InputError, match=r"features have shape \(2, 39\).* needs \(2, 40\)"):
        compiled.logits(Examples(tokens, examples.features[:, :39]))
    with pytest.raises(InputError, match="reads 1 to 40"):
        compiled.logits(make_examples([4, 41]))
    empty = Tokens(tokens.ids, tokens.values, tokens.ages, np.array([0, 0, 13]), tokens.dropped)
    with pytest.raises(InputError, match="have 0 to 13 tokens"):
        compiled.logits(Examples(empty, examples.features))
    for wrong in (-1, 300):
        tokens.ids[3] = wrong
        with pytest.raises(InputError, match="from 0 to 299"):
            compiled.logits(examples)
    with pytest.raises(InputError, match='dtype is "int4", needs float32 or int8'):
        compile(make_model(), "int4")
