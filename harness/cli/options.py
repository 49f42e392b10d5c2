"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.assumptions import AssumedTolerance
    from harness.evidence import Opened
    from harness.records import Comparison

_LARGEST_SEED = 2**32 - 1
CARDS_HELP = "Cards' files, folders to search for cards, or - for standard input."

CardArgument = Annotated[Path, typer.Argument(metavar="CARD", help="A card's file, or a folder with a README.md.")]
CardsArgument = Annotated[list[Path], typer.Argument(metavar="CARD", help=CARDS_HELP)]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run folder, a record file, or a run's id.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of text.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Also exit 1 for claims that are inconclusive or not comparable.")
]
AuditStrictOption = Annotated[bool, typer.Option("--strict", help="Also exit 1 for warnings.")]
RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs", metavar="DIR", help="Folder of runs (default: runs of tool.harness in pyproject.toml, else ./runs)."
    ),
]
UseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--use",
        metavar="ID=PATH",
        help="Local folder or file in place of a model, a data set or its split (ID:SPLIT); repeatable.",
    ),
]
SeedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--seed",
        metavar="[STAGE=]N",
        help="Seed of every stage, or of the named one alone, in place of the card's; repeatable.",
    ),
]
ReadingOption = Annotated[
    str | None,
    typer.Option("--reading", metavar="NAME", help="Reading of an ambiguous card, of those in its assumptions.yaml."),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Profile of every stage in place of the card's: modern, farm-1.x, run_squad-3.0, run_squad-3.4 or run_qa.",
    ),
]
MicroBatchOption = Annotated[
    int | None,
    typer.Option(
        "--micro-batch",
        min=1,
        help="Most windows that a device takes at once, gradients being accumulated to the recipe's batch.",
    ),
]
CheckpointingOption = Annotated[
    bool,
    typer.Option(
        "--gradient-checkpointing", help="Hold fewer activations and compute them again: less memory, more time."
    ),
]
CompileOption = Annotated[bool, typer.Option("--compile", help="Let torch compile the model that is trained.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Discard what an earlier run of the same recipe left.")]
ToleranceOption = Annotated[
    float | None,
    typer.Option("--tolerance", metavar="POINTS", min=0, max=100, help="In place of every other tolerance."),
]
AtLeastOption = Annotated[
    bool, typer.Option("--at-least", help="A figure above the claim is as good as the claimed one.")
]


class ProtocolChoice(str, Enum):  # noqa: UP042 - typer shows the values of a str Enum as choices
    """``--protocol``: the protocols of `Decoding`, ``run_squad`` with the version of transformers it is of."""

    RUN_QA = "run_qa"
    FARM = "farm"
    RUN_SQUAD_30 = "run_squad-3.0"
    RUN_SQUAD_34 = "run_squad-3.4"

    @property
    def fields(self) -> dict[str, str | bool]:
        """The fields of a `Decoding` that it stands for."""
        protocol, _, version = self.value.partition("-")
        return {"protocol": protocol} | ({"space_words": version == "3.4"} if version else {})


class MissingChoice(str, Enum):  # noqa: UP042
    """``--missing``."""

    ERROR = "error"
    ZERO = "zero"


class StrideChoice(str, Enum):  # noqa: UP042
    """``--doc-stride-is``."""

    OVERLAP = "overlap"
    STEP = "step"


class DtypeChoice(str, Enum):  # noqa: UP042
    """``--dtype``."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class DeviceChoice(str, Enum):  # noqa: UP042
    """``--device``."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


DtypeOption = Annotated[
    DtypeChoice,
    typer.Option("--dtype", help="Number format of the model; auto: float32, on CUDA as the weights are stored."),
]
DeviceOption = Annotated[DeviceChoice, typer.Option("--device", help="auto: CUDA, else MPS, else the CPU.")]
AllowPickleOption = Annotated[
    bool,
    typer.Option("--allow-pickle", help="Also read weights as pytorch_model.bin, as tensors alone; never run code."),
]


