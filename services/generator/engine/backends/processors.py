"""The token processors of one sequence: made from its request's settings, copied where another goes on from it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.generator.decoding.grammar_text import GrammarText
from services.generator.decoding.masks import NoLoop
from services.generator.decoding.processors import constraint_processors
from services.generator.decoding.refused_values import RefusedValues
from services.generator.decoding.token_processor import TokenProcessor
from services.generator.decoding.tool_calls import ToolCallText
from services.generator.decoding.words import ForbidWords, IncludeWords, Vocabulary

if TYPE_CHECKING:
    from services.generator.engine.sequence import Sequence

_LOOP = 24  # tokens that come twice in an object only where its writer goes in circles


def sequence_processors(
    sequence: Sequence, vocabulary: Callable[[], Vocabulary], end_ids: frozenset[int]
) -> list[TokenProcessor]:
    """The processors of one draft in the order they apply: words to include, words to avoid (which win), masks, the
    shape (which wins over all), refused values (all give way to a call of a tool and to a JSON object), then the
    request's observers."""
    settings = sequence.request.settings
    limit = settings.max_new_tokens
    processors: list[TokenProcessor] = []
    if settings.include:
        processors.append(IncludeWords(vocabulary(), settings.include, end_ids, settings.max_new_tokens))
    if settings.forbid:
        processors.append(ForbidWords(vocabulary(), settings.forbid))
    if settings.constraints:
        processors += constraint_processors(
            settings.constraints, vocabulary(), end_ids, settings.max_new_tokens, settings.include
        )
    if settings.refuse:
        processors.append(RefusedValues(vocabulary().codec, settings.refuse, settings.allow))
    form = None
    if settings.form is not None:
        within = [NoLoop(vocabulary().size, _LOOP), *processors]
        form = GrammarText(vocabulary(), settings.form.grammar, end_ids, limit, within, sequence.cut_short)
        processors = [form]
    if settings.tools is not None:
        processors = [ToolCallText(vocabulary(), settings.tools, end_ids, limit, processors, form)]
    return processors + [make() for make in sequence.request.observers]


def forked_processors(
    sequence: Sequence,
    other: Sequence,
    processors: list[TokenProcessor],
    vocabulary: Callable[[], Vocabulary],
    end_ids: frozenset[int],
) -> list[TokenProcessor]:
    """The processors of a draft that goes on from another one's place: copies of that one's, which know what they have
    begun; new ones where its settings are others."""
    if other.request.settings is not sequence.request.settings:
        return sequence_processors(other, vocabulary, end_ids)
    if not processors:
        return []
    words = vocabulary()
    return copy.deepcopy(processors, {id(shared): shared for shared in (words, words.spellings, *words.tables())})
