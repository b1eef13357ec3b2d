"""Inference: what makes probabilities and texts of a trained model."""
