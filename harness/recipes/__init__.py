"""Card (and assumptions) in, `Recipe` out: stages in order, and the origin of every value.

A value comes from, the first that gives one: an override, the chosen reading of the assumptions, an assumption (for
the stage, then for all), the stage's own block, a block without a stage, an overview line or the metadata, the default
of the stage's profile. `stated` gathers what a card says and `sheets` what is given in all; `values` reads single
values, `foreign` settings of other programs, `reader` those of a stage; `profiles` has the defaults, `checks` refuses
what does not go together, `plan` builds the records. `draft` begins the assumptions of a card that has none.
"""

from __future__ import annotations

from harness.recipes.plan import plan_recipe

__all__ = ["plan_recipe"]
