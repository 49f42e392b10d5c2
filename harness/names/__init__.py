"""Names of metrics, subsets, settings, data sets and splits: as cards write them, and the one this project uses."""

from harness.names.datasets import (
    Mention,
    brings_into_format,
    canonical_data,
    data_mentions,
    data_phrase,
    dataset_name,
    evaluation_split,
    hub_name,
    speaks_of_rules,
    split_name,
    train_split,
    translations,
)
from harness.names.metrics import (
    METRICS,
    SCORES,
    MetricMention,
    is_metric,
    is_result,
    is_score,
    metric_mentions,
    metric_name,
)
from harness.names.settings import NUMERIC, SETTINGS, setting_name
from harness.names.sizes import SplitSize, split_size
from harness.names.subsets import SubsetMention, subset_mentions, subset_name

__all__ = [
    "METRICS",
    "NUMERIC",
    "SCORES",
    "SETTINGS",
    "Mention",
    "MetricMention",
    "SplitSize",
    "SubsetMention",
    "brings_into_format",
    "canonical_data",
    "data_mentions",
    "data_phrase",
    "dataset_name",
    "evaluation_split",
    "hub_name",
    "is_metric",
    "is_result",
    "is_score",
    "metric_mentions",
    "metric_name",
    "setting_name",
    "speaks_of_rules",
    "split_name",
    "split_size",
    "subset_mentions",
    "subset_name",
    "train_split",
    "translations",
]
