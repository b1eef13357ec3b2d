"""Leads as tokens: byte-level BPE for words, SalesTokenizer for everything else a lead is made of."""

from tinyscout.tokenizer import chat
from tinyscout.tokenizer.bpe import BPE
from tinyscout.tokenizer.sales import SalesTokenizer
from tinyscout.tokenizer.tokens import Padded, Tokens, length_sorted_batches
from tinyscout.tokenizer.vocabulary import ProfileField, Vocabulary

__all__ = ["BPE", "Padded", "ProfileField", "SalesTokenizer", "Tokens", "Vocabulary", "chat", "length_sorted_batches"]
