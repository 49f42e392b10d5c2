"""What a recipe will cost: what is to be measured, and what the measurements come to at full size."""

from harness.measurements.costs import Cost, Disk, Machine, StageCost, recipe_cost
from harness.measurements.data import DataSize, data_size
from harness.measurements.models import Shape, find_shape
from harness.measurements.parts import Measured, Memory, Part, Plan, plan_measurements

__all__ = [
    "Cost",
    "DataSize",
    "Disk",
    "Machine",
    "Measured",
    "Memory",
    "Part",
    "Plan",
    "Shape",
    "StageCost",
    "data_size",
    "find_shape",
    "plan_measurements",
    "recipe_cost",
]
