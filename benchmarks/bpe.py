"""BPE training and encoding speed on text made by a seeded generator with Zipf words.

Prints a table; `--json FILE` writes the same figures. Beside ours stands the trainer of Hugging Face `tokenizers`
(Rust) where it is installed, on the same text and the same pre-tokens.
"""

import argparse
import json
import time

import numpy as np
from outputs import file_to_write

from tinyscout.tokenizer import BPE
from tinyscout.tokenizer.bpe import PATTERN, split
from tinyscout.tokenizer.export import hugging_face_json

TEXT_BYTES = 1000  # of a text, about


def zipf_texts(megabytes: float, seed: int, distinct: int = 60_000) -> list[str]:
    """Texts of about 1,000 bytes, `megabytes` in all, of made-up words whose frequency falls as 1 / rank."""
    rng = np.random.default_rng(seed)
    syllables = np.array([c + v + e for c in "bcdfghjklmnprstvw" for v in "aeiou" for e in ("", "n", "r", "s", "t")])
    counts = rng.integers(1, 6, distinct)
    words = np.array(["".join(rng.choice(syllables, count)) for count in counts])
    frequency = 1 / np.arange(1, distinct + 1)
    frequency /= frequency.sum()
    mean = float(np.char.str_len(words) @ frequency) + 1
    each = int(TEXT_BYTES / mean)
    drawn = words[rng.choice(distinct, (int(megabytes * 1e6 / TEXT_BYTES), each), p=frequency)]
    return [" ".join(row) for row in drawn]


def main() -> None:
    parser = argparse.ArgumentParser(description="BPE training and encoding speed on made-up text with Zipf words.")
    parser.add_argument("--megabytes", type=float, default=10.0)
    parser.add_argument("--merges", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=file_to_write, help="write the figures to this file")
    args = parser.parse_args()

    texts = zipf_texts(args.megabytes, args.seed)
    megabytes = sum(map(len, texts)) / 1e6
    started = time.perf_counter()
    bpe = BPE.train(texts, args.merges)
    train_seconds = time.perf_counter() - started
    started = time.perf_counter()
    n_ids = sum(len(bpe.encode(text)) for text in texts)
    encode_seconds = time.perf_counter() - started
    figures = {
        "megabytes": megabytes,
        "distinct_pieces": len({piece for text in texts for piece in split(text)}),
        "merges": len(bpe.merges),
        "train_seconds": train_seconds,
        "encode_seconds": encode_seconds,
        "encode_megabytes_per_second": megabytes / encode_seconds,
        "bytes_per_id": megabytes * 1e6 / n_ids,
        **hugging_face_figures(texts, bpe),
    }
    for name, figure in figures.items():
        print(f"{name:32} {figure:12,.2f}" if isinstance(figure, float) else f"{name:32} {figure:12,}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def hugging_face_figures(texts: list[str], bpe: BPE) -> dict[str, float]:
    """Seconds of the same training and encoding in Hugging Face tokenizers; {} where it isn't installed."""
    try:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
    except ImportError:
        return {}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=len(bpe), initial_alphabet=alphabet, min_frequency=2, show_progress=False)
    started = time.perf_counter()
    tokenizer.train_from_iterator(texts, trainer)
    train_seconds = time.perf_counter() - started
    exported = Tokenizer.from_str(json.dumps(hugging_face_json(bpe)))
    started = time.perf_counter()
    for text in texts:
        exported.encode(text)
    return {
        "hugging_face_train_seconds": train_seconds,
        "hugging_face_encode_seconds": time.perf_counter() - started,
    }


if __name__ == "__main__":
    main()
