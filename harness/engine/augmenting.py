"""Variants of training data, by a masked language model and word vectors, written part by part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.augment import (
    AugmentManifest,
    AugmentSettings,
    Paragraph,
    Paragraphs,
    Word,
    check_settings,
    settings_of,
    split_words,
    variants_of,
    vectors_sha256,
)
from harness.augment.stored import FORMAT, AugmentedParts
from harness.augment.variants import replaceable
from harness.engine.computing import Computing
from harness.engine.meter import Meter
from harness.engine.proposals import MaskedLM
from harness.engine.word_vectors import WordVectors
from harness.errors import DataError
from harness.models import folder_sha256
from harness.progress import Progress
from harness.records import Question
from harness.store import remove_folder

__all__ = ["augment_questions", "settings_of"]

PART_PARAGRAPHS = 32
"""Paragraphs in a part of a small data set: what an interruption costs at most."""
_MOST_PARTS, _LARGEST_PART = 1000, 1024
_VECTORS = "vectors"


def augment_questions(
    settings: AugmentSettings,
    questions: Sequence[Question],
    masked_lm: Path,
    vectors: Path | None,
    folder: Path,
    progress: Progress,
    computing: Computing | None = None,
) -> Sequence[Question]:
    """Questions about variants of their contexts; see `harness.augment.variants_of` for what they are.

    The result lies on disk and is read where it is asked for. An interrupted call goes on with the first part that is
    missing and gives the same files; a finished one is taken as it is, without the model.

    Args:
        settings: The variant and its values.
        questions: What to make variants of; neighbours with one context are a paragraph. Plain text will do.
        masked_lm: Folder of a masked language model: BERT's kind (WordPiece), or byte-level BPE.
        vectors: File of GloVe vectors; without it words of several pieces stay as they are.
        folder: Where the result is kept, with a manifest of what it is made of.
        progress: Told how many paragraphs are done.
        computing: What the model runs on; `Computing.allow_pickle` has no effect.

    Raises:
        RecipeError: a setting is impossible.
        DataError: there is no question, or the vectors cannot be read.
        ModelError: the masked language model cannot be used.
        RecordError: the folder holds something else, or cannot be written.
        RunError: the device is not there, or the model gives no finite numbers.
        MissingDependencyError: pyarrow is not installed.
    """
    check_settings(settings)
    computing = computing or Computing()
    paragraphs = Paragraphs(questions)
    if not len(paragraphs):
        raise DataError("found no question to augment, expected at least one; give data that is not empty")
    manifest = _manifest(settings, paragraphs, masked_lm, vectors, computing)
    kept = AugmentedParts.start(folder, manifest)
    missing = kept.missing()
    if missing:
        proposer = _Proposer(settings, masked_lm, vectors, folder / _VECTORS, computing)
        meter = Meter(progress, "augmenting", len(paragraphs), "paragraphs")
        done = sum(len(_paragraphs_of(part, manifest, paragraphs)) for part in range(manifest.parts))
        done -= sum(len(_paragraphs_of(part, manifest, paragraphs)) for part in missing)
        meter.skip(done)
        for part in missing:
            made: list[Question] = []
            for number in _paragraphs_of(part, manifest, paragraphs):
                made += proposer.variants(paragraphs[number])
                done += 1
                meter.advance(done)
            kept.write(part, made)
    remove_folder(folder / _VECTORS)
    return kept.questions()


class _Proposer:
    """Candidates for the words of a paragraph, and the variants they give."""

    def __init__(
        self, settings: AugmentSettings, masked_lm: Path, vectors: Path | None, folder: Path, computing: Computing
    ) -> None:
        self._settings = settings
        self._model = MaskedLM.load(masked_lm, computing)
        self._vectors = None if vectors is None else WordVectors.open(vectors, folder)

    def variants(self, paragraph: Paragraph) -> list[Question]:
        settings = self._settings
        words = split_words(paragraph.context, self._model.splitting)
        wanted = replaceable(paragraph, words, settings)
        pairs = settings.variant == "tinybert"
        found = self._model.propose(words, wanted, settings.candidates, pairs=pairs)
        candidates = self._complete(words, wanted, found)
        return list(variants_of(paragraph, words, candidates, settings))

    def _complete(
        self, words: Sequence[Word], wanted: Sequence[bool], found: Sequence[tuple[str, ...] | None]
    ) -> list[tuple[str, ...]]:
        """What the model proposed; for words that it could not be asked for, their neighbours."""
        rest = [i for i, proposed in enumerate(found) if proposed is None and wanted[i]]
        complete = [proposed or () for proposed in found]
        if self._vectors is not None:
            texts = [words[i].text for i in rest]
            if self._settings.variant == "tinybert":
                texts = [text.lower() for text in texts]
            for i, near in zip(rest, self._vectors.neighbours(texts, self._settings.candidates), strict=True):
                complete[i] = near
        return complete


def _manifest(
    settings: AugmentSettings, paragraphs: Paragraphs, masked_lm: Path, vectors: Path | None, computing: Computing
) -> AugmentManifest:
    size = min(max(PART_PARAGRAPHS, -(-len(paragraphs) // _MOST_PARTS)), _LARGEST_PART)
    return AugmentManifest(
        format=FORMAT,
        variant=settings.variant,
        factor=settings.factor,
        candidates=settings.candidates,
        probability=float(settings.probability),
        seed=settings.seed,
        questions=paragraphs.sha256,
        masked_lm=folder_sha256(masked_lm),
        vectors=None if vectors is None else vectors_sha256(vectors),
        device=" ".join(computing.resolved.values()),
        parts=-(-len(paragraphs) // size),
        paragraphs=size,
    )


def _paragraphs_of(part: int, manifest: AugmentManifest, paragraphs: Paragraphs) -> range:
    return range(len(paragraphs))[part * manifest.paragraphs : (part + 1) * manifest.paragraphs]
