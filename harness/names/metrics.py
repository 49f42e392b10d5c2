"""Names of metrics, as cards write them and as this project does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from harness.names.settings import setting_name
from harness.names.subsets import SUBSET_OF, subset_name
from harness.records import Subset

_WRITTEN: dict[str, tuple[str, ...]] = {
    "exact_match": ("exact", "em", "exactmatch", "exactmatchscore", "exactmatchaccuracy", "exactmatchratio"),
    "f1": ("f1", "f1score", "fscore", "f1measure", "fmeasure", "f1value", "fbeta1"),
    "accuracy": ("accuracy", "acc", "top1accuracy", "top1acc", "top1", "accuracyscore"),
    "precision": ("precision", "prec", "precisionscore"),
    "recall": ("recall", "recallscore"),
    "loss": ("loss", "crossentropyloss"),
    "bleu": ("bleu", "sacrebleu", "bleuscore", "bleu4"),
    "rouge1": ("rouge1", "r1", "rogue1"),
    "rouge2": ("rouge2", "rogue2"),
    "rougeL": ("rougel", "roguel"),
    "rougeLsum": ("rougelsum", "roguelsum"),
    "wer": ("wer", "worderrorrate"),
    "cer": ("cer", "charactererrorrate", "charerrorrate"),
    "perplexity": ("perplexity", "ppl"),
    "pearson": ("pearson", "pearsonr", "pearsoncorrelation", "pearsonscorrelation"),
    "spearman": ("spearman", "spearmanr", "spearmanrho", "spearmancorrelation", "spearmanscorrelation"),
    "matthews_correlation": ("matthewscorrelation", "mcc", "matthewscorr", "matthewscorrelationcoefficient"),
    "mse": ("mse", "meansquarederror"),
    "mae": ("mae", "meanabsoluteerror"),
    "rmse": ("rmse", "rootmeansquarederror"),
    "r2": ("r2", "r2score", "rsquared"),
    "map": ("map", "meanaverageprecision"),
    "mrr": ("mrr", "meanreciprocalrank"),
    "ndcg": ("ndcg",),
    "roc_auc": ("rocauc", "auc", "auroc", "aucroc", "rocaucscore"),
    "meteor": ("meteor",),
    "chrf": ("chrf", "chrf2", "chrfscore"),
    "ter": ("ter",),
    "bertscore": ("bertscore",),
    "bpc": ("bpc",),
    "bpb": ("bpb",),
    "AUPR": ("aupr",),
    "mean_reward": ("meanreward",),
    "AP": ("ap", "averageprecision"),
    "pass@1": ("pass1",),
}
METRICS = frozenset(_WRITTEN)
"""Canonical names of the metrics that are recognised wherever they stand."""

SCORES = frozenset({"exact_match", "f1"})
"""Metrics of the SQuAD rules: always a percentage or a fraction."""

_METRIC_OF = {word: name for name, words in _WRITTEN.items() for word in words}
_AVERAGES = r"macro|micro|weighted"
_AVERAGED = frozenset({"f1", "precision", "recall"})
_SPLIT = r"(?:eval(?:uation)?|test|val(?:idation)?|dev|final)"

# Words that stand for a metric in running text. Two-letter and everyday words only in capitals or with their company.
_IN_TEXT = re.compile(
    rf"""(?<![\w@#-])(?<![\w-]\.)
    (?:(?i:eval|test|val|valid|validation|dev|predict|final)[_-])?
    (?:(?P<subset>(?i:has[_ -]?ans(?:wer)?|no[_ -]?ans(?:wer)?|answer(?=_)|unanswerable|answerable|best))[_ -]*)?
    (?:(?P<before>(?i:{_AVERAGES}))(?:[- _]?(?i:averaged?|avg\.?))?[- _]*)?
    (?:
      (?P<exact_match>(?i:exact(?:[-_ ]?match(?:ing|es)?(?:[-_ ](?:accuracy|score|ratio))?)?(?=[^\w]|$|[_ ]))
        | EM | (?<=eval[-_])em)
    | (?P<f1>[fF][-_ ]?1?(?:[-_ ]?(?i:score|measure))s? (?<![fF]) | [fF][-_ ]?1s?)
    | (?P<top>(?i:top[-_ ]?(?P<k>\d{{1,2}})(?:[-_ ](?:acc(?:uracy)?|(?P<of>recall|precision)))?)(?![\w-]))
    | (?P<accuracy>(?i:accuracy|accuracies) | (?i:acc)(?:\.|\b))
    | (?P<map>mAP | MAP | (?i:mean[ -]average[ -]precision))
    | (?P<AP>AP(?=[\W\d]|$)(?!\d))
    | (?P<precision>(?i:precision))
    | (?P<recall>(?i:recall))
    | (?P<bleu>(?i:sacre)?(?i:bleu)(?:-?4)?(?:[- ]?(?i:scores?))?)
    | (?P<rouge>(?i:ro(?:ug|gu)e[-_ ]?(?P<order>lsum|l|1|2)))(?:[-_ ](?i:f1?|fmeasure|scores?))?
    | (?P<wer>WER|(?i:word[ -]error[ -]rate))
    | (?P<cer>CER|(?i:char(?:acter)?[ -]error[ -]rate))
    | (?P<perplexity>(?i:perplexity|perplexities|ppl))
    | (?P<pearson>(?i:pearson)(?:'s)?(?:[-_ ]?r\b|[-_ ](?i:corr(?:elation)?(?:[-_ ]coefficient)?))?)
    | (?P<spearman>(?i:spearman)(?:'s)?(?:[-_ ]?(?:r|rho|ρ)\b
        |[-_ ](?i:(?:rank[-_ ])?corr(?:elation)?(?:[-_ ]coefficient)?))?)
    | (?P<matthews_correlation>(?i:matthew'?s[-_ ]corr(?:elation)?(?:[-_ ]coefficient)?)|MCC)
    | (?P<rmse>RMSE|(?i:root[ -]mean[ -]squared?[ -]error)) | (?P<mse>MSE|(?i:mean[ -]squared?[ -]error))
    | (?P<mae>MAE|(?i:mean[ -]absolute[ -]error))
    | (?P<mrr>MRR) | (?P<ndcg>(?i:ndcg))
    | (?P<roc_auc>(?i:roc[-_ ]?auc|auroc|auc[-_ ]?roc|auc))
    | (?P<meteor>METEOR) | (?P<chrf>(?i:chr-?f)(?:2|\+\+)?) | (?P<ter>TER) | (?P<bertscore>(?i:bert[-_ ]?score))
    | (?P<bpc>BPC) | (?P<bpb>BPB) | (?P<AUPR>AUPR) | (?P<mean_reward>(?i:mean[_ ]reward))
    | (?P<pass>(?i:pass(?=@\d))) | (?P<loss>(?i:loss))
    )
    (?P<at>@\d{{1,3}}(?:\.\d{{1,2}})?)?
    (?:(?:[-_ ]+\(?|\()(?P<after>(?i:{_AVERAGES}))(?:[- _]?(?i:averaged?|avg\.?))?\)?)?
    (?:[-_ ](?i:scores?|values?|rate)\b)?
    (?!\w)(?!-(?!score|measure)[A-Za-z]{{3}})""",
    re.VERBOSE,
)
_ROUGE = {"lsum": "rougeLsum", "l": "rougeL", "1": "rouge1", "2": "rouge2"}
_PREFIX = re.compile(
    rf"(?:{_SPLIT}[_ /-]+(?=.))?(?P<subset>has_?ans(?:wer)?|no_?ans(?:wer)?|best|answer(?=_))?"
    r"(?(subset)[ _-]*|)(?P<name>.+)",
    re.I | re.DOTALL,
)
_SPACY = re.compile(
    r"(?:ents|cats|spans|sents|tag|pos|morph|lemma|dep|token)_(?:macro_|micro_)?(?P<metric>f|p|r|acc)", re.I
)
_BRACKETS = re.compile(r"(?P<name>[^\[(]+)[\[(](?P<inner>[^\])]*)[\])]")


@dataclass(frozen=True, slots=True)
class MetricMention:
    """A metric named in a text."""

    name: str
    """Canonical, with its average where one is named: ``f1_macro``."""
    subset: Subset
    start: int
    end: int


_CACHED = 2_000
"""Characters of a text that is kept; longer ones would fill the memory."""
_NO_KEY = re.compile(r"[^a-z0-9]+")


@lru_cache(1024)
def _key(text: str) -> str:
    return _NO_KEY.sub("", text.casefold())


def metric_mentions(text: str) -> list[MetricMention]:
    """The known metrics that a text names, in order."""
    return list(_mentions(text) if len(text) <= _CACHED else _mentions.__wrapped__(text))


@lru_cache(512)
def _mentions(text: str) -> tuple[MetricMention, ...]:
    """Kept, as a paragraph is asked about as heading, label and sentence."""
    return tuple(_mention(match) for match in _IN_TEXT.finditer(text))


def _mention(match: re.Match[str]) -> MetricMention:
    if match["rouge"]:
        name = _ROUGE[match["order"].casefold()]
    elif match["top"]:
        of = (match["of"] or "accuracy").casefold()
        name = "accuracy" if match["k"] == "1" and of == "accuracy" else f"top_{match['k']}_{of}"
    elif match["pass"]:
        return MetricMention(f"pass{match['at']}", "all", match.start(), match.end())
    else:
        name = next(name for name, text in match.groupdict().items() if text and name in METRICS)
    average = (match["before"] or match["after"] or "").casefold()
    if average and name in _AVERAGED:
        name = f"{name}_{average}"
    if match["at"] and name not in SCORES:
        name += match["at"]
    subset = SUBSET_OF.get(_key(match["subset"] or ""), "all")
    return MetricMention(name, subset, match.start(), match.end())


@lru_cache(1024)
def metric_name(text: str) -> tuple[str, Subset]:
    """Metric and subset of a key such as ``HasAns_exact``; an unknown metric keeps its name as written."""
    text = text.strip()
    brackets = _BRACKETS.fullmatch(text)
    if brackets:
        subset, inner = subset_name(brackets["inner"]), _key(brackets["inner"])
        name = _METRIC_OF.get(_key(brackets["name"]))
        if name and (subset or not inner):
            return name, subset or "all"
    if name := _METRIC_OF.get(_key(text)):
        return name, "all"
    match = _PREFIX.fullmatch(text)
    if match is None:
        return text, "all"
    if spacy := _SPACY.fullmatch(text):
        return {"f": "f1", "p": "precision", "r": "recall", "acc": "accuracy"}[spacy["metric"].casefold()], "all"
    subset = SUBSET_OF.get(_key(match["subset"] or ""), "all")
    if name := _METRIC_OF.get(_key(match["name"])):
        return name, subset
    whole = _IN_TEXT.fullmatch(match["name"])
    if whole is not None:
        mention = _mention(whole)
        return mention.name, subset if subset != "all" else mention.subset
    return match["name"] if match["subset"] else text, subset


def is_metric(text: str) -> bool:
    """Whether a whole text names a known metric."""
    name = metric_name(text)[0]
    return name in METRICS or (name != text.strip() and bool(_IN_TEXT.fullmatch(name)))


def is_score(text: str) -> bool:
    """Whether a key names exact match or F1, of any subset."""
    return metric_name(text)[0] in SCORES


_NO_RESULT = re.compile(
    r"total|thresh|samples|examples|runtime|per[_ ]second|epoch|step|flos|mem|gpu|length|size|seed|train|time|count|num"
    r"|_rate$|lr$|_loss$|brevity|ref_len|grad|^model_id|co2|emission|layers|param|support|speed|latency|hours"
    r"|minutes|version|date|batch",
    re.I,
)


def is_result(text: str) -> bool:
    """Whether a key beside scores names a result too, and not a count, a setting or a cost."""
    if re.match(r"train", text.strip(), re.I):
        return False
    return is_metric(text) or not (setting_name(text) or _NO_RESULT.search(text))
