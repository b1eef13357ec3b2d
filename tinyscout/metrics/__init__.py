"""Arrays in, figures out: how good a model's probabilities and its order of leads are, and how sure that is.

`summary` gives one model's figures, `comparison` the table of several with paired intervals, `fall` the final check's
measure. Labels are 0 and 1, models are given by logits, and everything is computed in float64.
"""

from tinyscout.metrics.bootstrap import Interval, Resampled, fall, mean_interval, paired_bootstrap, resample
from tinyscout.metrics.calibration import calibration_error, calibration_interval, reliability_bins
from tinyscout.metrics.comparison import Comparison, comparison
from tinyscout.metrics.diversity import cut_alike, distinct_n, self_bleu, words_of
from tinyscout.metrics.gains import credit_waste, gains_table
from tinyscout.metrics.information import chance_information, normalised_mutual_information, table_of
from tinyscout.metrics.ranking import lift_at, precision_at, recall_at, top_over_rest, wilson_interval
from tinyscout.metrics.scores import brier, kl_divergence, log_loss, pr_auc, pr_auc_random, probability, roc_auc
from tinyscout.metrics.summary import summary, summary_by_segment

__all__ = [
    "Comparison",
    "Interval",
    "Resampled",
    "brier",
    "calibration_error",
    "calibration_interval",
    "chance_information",
    "comparison",
    "credit_waste",
    "cut_alike",
    "distinct_n",
    "fall",
    "gains_table",
    "kl_divergence",
    "lift_at",
    "log_loss",
    "mean_interval",
    "normalised_mutual_information",
    "paired_bootstrap",
    "pr_auc",
    "pr_auc_random",
    "precision_at",
    "probability",
    "recall_at",
    "reliability_bins",
    "resample",
    "roc_auc",
    "self_bleu",
    "summary",
    "summary_by_segment",
    "table_of",
    "top_over_rest",
    "wilson_interval",
    "words_of",
]
