"""What every training's folder has in common: the recipe that it is a run of."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from orate.errors import OrateError
from orate.media.files import whole_file

RECIPE_FILE = "config.yaml"


def keep_recipe(recipe: BaseModel, folder: Path, may_change: Collection[str], word: str = "recipe") -> None:
    """Write a run's recipe, defaults included, to its folder, which is made where it is missing.

    Args:
        recipe: what the run is made of.
        folder: the run's.
        may_change: fields that a run may change on its way: of the section ``run`` where the recipe has one.
        word: what the recipe is called in the sentence of the error.

    Raises:
        OrateError: the folder holds a run of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, values = folder / RECIPE_FILE, recipe.model_dump(mode="json")
    if path.is_file():
        before = _completed(yaml.safe_load(path.read_text(encoding="utf-8")), type(recipe))
        if _fixed(before, may_change) != _fixed(values, may_change):
            raise OrateError(f"{folder} holds a run of another {word}: give another folder, or the {word} in {path}.")
    with whole_file(path) as partial:
        partial.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def _completed(values: dict[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """With the defaults of fields that came after the run was begun."""
    try:
        return kind.model_validate(values).model_dump(mode="json")
    except ValidationError:
        return values  # another recipe, as the comparison will say


def _fixed(values: dict[str, Any], may_change: Collection[str]) -> dict[str, Any]:
    """What a run may not change on its way."""
    if "run" in values:
        return {**values, "run": _fixed(values["run"], may_change)}
    return {name: value for name, value in values.items() if name not in may_change}
