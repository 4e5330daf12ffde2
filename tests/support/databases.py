"""Databases that one test after another may use: emptied, with the store's collections and indexes still there."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from services.common.store.indexes import INDEXES
from services.common.store.knowledge import KNOWLEDGE_INDEXES

_MADE: dict[str, set[str]] = {}
for _tables in (INDEXES, KNOWLEDGE_INDEXES):
    for _name, _models in _tables.items():
        _MADE.setdefault(_name, {"_id_"}).update(model.document["name"] for model in _models)


def empty(database: Database[Any]) -> bool:
    """Delete all that is in it; False, and nothing done, where the store's collections are not as it makes them."""
    names = set(database.list_collection_names())
    if not names >= set(_MADE) or any(set(database[name].index_information()) != _MADE[name] for name in _MADE):
        return False
    for name in names - set(_MADE):
        database.drop_collection(name)
    for name in _MADE:
        database[name].delete_many({})
    return True
