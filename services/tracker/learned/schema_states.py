"""Vectors of a schema's texts, computed once per service as it is worded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from services.models.minilm import WIDTH, Encoder
from services.tracker.learned.catalog import ServiceView
from services.tracker.learned.inputs import ELEMENT, Reader, value_texts

CACHED = 4096  # services


class SchemaStates:
    """The published encoder over services, intents, slots and values; safe to share between threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._encoder = Encoder.published()
        self._known: OrderedDict[ServiceView, tuple[Tensor, Tensor, Tensor]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, view: ServiceView) -> tuple[Tensor, Tensor, Tensor]:
        """`elements: [n, WIDTH]`, `values: [m, WIDTH]` in layout order, and `topic: [WIDTH]` for selection."""
        with self._lock:
            found = self._known.get(view)
            if found is not None:
                self._known.move_to_end(view)
                return found
        texts = [*view.texts(), view.topic, *value_texts(view)]
        states = torch.cat([self.sentences(texts[start : start + 64]) for start in range(0, len(texts), 64)])
        count = len(view.texts())
        found = states[:count], states[count + 1 :], states[count]
        with self._lock:
            self._known[view] = found
            while len(self._known) > CACHED:
                self._known.popitem(last=False)
        return found

    def together(self, views: Sequence[ServiceView]) -> tuple[Tensor, Tensor]:
        """Elements and values of `views` in order; one zero row where there is no value at all."""
        states = [self.of(view) for view in views]
        values = torch.cat([values for _, values, _ in states])
        elements = torch.cat([elements for elements, _, _ in states])
        return elements, values if len(values) else torch.zeros(1, WIDTH)

    def sentences(self, texts: Sequence[str], limit: int = ELEMENT) -> Tensor:
        """`[texts, WIDTH]`, each of length √WIDTH, read from the first `limit` pieces of each text."""
        with torch.no_grad():
            return self._encoder.sentence(*self._reader.texts(texts, limit))
