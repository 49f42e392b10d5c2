"""Training data replaced by variants of themselves: words, choices, texts, and where they are kept.

What needs a masked language model or word vectors is in `harness.engine.augmenting`.
"""

from harness.augment.paragraphs import Paragraph, Paragraphs
from harness.augment.settings import AugmentSettings, check_settings, settings_of
from harness.augment.stored import AugmentedQuestions, AugmentManifest
from harness.augment.variants import variants_of
from harness.augment.vector_files import MOST_VECTORS, vectors_sha256
from harness.augment.words import Splitting, Word, split_words

__all__ = [
    "MOST_VECTORS",
    "AugmentManifest",
    "AugmentSettings",
    "AugmentedQuestions",
    "Paragraph",
    "Paragraphs",
    "Splitting",
    "Word",
    "check_settings",
    "settings_of",
    "split_words",
    "variants_of",
    "vectors_sha256",
]
