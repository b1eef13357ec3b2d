"""Explanations: what each part of a lead adds to its score, in words and in figures."""
