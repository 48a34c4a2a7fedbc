"""An honest plugin with something to lose."""

from __future__ import annotations

import os
import random

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context

_DIARY = "bystander's diary"


class Bystander:
    def __init__(self):
        self.drawn = (float(np.random.random()), random.random())
        self.directory = os.path.dirname(__file__)

    def execute(self, inputs):
        diary = get_context().scratch / "diary.txt"
        if not diary.exists():
            diary.write_text(_DIARY)
        kept = diary.read_text() == _DIARY and sorted(os.listdir(diary.parent)) == ["diary.txt"]
        return ProcessingResult(
            values=np.asarray(inputs["series"]) * 2,
            metadata={
                "pid": os.getpid(),
                "scratch": str(diary.parent),
                "kernels": os.environ["NUMBA_CACHE_DIR"],
                "release": self.directory,
                "kept": kept,
                "drawn": list(self.drawn),
            },
        )

    def validate_inputs(self, inputs):
        return "series" in inputs

    def get_manifest(self):
        return {"plugin_id": "bystander", "version": "1.0.0"}
