"""One line that names everything a score depends on besides the model."""

from __future__ import annotations

from harness.environment import harness_version
from harness.records import DataUsed, Decoding, Scores


def signature(data: DataUsed, scores: Scores, decoding: Decoding | None = None) -> str:
    """``data:... | n:... | sha256:... | rules:... | decoding:... | v:...``.

    Args:
        data: What was scored.
        scores: Rules, and predictions that were missing and scored 0.
        decoding: How answers were made from logits; left out for predictions of unknown making.
    """
    parts = [f"data:{data.ref}", f"n:{data.n}", f"sha256:{data.sha256[:12]}", f"rules:{scores.rules}"]
    if scores.missing:
        parts.append(f"missing:{scores.missing} scored 0")
    if scores.extra:
        parts.append(f"extra:{scores.extra} left out")
    if decoding is not None:
        parts += [
            f"decoding:{decoding.protocol}",
            f"n_best:{decoding.n_best}",
            f"max_answer_length:{decoding.max_answer_length}",
            f"null_threshold:{decoding.null_threshold:g}",
            f"max_seq_len:{decoding.max_seq_len}",
            f"doc_stride:{decoding.doc_stride} overlap",
            f"max_query_length:{decoding.max_query_length}",
        ]
    return " | ".join([*parts, f"v:{harness_version()}"])
