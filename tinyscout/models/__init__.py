"""Models: the logistic baseline and its features, boosted trees, and LeadScout."""
