"""Card (and assumptions) in, `Recipe` out: stages in order, and the origin of every value.

A value comes from, the first that gives one: an override, an assumption (for the stage, then for all), the stage's
own block, a block without a stage, an overview line or the metadata, the default. `sheets` gathers what is given,
`fields` says what each field may be, `plan` builds the records.
"""

from __future__ import annotations

from harness.recipes.plan import plan_recipe

__all__ = ["plan_recipe"]
