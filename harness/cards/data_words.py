"""Words that names of data sets are known by, and words that are none."""

from __future__ import annotations

import re

HEADED = re.compile(
    r"(?:(?:zero[- ]shot )?(?:results?|evaluation|performance|scores?|evaluated|tested)?\s{0,40}(?:on|for|:"
    r"|-)\s{1,40}(?:the\s{1,40})?)?"
    r"(?P<name>[A-Z][\w.-]{0,60}(?:[A-Z]|(?<=quad))[\w.-]{0,60}|[A-Z][\w-]{1,60}(?<=QA))(?: v?\d\.\d)?\s{0,40}"
    r"(?:$|[(,:]|dev|test|validation|split|results?|evaluation)",
)
"""A heading that is the name of a data set, or has one behind *on*."""
HEADING_WORD = re.compile(
    r"(?:[A-Z]?PU|FP\d+|INT\d+|BF\d+|BibTeX|FAQ|README|TL;?DR|API|ONNX|PyTorch|TensorFlow|JAX|NLP|QA|Q&A|LLM"
    r"|RAG|NER|ASR"
    r"|GPUs?|TPUs?|CO2|GitHub|HuggingFace|Hugging|OpenVINO|TODO|MIT|ID|URL|SQuAD\S*|LoRA|PEFT|GGUF|AWQ|GPTQ)",
    re.I,
)
"""Words with two capitals that are no data sets."""
NO_NAME = frozenset(
    [
        "none",
        "unknown",
        "unkown",
        "the",
        "this",
        "that",
        "same",
        "following",
        "training",
        "evaluation",
        "test",
        "dev",
        "validation",
        "custom",
        "own",
        "english",
        "german",
        "held-out",
        "heldout",
        "our",
        "my",
        "official",
        "original",
        "a",
        "an",
        "full",
        "whole",
        "entire",
        "development",
        "val",
        "above",
        "given",
        "public",
        "generator",
        "imagefolder",
        "audiofolder",
        "json",
        "csv",
        "text",
        "arabic",
        "bengali",
        "chinese",
        "czech",
        "danish",
        "dutch",
        "finnish",
        "french",
        "greek",
        "hebrew",
        "hindi",
        "hungarian",
        "indonesian",
        "italian",
        "japanese",
        "korean",
        "norwegian",
        "persian",
        "polish",
        "portuguese",
        "romanian",
        "russian",
        "spanish",
        "swedish",
        "thai",
        "turkish",
        "ukrainian",
        "vietnamese",
        "hidden",
        "private",
        "internal",
        "small",
        "large",
    ]
)
"""Words that stand where a data set's name may, and are none."""
DATA_LIKE = re.compile(
    r"(?<![\w/.-])[A-Za-z]{0,60}[A-Z][\w-]{0,60}(?:QA|Q[uU][aA]D|SQA|ASQ|NLI|GLUE|Bench|Shifts|QUAD"
    r"|RACE)(?:[-_][A-Za-z]{2,3})?(?:[-_]v?\d(?:\.\d)?)?\b"
    r"|\b(?:TriviaQA|BioASQ|DROP|CoQA|QuAC|RACE|BoolQ|DuoRC|CUAD|HotpotQA)\b"
)
"""Names made as those of data sets are."""
