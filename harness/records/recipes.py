"""A training recipe: stages in order, and the origin of every value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.refs import DataRef, ModelRef

StageKind = Literal["finetune", "distil_hidden", "distil_logits"]
Protocol = Literal["run_qa", "farm", "run_squad"]
Stride = Literal["overlap", "step"]
Augment = Literal["none", "farm", "tinybert"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of a recipe's field comes from."""

    how: Literal["stated", "assumed", "given", "default"]
    note: str = ""
    """The reason of an assumption, the source of a default, or who gave a value for this run alone."""
    line: int | None = None
    """The card's line, for a stated value."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One training step: one kind of loss, one student, one list of data.

    The defaults of the fields from `profile` on are those of the profile ``modern``.
    """

    name: str
    kind: StageKind
    """``finetune``: labels; ``distil_logits``: a teacher's start and end logits, and labels; ``distil_hidden``: a
    teacher's hidden states and attentions, and nothing else."""
    student: ModelRef | None
    """The model that training starts from; None when the card does not say."""
    teacher: ModelRef | None
    data: tuple[DataRef, ...]
    """Training data, shuffled together; empty when the card does not say."""
    epochs: int
    batch_size: int
    """Global batch, in windows: of all devices and of all steps that gradients are accumulated over."""
    learning_rate: float
    lr_schedule: Literal["linear", "constant", "constant_with_warmup"]
    """After the warmup; ``constant`` has none."""
    warmup_proportion: float
    weight_decay: float
    adam_beta2: float
    max_grad_norm: float
    max_seq_len: int
    doc_stride: int
    """In context tokens; see `doc_stride_is`."""
    max_query_length: int | None
    """Most tokens of the question, the rest is cut off; None for no limit."""
    temperature: float
    distillation_loss_weight: float
    """w in ``w*T*T*(KL_start + KL_end) + (1-w)*mean(CE_start, CE_end)``."""
    seed: int
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Field name -> where its value comes from."""

    profile: str = "modern"
    """The era whose behaviour fills what nobody states; see `harness.recipes.profiles`."""
    protocol: Protocol = "run_qa"
    """Whose rules cut windows and label them: ``run_qa`` of the transformers examples, ``farm`` (FARM, haystack 1.x),
    or ``run_squad``, its predecessor in transformers."""
    doc_stride_is: Stride = "overlap"
    """Whether `doc_stride` is the overlap of two neighbouring windows or the step from one to the next."""
    lower_case: bool = False
    """Lower-case question and context before they are tokenized, whatever the tokenizer does; under ``run_squad`` with
    `space_words`, where the program left that to the tokenizer, only compare answers with their words so."""
    space_words: bool = True
    """Under ``run_squad``: tokenize each word of the context as one that follows a blank."""
    label_faults: bool = False
    """Label answers at the end of a context or window as the era's code did, faults included."""
    padding: Literal["longest", "fixed"] = "longest"
    """``fixed``: every window is padded to `max_seq_len` and the loss runs over padding as over tokens; ``longest``:
    as far as its batch needs, and no loss sees padding."""
    order: Literal["grouped", "random"] = "grouped"
    """Of windows in an epoch: batches of similar lengths, or a plain permutation."""
    head_dropout: float = 0.0
    """Dropout on the final hidden states before the question-answering head."""
    optimizer: Literal["adamw", "adamw_transformers_3"] = "adamw"
    """``adamw``: of torch; ``adamw_transformers_3``: adds epsilon before the bias correction, decays after the step."""
    adam_beta1: float = 0.9
    adam_epsilon: float = 1e-8
    warmup_rounding: Literal["down", "up"] = "down"
    """How the share of the steps that warm up becomes a number of steps."""
    weight_decay_on: Literal["weights", "all"] = "weights"
    """``weights``: not on biases and norms; ``all``: on every parameter."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of the forward and backward pass; weights and optimizer are float32 always."""
    tf32: bool = False
    """Let CUDA devices multiply float32 matrices with shortened factors."""
    loss_scale: float = 1.0
    """Multiplies the loss; matters to gradient clipping alone."""
    distillation_loss: Literal["kl", "mse"] = "kl"
    """Between the teacher's logits and the student's, both divided by the temperature."""
    hidden_loss_weight: float = 0.0
    """In ``distil_logits``: weight of the loss of ``distil_hidden``, added to the other."""
    attention_target: Literal["probabilities", "scores"] = "scores"
    """What a student's attention is compared in: after softmax and dropout as FARM, or before as the TinyBERT paper."""
    layer_map: tuple[int, ...] = ()
    """Teacher's layer for each of the student's layers 1, 2, ...; empty for every k-th. Layer 0 goes with layer 0."""
    student_layers: tuple[int, ...] = ()
    """Layers of the student's checkpoint, from 1, that it is built of; empty for all."""
    student_weights: Literal["pretrained", "random"] = "pretrained"
    """``random``: the checkpoint gives only its configuration and its tokenizer."""
    augment: Augment = "none"
    """Replace the data by variants of it; see `harness.augment`."""
    augment_factor: int = 20
    """Variants of each context."""
    augment_candidates: int = 15
    """Words that a word may be replaced by."""
    augment_probability: float = 0.4
    """Of a word being replaced."""
    masked_lm: ModelRef | None = None
    """The masked language model that proposes words."""
    word_vectors: ModelRef | None = None
    """GloVe vectors whose neighbours are proposed for words that the masked language model cuts into pieces."""
    dropout: float | None = None
    """Of every dropout inside the student while it trains; None for those that its configuration says."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How logits become answers, and how contexts were cut into windows for them."""

    protocol: Protocol = "run_qa"
    """``run_qa``: the question-answering example of transformers; ``farm``: the reader of FARM and haystack 1.x;
    ``run_squad``: the example's predecessor, up to transformers 3."""
    n_best: int = 20
    max_answer_length: int = 30
    """Longest answer, in tokens."""
    null_threshold: float = 0.0
    """The answer is "" when the null odds exceed this; under ``farm`` also when they equal it."""
    max_seq_len: int = 384
    doc_stride: int = 128
    """In context tokens; see `doc_stride_is`."""
    max_query_length: int | None = 64
    """None for no limit."""
    forced_answer: bool = False
    """The answer is never "" where the context has any span: for data without unanswerable questions."""
    doc_stride_is: Stride = "overlap"
    """Whether `doc_stride` is the overlap of two neighbouring windows or the step from one to the next."""
    lower_case: bool = False
    """See `Stage.lower_case`."""
    space_words: bool = True
    """Under ``run_squad``: tokenize each word of the context as one that follows a blank."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Stages in order, and how the last stage's model is evaluated."""

    stages: tuple[Stage, ...]
    evaluation: DataRef | None
    decoding: Decoding
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Origins of the fields of `evaluation` and `decoding`."""
    gaps: tuple[str, ...] = ()
    """Fields a run needs and nothing states, written ``stage.field`` or ``field``."""
    reading: str | None = None
    """The named reading of an ambiguous card that this is, one of those in its ``assumptions.yaml``."""

    @property
    def assumed(self) -> tuple[str, ...]:
        """Names of the fields that `assumptions.yaml` fills, written ``stage.field`` or ``field``."""
        owners = [(f"{s.name}.", s.origins) for s in self.stages] + [("", self.origins)]
        return tuple(p + name for p, origins in owners for name, o in origins.items() if o.how == "assumed")
