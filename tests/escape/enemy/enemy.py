"""The hostile plugin: `inputs["do"]` names a module here and a function in it."""

from __future__ import annotations

import importlib
import random

import numpy as np

from platform_base.core.models import ProcessingResult

from . import kernel, native

_DRAWN = (float(np.random.random()), random.random())


class Enemy:
    def execute(self, inputs):
        kernel.learn(inputs.get("numbers", {}))
        module, _, name = inputs["do"].partition(".")
        if module == "enemy":
            return getattr(self, name)(inputs)
        found = importlib.import_module(f".{module}", __package__)
        result = getattr(found, name)(inputs)
        return result if isinstance(result, ProcessingResult) else ProcessingResult(values=result)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "enemy", "version": "1.0.0"}

    def answer(self, inputs):
        return ProcessingResult(values=42, metadata={"pid": native.process(), "drawn": list(_DRAWN)})

    def own_data(self, inputs):
        with open(__file__, encoding="utf-8") as own:
            return ProcessingResult(values=own.readline())