def parse_uses(texts: list[str] | None) -> dict[str, Path]:
    """``ID=PATH`` options as a mapping; a malformed, repeated or missing one is a usage error."""
    uses: dict[str, Path] = {}
    for text in texts or []:
        name, equals, path = text.partition("=")
        if not equals or not name.strip() or not path.strip():
            raise typer.BadParameter(f"--use {text!r} is not of the form ID=PATH")
        if name.strip() in uses:
            raise typer.BadParameter(f"--use names {name.strip()!r} twice")
        place = Path(path.strip()).expanduser()
        if not place.exists():
            raise typer.BadParameter(f"--use {text!r}: the path does not exist")
        uses[name.strip()] = place
    return uses


def parse_seeds(texts: list[str] | None) -> dict[str | None, int]:
    """``[STAGE=]N`` options: stage -> seed, None for all stages; a malformed or repeated one is a usage error."""
    seeds: dict[str | None, int] = {}
    for text in texts or []:
        name, equals, number = text.rpartition("=")
        stage, digits = name.strip() or None, number.strip()
        if (equals and stage is None) or not re.fullmatch("[0-9]{1,10}", digits) or int(digits) > _LARGEST_SEED:
            raise typer.BadParameter(
                f"--seed {text!r:.100} is not of the form [STAGE=]N with a whole number from 0 to {_LARGEST_SEED}"
            )
        if stage in seeds:
            whose = "every stage" if stage is None else f"the stage {stage!r:.100}"
            raise typer.BadParameter(f"--seed gives the seed of {whose} twice")
        seeds[stage] = int(digits)
    return seeds


def open_seeded(card: Path, seeds: Mapping[str | None, int], reading: str | None, profile: str | None) -> Opened:
    """The card with the seeds of `parse_seeds`; a stage that its recipe does not have is a usage error."""
    from harness.evidence import open_card

    named = {stage: seed for stage, seed in seeds.items() if stage is not None}
    opened = open_card(card, seed=seeds.get(None), reading=reading, profile=profile)
    stages = [stage.name for stage in opened.recipe.stages]
    for stage in named:
        if stage not in stages:
            raise typer.BadParameter(f"--seed: found no stage {stage!r:.100}, expected one of {', '.join(stages)}")
    if not named:
        return opened
    return open_card(card, seed=seeds.get(None), stage_seeds=named, reading=reading, profile=profile)


def runs_folder(option: Path | None) -> Path:
    """The folder of runs: the option's, else the project's."""
    from harness.config import read_config

    return option if option is not None else read_config(Path.cwd()).runs


def run_path(text: str, runs: Path | None) -> Path:
    """A run given as folder, record file, or id under the folder of runs."""
    path = Path(text)
    return path if path.exists() else runs_folder(runs) / text


def name_data(given: str | None, comparisons: Sequence[Comparison]) -> str | None:
    """What makes claims comparable that are about data of another name than what was evaluated; None where none are.

    A file that went by its own name is given by the name that most claims have. Where that was done and claims still
    are about another name, only the card can say that the two are one.
    """
    from harness.names import canonical_data, dataset_name
    from harness.records import Verdict

    apart = [
        canonical_data(c.claim.data)
        for c in comparisons
        if c.verdict is Verdict.NOT_COMPARABLE and c.claim.data is not None and c.reason.startswith("another ")
    ]
    if given is None or not apart:
        return None
    if Path(given).exists():
        if any(c.verdict is not Verdict.NOT_COMPARABLE for c in comparisons):
            return None
        plain = (replace(ref, config=None if ref.config == "default" else ref.config) for ref in apart)
        most, count = Counter(plain).most_common(1)[0]
        what = str(most) if most.split else f"{most}:SPLIT"
        return (
            f"if {given} holds what the card claims to be about, say so: {what} as the data, with --use {what}={given} "
            f"({count} of {len(comparisons)} claims are about it)"
        )
    unknown = sorted({ref.name for ref in apart if dataset_name(ref.name) is None and "/" not in ref.name})
    if not unknown:
        return None
    name = given.partition(":")[0]
    return (
        f"the card also names {', '.join(unknown[:5])}: if that is {name} too, write {name} in its place, or make it "
        f"the dataset's name beside type: {name} in model-index"
    )


def project_tolerances() -> tuple[AssumedTolerance, ...]:
    """The tolerances of the project that the command runs in."""
    from harness.config import read_config

    return read_config(Path.cwd()).tolerances
