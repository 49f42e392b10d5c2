"""Planning: stages in order, each value with its origin; impossible and unknown ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.assumptions import AssumedSetting, AssumedStage, Assumptions, Reading
from harness.cards import parse_card, read_card
from harness.errors import RecipeError
from harness.recipes import plan_recipe
from harness.recipes.checks import check_layer_counts
from harness.recipes.fields import STAGE_FIELDS
from harness.recipes.values import Value
from harness.records import Card, DataRef, Decoding, ModelRef, Origin, Recipe, from_json, to_json

CARDS = Path(__file__).parent / "data" / "cards"


def card(*blocks: str, text: str = "", metadata: str = "language: en") -> Card:
    fences = "\n\n".join(f"```\n{block}\n```" for block in blocks)
    return parse_card(f"---\n{metadata}\n---\n\n{text}\n\n{fences}\n", "card.md")


def of_stage(*lines: str) -> str:
    return "\n".join(['stage = "a"', 'base_model = "o/student"', 'train_data = "squad:train"', *lines])


def assume(*settings: tuple[str, object, str | None]) -> Assumptions:
    made = [AssumedSetting(field, value, "because", stage, n) for n, (field, value, stage) in enumerate(settings, 1)]  # type: ignore[arg-type]
    return Assumptions("assumptions.yaml", tuple(made))


def test_two_stages_with_what_each_says() -> None:
    recipe = plan_recipe(read_card(CARDS / "two-stages.md"))
    teacher, student = recipe.stages
    assert (teacher.name, teacher.kind, teacher.student, teacher.teacher) == (
        "teacher",
        "finetune",
        ModelRef("pocket/roberta-2x64"),
        None,
    )
    assert (student.name, student.kind, student.student, student.teacher) == (
        "student",
        "distil_logits",
        ModelRef("pocket/roberta-1x32"),
        ModelRef("teacher"),
    )
    assert teacher.data == (DataRef("pocket", "train"),)
    assert student.data == (
        DataRef("pocket", "train[:4000]"),
        DataRef("squadshifts", "test[:1000]", "new_wiki"),
    )
    assert [(s.epochs, s.learning_rate, s.seed, s.max_seq_len, s.doc_stride) for s in recipe.stages] == [
        (3, 3e-3, 7, 96, 16),
        (2, 3e-5, 8, 96, 16),
    ]
    assert (student.temperature, student.distillation_loss_weight) == (2.0, 1.0)
    assert recipe.evaluation == DataRef("pocket", "validation")
    assert recipe.decoding == Decoding(n_best=5, max_seq_len=96, doc_stride=16, max_query_length=24)
    assert recipe.gaps == ()
    assert from_json(Recipe, to_json(recipe)) == recipe


def test_every_value_has_its_origin() -> None:
    recipe = plan_recipe(read_card(CARDS / "two-stages.md"))
    teacher, student = recipe.stages
    assert teacher.origins["epochs"] == Origin("stated", "", 22)
    assert teacher.origins["seed"] == Origin("stated", "", 13)
    assert student.origins["seed"] == Origin("stated", "", 34)
    assert teacher.origins["kind"] == Origin("default", "no teacher is stated")
    assert student.origins["kind"] == Origin("stated", "", 28)
    assert student.origins["epochs"].how == "default"
    assert recipe.origins["evaluation"] == Origin("stated", "", 15)
    assert recipe.origins["doc_stride"] == Origin("stated", "as in stage student", 11)
    assert recipe.origins["null_threshold"].how == "default"
    for stage in recipe.stages:
        fields = {
            "kind",
            "student",
            "data",
            "epochs",
            "batch_size",
            "learning_rate",
            "lr_schedule",
            "warmup_proportion",
        }
        fields |= {"weight_decay", "adam_beta2", "max_grad_norm", "max_seq_len", "doc_stride", "max_query_length"}
        fields |= {"temperature", "distillation_loss_weight", "seed"} | ({"teacher"} if stage.teacher else set())
        fields |= set(STAGE_FIELDS) - {"masked_lm", "word_vectors", "dropout"}
        assert set(stage.origins) == fields
        assert all(origin.note for origin in stage.origins.values() if origin.how == "default")


def test_card_that_says_nothing_has_defaults_and_gaps() -> None:
    recipe = plan_recipe(card())
    (stage,) = recipe.stages
    assert recipe.gaps == ("main.student", "main.data", "evaluation")
    assert (stage.name, stage.kind, stage.student, stage.teacher, stage.data) == ("main", "finetune", None, None, ())
    assert recipe.evaluation is None
    assert recipe.decoding == Decoding()
    numbers = (stage.epochs, stage.batch_size, stage.learning_rate, stage.lr_schedule, stage.warmup_proportion)
    assert numbers == (2, 32, 3e-5, "linear", 0.1)
    numbers = (
        stage.weight_decay,
        stage.adam_beta2,
        stage.max_grad_norm,
        stage.temperature,
        stage.distillation_loss_weight,
    )
    assert numbers == (0.01, 0.999, 1.0, 1.0, 0.5)
    assert (stage.max_seq_len, stage.doc_stride, stage.max_query_length, stage.seed) == (384, 128, 64, 42)


def test_distillation_without_teacher_is_a_gap() -> None:
    recipe = plan_recipe(card('kind = distil_logits\nbase_model = "a/b"\ntrain_data = "squad:train"'))
    assert recipe.gaps == ("main.teacher", "evaluation")


def test_names_of_settings_as_cards_write_them() -> None:
    recipe = plan_recipe(
        card(
            "n_epochs = 2.0\nmax_seq_length = 256\nlr_schedule = LinearWarmup\nsave_steps = 5",
            'base_LM_model = "a/b@main"',
        )
    )
    (stage,) = recipe.stages
    assert (stage.epochs, stage.max_seq_len, stage.lr_schedule) == (2, 256, "linear")
    assert type(stage.epochs) is int
    assert stage.student == ModelRef("a/b", "main")


def test_data_named_in_prose_has_its_usual_split() -> None:
    recipe = plan_recipe(card("seed = 1", text="Training data: SQuAD 2.0\nEval data: SQuAD 2.0"))
    assert recipe.stages[0].data == (DataRef("squad_v2", "train"),)
    assert recipe.evaluation == DataRef("squad_v2", "validation")
    origin = recipe.stages[0].origins["data"]
    assert (origin.how, origin.line, "convention" in origin.note) == ("stated", 5, True)


def test_prose_that_names_no_known_data_leaves_a_gap() -> None:
    recipe = plan_recipe(card("seed = 1", text="Training data: our own corpus\nEval data: SQuAD 2.0 and others"))
    assert recipe.gaps == ("main.student", "main.data", "evaluation")


def test_evaluation_follows_the_only_data_set_with_claims() -> None:
    one = card("exact: 50", metadata="datasets: [squad_v2]")
    assert plan_recipe(one).evaluation == DataRef("squad_v2", "validation")
    assert plan_recipe(one).origins["evaluation"] == Origin("stated", "the only data set with claims", 8)
    table = "| Data | EM |\n|---|---|\n| squad:validation | 1 |\n| SQuAD 2.0 dev | 2 |"
    assert plan_recipe(card(text=table)).evaluation is None


def test_teacher_in_prose_makes_a_distillation_of_a_card_with_one_stage() -> None:
    text = "example/owl-large was used as the teacher model."
    (stage,) = plan_recipe(card(text=text)).stages
    assert (stage.kind, stage.teacher) == ("distil_logits", ModelRef("example/owl-large"))
    assert [s.teacher for s in plan_recipe(card('stage = "a"', 'stage = "b"', text=text)).stages] == [None, None]


def test_base_model_of_the_metadata_yields_to_the_block() -> None:
    metadata = "base_model: meta/base"
    assert plan_recipe(card(metadata=metadata)).stages[0].student == ModelRef("meta/base")
    assert plan_recipe(card('student = "block/base"', metadata=metadata)).stages[0].student == ModelRef("block/base")


def test_assumptions_go_before_the_card_and_overrides_before_both() -> None:
    text = read_card(CARDS / "two-stages.md")
    assumptions = assume(
        ("seed", 1, "teacher"), ("seed", 2, None), ("student.data", "squad:train", None), ("epochs", 4, None)
    )
    recipe = plan_recipe(text, assumptions, {"epochs": "5", "teacher.epochs": 6, "evaluation": "squad:validation"})
    assert [stage.seed for stage in recipe.stages] == [1, 2]
    assert [stage.epochs for stage in recipe.stages] == [6, 5]
    assert recipe.stages[1].data == (DataRef("squad", "train"),)
    assert recipe.evaluation == DataRef("squad", "validation")
    assert recipe.stages[0].origins["seed"] == Origin("assumed", "because")
    assert set(recipe.assumed) == {"teacher.seed", "student.seed", "student.data"}
    given = [(s.name, name) for s in recipe.stages for name, origin in s.origins.items() if origin.how == "given"]
    assert given == [("teacher", "epochs"), ("student", "epochs")]
    assert recipe.origins["evaluation"].how == "given"


def test_an_assumption_makes_an_impossible_statement_harmless() -> None:
    bad = card("seed = none")
    with pytest.raises(RecipeError):
        plan_recipe(bad)
    assert plan_recipe(bad, assume(("seed", 3, None))).stages[0].seed == 3


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("epochs = 0", "epochs", "a whole number from 1"),
        ("epochs = 1.5", "epochs", "a whole number from 1"),
        ("epochs = true", "epochs", "a whole number from 1"),
        ("epochs = nan", "epochs", "a whole number from 1"),
        ("batch_size = -8", "batch_size", "a whole number from 1"),
        ("learning_rate = 0", "learning_rate", "above 0"),
        ("learning_rate = -3e-5", "learning_rate", "above 0"),
        ("learning_rate = fast", "learning_rate", "a number"),
        ("lr_schedule = cosine", "lr_schedule", "linear, constant or constant_with_warmup"),
        ("warmup_proportion = 1.2", "warmup_proportion", "from 0 to 1"),
        ("weight_decay = -0.1", "weight_decay", "from 0"),
        ("adam_beta2 = 1", "adam_beta2", "below 1"),
        ("max_grad_norm = -1", "max_grad_norm", "from 0"),
        ("temperature = 0", "temperature", "above 0"),
        ("distillation_loss_weight = 1.1", "distillation_loss_weight", "from 0 to 1"),
        ("doc_stride = 320", "doc_stride", "less than 320"),
        ("max_seq_len = 128", "doc_stride", "less than 64"),
        ("seed = -1", "seed", "a whole number from 0"),
        ("n_best = 0", "n_best", "a whole number from 1"),
        ("null_threshold = low", "null_threshold", "a number"),
        ("kind = distil", "kind", "finetune, distil_logits or distil_hidden"),
        ('train_data = "some corpus"', "train_data", "squad_v2:train"),
        ('train_data = "squadshifts"', "train_data", "squad_v2:train"),
        ('eval_data = "squad:test + pocket:test"', "eval_data", "squad_v2:train"),
        ('base_model = "../elsewhere"', "student", "a model name"),
        ('base_model = "two words"', "student", "a model name"),
        ('base_model = "a/b@../../x"', "student", "a model name"),
        ('train_data = "a/b:c/../..:train"', "train_data", "dotted path parts"),
        ('train_data = "a/b@..:train"', "train_data", "dotted path parts"),
    ],
)
def test_impossible_value(line: str, field: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(f"max_query_length = 64\n{line}"))
    message = str(caught.value)
    assert message.startswith(f"card.md:9: {field}: found ")
    assert f"expected {expected}" in message or ("expected" in message and expected in message)
    assert "\n" not in message
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("blocks", "line", "words"),
    [
        (['stage = "a"\nlearnig_rate = 1'], 9, "unknown field 'learnig_rate'"),
        (['stage = "a"\nlearnig_rate = 1'], 9, 'did you mean "learning_rate"?'),
        (['stage = "a"\nzzz = 1'], 9, "known fields are"),
        (['stage = "a"\nepochs 3'], 9, "unknown field 'epochs 3'"),
        (['stage = "a"\nseed = 1\nseed = 2'], 10, "found it twice"),
        (['stage = "a"', 'stage = "a"'], 12, "a second time"),
        (['stage = "a/b"'], 8, "expected a name"),
        (['stage = "a"\nteacher = "b"', 'stage = "b"'], 9, "later stage"),
        (['stage = "a"\nbase_model = "a"'], 9, "later stage"),
        (['stage = "a"\neval_data = "squad:validation"', 'stage = "b"'], 9, "not the last"),
        (['stage = "a"\nkind = finetune\nteacher = "x/y"'], 10, "kind finetune"),
        (['stage = "a"\nbase_model = 5 layers'], 9, "expected a model name"),
    ],
)
def test_stage_blocks_are_strict(blocks: list[str], line: int, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(*blocks))
    assert str(caught.value).startswith(f"card.md:{line}: ")
    assert words in str(caught.value)


def test_unknown_field_card_names_its_path_and_line() -> None:
    path = CARDS / "unknown-field.md"
    with pytest.raises(RecipeError, match=r"unknown-field\.md:8: found the unknown field 'learnig_rate'") as caught:
        plan_recipe(read_card(path))
    assert caught.value.field == "learnig_rate"


@pytest.mark.parametrize(
    ("assumptions", "overrides", "words"),
    [
        (assume(("learnig_rate", 1, None)), {}, "assumptions.yaml:1: found the unknown field 'learnig_rate'"),
        (assume(("seed", 1, "x")), {}, "assumptions.yaml:1: found the stage 'x', expected one of main"),
        (assume(("seed", -1, None)), {}, "assumptions.yaml:1: seed: found -1"),
        (assume(("stage", "x", None)), {}, "assumptions.yaml:1: found the unknown field"),
        (
            None,
            {"sed": 1},
            "override sed: found the unknown field 'sed', expected a field of a recipe; did you mean \"seed\"?",
        ),
        (None, {"x.seed": 1}, "override x.seed: found the stage 'x'"),
        (None, {"seed": "abc"}, "override seed: seed: found 'abc'"),
    ],
)
def test_decisions_are_strict(assumptions: Assumptions | None, overrides: dict[str, str | int], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(), assumptions, overrides)
    assert words in str(caught.value)


def test_evaluation_of_an_earlier_stage_is_refused() -> None:
    with pytest.raises(RecipeError, match="expected no stage or the last one"):
        plan_recipe(card('stage = "a"', 'stage = "b"'), None, {"a.eval_data": "squad:validation"})


def test_fine_tune_on_a_mix() -> None:
    recipe = plan_recipe(read_card(CARDS / "minilm-squad-mix.md"))
    (stage,) = recipe.stages
    assert recipe.gaps == ()
    assert stage.student == ModelRef("sentence-transformers/all-MiniLM-L6-v2")
    assert [str(ref) for ref in stage.data] == ["squadshifts:new_wiki:test[:1000]", "squad_v2:validation[:2000]"]
    assert str(recipe.evaluation) == "squad_v2:validation[8697:]"
    assert (stage.kind, stage.seed) == ("finetune", 42)


@pytest.mark.parametrize(
    ("blocks", "gap"),
    [
        (["learning_rate = 1e-4", "learning_rate = 3e-5"], "main.learning_rate"),
        (["learning_rate = 1e-4\nlearning_rate = 3e-5"], "main.learning_rate"),
        (["epochs = 2\nwarmup_steps = 500"], "main.warmup_proportion"),
        (["epochs = 2\nmax_steps = 900"], "main.epochs"),
        (["seed = 1\nn_best = 2", "n_best = 3"], "n_best"),
        (['base_model = "a/b"', 'base_model = "a/c"'], "main.student"),
    ],
)
def test_what_the_card_leaves_unclear_is_a_gap(blocks: list[str], gap: str) -> None:
    recipe = plan_recipe(card(*blocks))
    assert gap in recipe.gaps
    name = gap.rpartition(".")[2]
    assert gap not in plan_recipe(card(*blocks), None, {name: "a/d" if name == "student" else "1"}).gaps


def test_what_blocks_say_twice_is_clear() -> None:
    recipe = plan_recipe(card("lr = 3e-5", "learning_rate = 0.00003\nwarmup_steps = 0"))
    assert recipe.gaps == ("main.student", "main.data", "evaluation")
    assert (recipe.stages[0].learning_rate, recipe.stages[0].warmup_proportion) == (3e-5, 0)


@pytest.mark.parametrize(
    ("block", "batch"),
    [
        ("train_batch_size = 8\neval_batch_size = 64", 8),
        ("eval_batch_size = 64\nseed = 1", 32),
        ("train_batch_size = 8\ngradient_accumulation_steps = 4", 32),
        ("train_batch_size = 8\ngradient_accumulation_steps = 4\ntotal_train_batch_size = 64", 64),
        ("per_device_train_batch_size = 12\ngradient_accumulation_steps = 1", 12),
    ],
)
def test_batch_of_one_update(block: str, batch: int) -> None:
    assert plan_recipe(card(block)).stages[0].batch_size == batch


def test_a_command_that_only_evaluates_says_nothing_of_training() -> None:
    text = "```bash\nrun_squad.py --do_eval --model_name_or_path me/own --max_seq_length 256 --num_train_epochs 9\n```"
    (stage,) = plan_recipe(card("seed = 3", text=text)).stages
    assert (stage.student, stage.epochs, stage.max_seq_len, stage.seed) == (None, 2, 256, 3)


def test_a_command_of_another_task_is_not_the_recipe() -> None:
    text = "```bash\npython run_mlm.py --learning_rate 1e-4 --model_name_or_path a/b\n```"
    (stage,) = plan_recipe(card(text=text)).stages
    assert (stage.student, stage.learning_rate) == (None, 3e-5)


def test_a_value_given_for_one_run_is_no_assumption() -> None:
    recipe = plan_recipe(parse_card("---\nlicense: mit\n---\n\n```\nseed = 1\n```\n"), None, {"seed": 7})
    assert (recipe.stages[0].seed, recipe.stages[0].origins["seed"].how, recipe.assumed) == (7, "given", ())


LAST = of_stage(
    "kind = distil_logits",
    'teacher = "o/teacher"',
    "profile = run_qa",
    "protocol = run-squad",
    "doc_stride_is = step",
    "max_query_length = none",
    "lower_case = yes",
    "space_words = false",
    "label_faults = no",
    "padding = longest",
    "order = grouped",
    "dropout = 0",
    "head_dropout = 0.25",
    "optimizer = adamw_transformers_3",
    "beta1 = 0.8",
    "adam_epsilon = 1e-6",
    "weight_decay_on = all",
    "precision = bfloat16",
    "tf32 = true",
    "loss_scale = 4",
    "distillation_loss = mse",
    "hidden_loss_weight = 0.5",
    "attention_target = probabilities",
    "layer_map = [3, 6, 9]",
    "student_layers = 2, 4, 6",
    "student_weights = random",
    "augment = tinybert",
    "augment_factor = 3",
    "augment_candidates = 7",
    "augment_probability = 0.3",
    'masked_lm = "o/bert@main"',
    "word_vectors = glove.6B",
)


def test_every_field_of_a_stage_can_be_stated() -> None:
    recipe = plan_recipe(card(LAST))
    (stage,) = recipe.stages
    assert (stage.profile, stage.protocol, stage.doc_stride_is, stage.max_query_length) == (
        "run_qa", "run_squad", "step", None)  # fmt: skip
    assert (stage.lower_case, stage.space_words, stage.label_faults, stage.tf32) == (True, False, False, True)
    assert (stage.dropout, stage.origins["dropout"].how) == (0.0, "stated")
    assert (stage.padding, stage.order, stage.head_dropout, stage.optimizer) == (
        "longest", "grouped", 0.25, "adamw_transformers_3")  # fmt: skip
    assert (stage.adam_beta1, stage.adam_epsilon, stage.weight_decay_on) == (0.8, 1e-6, "all")
    assert (stage.precision, stage.loss_scale, stage.distillation_loss) == ("bfloat16", 4.0, "mse")
    assert (stage.hidden_loss_weight, stage.attention_target) == (0.5, "probabilities")
    assert (stage.layer_map, stage.student_layers, stage.student_weights) == ((3, 6, 9), (2, 4, 6), "random")
    assert (stage.augment, stage.augment_factor, stage.augment_candidates) == ("tinybert", 3, 7)
    assert (stage.augment_probability, stage.masked_lm) == (0.3, ModelRef("o/bert", "main"))
    assert stage.word_vectors == ModelRef("glove.6B")
    stated = {name for name in STAGE_FIELDS if stage.origins[name].how == "stated"}
    assert {"profile", "masked_lm", "layer_map", "adam_beta1", "precision"} <= stated
    decoding = recipe.decoding
    assert (decoding.protocol, decoding.doc_stride_is, decoding.max_query_length) == ("run_squad", "step", None)
    assert (decoding.lower_case, decoding.space_words) == (True, False)
    assert recipe.origins["protocol"].how == "stated"
    assert from_json(Recipe, to_json(recipe)) == recipe


def test_every_field_of_a_stage_can_be_assumed_and_given() -> None:
    (assumed,) = plan_recipe(card(), assume(("student_layers", (2, 4), None), ("tf32", True, None))).stages
    assert (assumed.student_layers, assumed.tf32) == ((2, 4), True)
    assert assumed.origins["student_layers"] == Origin("assumed", "because")
    (given,) = plan_recipe(card(), None, {"layer_map": "[2,4]", "order": "random", "student_layers": "all"}).stages
    assert (given.layer_map, given.order, given.student_layers) == ((2, 4), "random", ())
    assert given.origins["order"].how == "given"


def test_a_block_for_all_stages_may_hold_every_field() -> None:
    stages = plan_recipe(card("profile = farm-1.x\nepochs = 3", 'stage = "a"', 'stage = "b"\nprofile = run_qa')).stages
    assert [stage.profile for stage in stages] == ["farm-1.x", "run_qa"]
    (foreign,) = plan_recipe(card("padding = max_length\nepochs = 3\norder = 5")).stages
    assert (foreign.padding, foreign.order) == ("longest", "grouped")


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("profile = farm", "profile", "one of modern, farm-1.x, run_squad-3.0, run_squad-3.4, run_qa"),
        ("protocol = squad", "protocol", "run_qa, farm or run_squad"),
        ("doc_stride_is = gap", "doc_stride_is", "overlap or step"),
        ("max_query_length = 0", "max_query_length", "from 1, or none for no limit"),
        ("lower_case = maybe", "lower_case", "true or false"),
        ("padding = max", "padding", "longest or fixed"),
        ("order = sorted", "order", "grouped or random"),
        ("dropout = 1", "dropout", "from 0, below 1, or own"),
        ("dropout = mine", "dropout", "or own for what the model's configuration says"),
        ("head_dropout = 1", "head_dropout", "from 0, below 1"),
        ("optimizer = sgd", "optimizer", "adamw or adamw_transformers_3"),
        ("adam_epsilon = 0", "adam_epsilon", "above 0"),
        ("weight_decay_on = norms", "weight_decay_on", "weights or all"),
        ("precision = int8", "precision", "float32, bfloat16 or float16"),
        ("loss_scale = 0", "loss_scale", "above 0"),
        ("distillation_loss = l1", "distillation_loss", "kl or mse"),
        ("layer_map = 2, x", "layer_map", "numbers of layers from 1 such as [2, 4, 6], or even"),
        ("student_layers = [0, 1]", "student_layers", "numbers of layers from 1"),
        ("student_weights = none", "student_weights", "pretrained or random"),
        ("augment = yes", "augment", "none, farm or tinybert"),
        ("augment_factor = 0", "augment_factor", "from 1 to 1000"),
        ("masked_lm = ../bert", "masked_lm", 'a model name such as "owner/name", or none'),
    ],
)
def test_impossible_value_of_a_stage(line: str, field: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(of_stage(line)))
    message = str(caught.value)
    assert message.startswith(f"card.md:11: {field}: found ")
    assert expected in message
    assert caught.value.field == field


AUGMENTED = ("augment = farm", 'masked_lm = "o/bert"')
DISTILLED = ("kind = distil_logits", 'teacher = "o/teacher"')


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        (AUGMENTED, 11, "augment: found farm in a stage that learns from labels (finetune)"),
        ((*DISTILLED, *AUGMENTED), 13, "distil_logits with distillation_loss_weight 0.5"),
        (("student_layers = [4, 2]",), 11, "student_layers: found [4, 2], expected rising numbers"),
        (("student_layers = [2, 2]",), 11, "expected rising numbers"),
        (("student_layers = [2, 4]", "layer_map = [2, 4, 6]"), 12, "layer_map: found 3 layers of the teacher"),
        (("doc_stride_is = step", "doc_stride = 0"), 12, "doc_stride: found 0, expected a step of at least 1"),
        (("max_query_length = none", "doc_stride = 384"), 12, "expected less than 384 (max_seq_len 384)"),
    ],
)
def test_values_that_do_not_go_together(lines: tuple[str, ...], line: int, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(of_stage(*lines)))
    assert str(caught.value).startswith(f"card.md:{line}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "lines",
    [
        (*DISTILLED, *AUGMENTED, "distillation_loss_weight = 1"),
        ("kind = distil_hidden", 'teacher = "o/teacher"', *AUGMENTED),
        ("augment = tinybert", 'masked_lm = "o/bert"'),
    ],
)
def test_augmented_data_where_labels_are_not_needed(lines: tuple[str, ...]) -> None:
    (stage,) = plan_recipe(card(of_stage(*lines))).stages
    assert stage.masked_lm == ModelRef("o/bert")
    assert stage.word_vectors is None


def test_layers_beyond_an_embedded_model() -> None:
    lines = 'stage = "a"\nbase_model = "pocket/roberta-2x64"\ntrain_data = "pocket:train"\nstudent_layers = [1, 3]'
    with pytest.raises(RecipeError, match="found layer 3, expected at most 2, the layers of the student's checkpoint"):
        plan_recipe(card(lines))
    (stage,) = plan_recipe(card(lines.replace("3", "2"))).stages
    with pytest.raises(RecipeError, match="a: student_layers: found layer 2, expected at most 1"):
        check_layer_counts(stage, 1, None)


@pytest.mark.parametrize(
    ("lines", "gap"),
    [
        (("augment = tinybert",), "a.masked_lm"),
        (("kind = distil_hidden",), "a.teacher"),
        (("kind = distil_logits",), "a.teacher"),
    ],
)
def test_models_that_a_stage_needs(lines: tuple[str, ...], gap: str) -> None:
    assert gap in plan_recipe(card(of_stage(*lines))).gaps


def test_models_for_augmentation_are_named_only_where_data_are_made() -> None:
    (stage,) = plan_recipe(card(of_stage("profile = farm-1.x"))).stages
    assert (stage.masked_lm, stage.word_vectors, "masked_lm" in stage.origins) == (None, None, False)
    lines = ("profile = farm-1.x", "kind = distil_hidden", 'teacher = "o/t"', "augment = farm")
    (stage,) = plan_recipe(card(of_stage(*lines))).stages
    assert stage.masked_lm == ModelRef("google-bert/bert-base-uncased")
    assert stage.word_vectors == ModelRef("glove.42B.300d")


def test_a_value_without_effect_says_so() -> None:
    (stage,) = plan_recipe(card(of_stage("kind = distil_hidden", 'teacher = "o/t"', "temperature = 2"))).stages
    assert stage.origins["temperature"].note == "ignored: the kind distil_hidden has no such loss"
    assert (stage.temperature, stage.origins["distillation_loss_weight"].how) == (2.0, "default")


def test_a_teacher_that_a_later_decision_makes_needless() -> None:
    text = 'teacher = "o/t"\nbase_model = "o/s"'
    assert plan_recipe(card(text), assume(("kind", "finetune", None))).stages[0].teacher is None
    with pytest.raises(RecipeError, match="teacher: found a teacher in a stage of kind finetune"):
        plan_recipe(card(), assume(("kind", "finetune", None), ("teacher", "o/t", None)))


@pytest.mark.parametrize(
    ("profile", "lower", "words"),
    [
        ("run_squad-3.0", True, ""),
        ("run_squad-3.4", True, ""),
        ("run_qa", False, "ignored by this profile's tokenizers (line 8)"),
        ("farm-1.x", False, "ignored by this profile's tokenizers (line 8)"),
    ],
)
def test_lower_casing_of_another_program(profile: str, lower: bool, words: str) -> None:
    subject = card("do_lower_case = true\nepochs = 2")
    (stage,) = plan_recipe(subject, None, {"profile": profile}).stages
    assert (stage.lower_case, stage.origins["lower_case"].how) == (lower, "stated" if lower else "default")
    assert words in stage.origins["lower_case"].note
    (stage,) = plan_recipe(subject, assume(("lower_case", not lower, None)), {"profile": profile}).stages
    assert stage.lower_case is not lower


def test_dropout_of_farm_counts_under_its_profile() -> None:
    subject = card("embeds_dropout_prob = 0.3\nepochs = 2")
    (farm,) = plan_recipe(subject, None, {"profile": "farm-1.x"}).stages
    assert (farm.head_dropout, farm.origins["head_dropout"]) == (0.3, Origin("stated", "", 8))
    (modern,) = plan_recipe(subject).stages
    assert modern.head_dropout == 0.0
    assert "a setting of FARM (line 8)" in modern.origins["head_dropout"].note


@pytest.mark.parametrize(
    ("line", "precision"),
    [
        ("fp16 = true", "float16"),
        ("bf16 = true", "bfloat16"),
        ("fp16 = false", "float32"),
        ("mixed_precision_training = Native AMP", "float16"),
        ("precision = 0.83", "float32"),
        ("mixed_precision = no", "float32"),
    ],
)
def test_precision_of_another_program(line: str, precision: str) -> None:
    recipe = plan_recipe(card(f"epochs = 2\nlearning_rate = 3e-5\n{line}"))
    assert recipe.stages[0].precision == precision
    assert recipe.gaps == ("main.student", "main.data", "evaluation")


def test_optimizer_of_another_program() -> None:
    text = "epochs = 2\noptimizer = AdamW with betas=(0.8,0.95) and epsilon=1e-07"
    (stage,) = plan_recipe(card(text), None, {"profile": "run_squad-3.0"}).stages
    assert (stage.optimizer, stage.origins["optimizer"].how) == ("adamw_transformers_3", "stated")
    (other,) = plan_recipe(card("epochs = 2\noptimizer = Adafactor\nbeta1 = 0.8\nadam_epsilon = 1e-7")).stages
    assert (other.optimizer, other.origins["optimizer"].how) == ("adamw", "default")
    assert (other.adam_beta1, other.adam_epsilon) == (0.8, 1e-7)


def staged(*stages: tuple[str, bool], settings: tuple[AssumedSetting, ...] = ()) -> Assumptions:
    listed = tuple(AssumedStage(name, "prose", block, n) for n, (name, block) in enumerate(stages, 1))
    return Assumptions("assumptions.yaml", settings, stages=listed)


def test_stages_that_a_card_describes_in_prose() -> None:
    subject = card("epochs = 4\nteacher = o/t\nbase_model = o/s", text="Training data: SQuAD 2.0")
    recipe = plan_recipe(subject, staged(("first", False), ("second", True)))
    first, second = recipe.stages
    assert (first.name, first.epochs, first.student, first.data) == ("first", 2, None, ())
    assert (second.epochs, second.student, second.kind) == (4, ModelRef("o/s"), "distil_logits")
    assert second.data == (DataRef("squad_v2", "train"),)
    assert first.origins["name"] == Origin("assumed", "prose")
    assert recipe.gaps == ("first.student", "first.data", "evaluation")
    made = AssumedSetting("student", "first", "as the prose says", "second", 9)
    assert plan_recipe(subject, staged(("first", False), ("second", True), settings=(made,))).stages[1].student == (
        ModelRef("first")
    )


@pytest.mark.parametrize(
    ("blocks", "stages", "words"),
    [
        ((), [("a", False)], ":1: stages: found 0 with block: true, expected one"),
        ((), [("a", True), ("b", True)], ":2: stages: found 2 with block: true, expected one"),
        (('stage = "x"',), [("x", True)], "expected none, as the card's blocks name their stages"),
        (('stage = "x"', 'stage = "y"'), [("y", False), ("x", False)], "expected the card's own stages x, y"),
        (('stage = "x"',), [("z", False)], "expected the card's own stages x"),
        ((), [("a b", True)], ":1: stage: found 'a b', expected a name"),
    ],
)
def test_listed_stages_are_strict(blocks: tuple[str, ...], stages: list[tuple[str, bool]], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(*blocks), staged(*stages))
    assert words in str(caught.value)


def test_stages_added_to_those_of_the_card() -> None:
    subject = card("epochs = 5", 'stage = "x"\nseed = 3')
    first, second = plan_recipe(subject, staged(("w", False), ("x", False))).stages
    assert [(first.name, first.epochs), (second.name, second.epochs, second.seed)] == [("w", 5), ("x", 5, 3)]


def readings(default: str | None = None) -> Assumptions:
    setting = AssumedSetting("seed", 5, "so", None, 4)
    old = Reading("old", "its date", "run_squad-3.0", (), 2)
    new = Reading("new", "its words", None, (AssumedSetting("seed", 6, "thus", None, 6),), 3)
    return Assumptions("assumptions.yaml", (setting,), readings=(old, new), default_reading=default)


def test_readings() -> None:
    plain = plan_recipe(card(), readings())
    assert (plain.reading, plain.stages[0].profile, plain.stages[0].seed) == (None, "modern", 5)
    taken = plan_recipe(card(), readings("old"))
    assert (taken.reading, taken.stages[0].profile, taken.stages[0].seed) == ("old", "run_squad-3.0", 5)
    assert taken.stages[0].origins["profile"] == Origin("assumed", "its date")
    other = plan_recipe(card(), readings("old"), reading="new")
    assert (other.reading, other.stages[0].profile, other.stages[0].seed) == ("new", "modern", 6)
    assert plan_recipe(card(), readings("old"), {"profile": "run_qa"}).stages[0].profile == "run_qa"


@pytest.mark.parametrize(
    ("assumptions", "words"),
    [
        (readings(), "assumptions.yaml: found no reading 'nope', expected one of old, new"),
        (None, "card.md: found no reading 'nope', expected none, as its assumptions name no readings"),
    ],
)
def test_unknown_reading(assumptions: Assumptions | None, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(card(), assumptions, reading="nope")
    assert words in str(caught.value)


def test_overrides_of_one_stage_by_name() -> None:
    overrides: dict[str, Value] = {"b.profile": "farm-1.x"}
    one, two = plan_recipe(card('stage = "a"', 'stage = "b"'), None, overrides).stages
    assert (one.profile, two.profile) == ("modern", "farm-1.x")


def test_a_constant_rate_has_no_warmup_and_says_so() -> None:
    (stage,) = plan_recipe(card("lr_scheduler_type = constant\nwarmup_ratio = 0.1")).stages
    assert "a constant rate does not warm up" in stage.origins["warmup_proportion"].note
    (stage,) = plan_recipe(card("lr_scheduler_type = constant_with_warmup\nwarmup_ratio = 0.1")).stages
    assert stage.origins["warmup_proportion"].note == ""


def test_one_field_under_two_spellings_is_given_once() -> None:
    twice = assume(("epochs", 3, None), ("n_epochs", 4, None))
    with pytest.raises(RecipeError, match="epochs: found it a second time"):
        plan_recipe(card(), twice)
    assert plan_recipe(card(), assume(("epochs", 3, None), ("n_epochs", 3, None))).stages[0].epochs == 3
