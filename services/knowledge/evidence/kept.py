"""What texts were read as, for those read latest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

Read = TypeVar("Read")


class Kept(Generic[Read]):
    """Reads a text once and keeps what it was read as, the `limit` latest of them. Threads may share it."""

    def __init__(self, read: Callable[[Sequence[str]], Iterable[Read]], limit: int) -> None:
        """`read` answers one thing for each text, in their order."""
        self._read = read
        self._limit = limit
        self._kept: OrderedDict[str, Read] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, texts: Sequence[str]) -> list[Read]:
        """What each text is read as."""
        with self._lock:
            found = {text: self._kept[text] for text in texts if text in self._kept}
            for text in found:
                self._kept.move_to_end(text)
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            found |= zip(new, self._read(new), strict=True)
            with self._lock:
                self._kept.update({text: found[text] for text in new})
                while len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
        return [found[text] for text in texts]
