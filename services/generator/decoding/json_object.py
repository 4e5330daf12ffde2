"""The JSON object that a draft is held to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object by its JSON Schema, as text; any object where it is empty. `strict` as for
    `services.common.tools.grammar`; `name` is for a server that asks for one."""

    schema: str = ""
    strict: bool = False
    name: str = field(default="", compare=False)

    @property
    def grammar(self) -> str:
        """The grammar of the object."""
        return _grammar(self.schema, self.strict)


@lru_cache(maxsize=64)
def _grammar(schema: str, strict: bool) -> str:
    from services.common.tools.grammar import object_grammar

    return object_grammar(schema, strict=strict)
