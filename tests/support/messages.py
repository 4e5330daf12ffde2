"""Random messages of the contract, by their descriptors: what a careless or malicious client may send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

_INTEGERS = {
    FieldDescriptor.TYPE_INT32: st.one_of(st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]), st.integers(-5, 600)),
    FieldDescriptor.TYPE_INT64: st.one_of(st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]), st.integers(-5, 600)),
}
_TEXTS = st.one_of(
    st.sampled_from(["", " ", "\x00", "$set", "a.b", "key_x.y", "../..", "x" * 200, "é" * 40_000, "name@1"]),
    st.text(max_size=30),
)


def messages(descriptor: Descriptor, ids: Sequence[str], depth: int = 4) -> st.SearchStrategy[Any]:
    """Messages of this type with any of their fields filled; fields named …_id often hold one of ``ids``."""
    kind = message_factory.GetMessageClass(descriptor)
    fields = {field.name: _field(field, ids, depth) for field in descriptor.fields if depth or not _deep(field)}
    return st.fixed_dictionaries({}, optional=fields).map(lambda chosen: _made(kind, chosen))


def _deep(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_MESSAGE


def _made(kind: type[Message], chosen: dict[str, Any]) -> Message:
    made = kind()
    for name, value in chosen.items():
        field = kind.DESCRIPTOR.fields_by_name[name]
        if isinstance(value, dict):
            for key, content in value.items():
                getattr(made, name)[key] = content
        elif isinstance(value, list):
            getattr(made, name).extend(value)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(made, name).CopyFrom(value)
        else:
            setattr(made, name, value)
    return made


def _field(field: FieldDescriptor, ids: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    if _deep(field) and field.message_type is not None and field.message_type.GetOptions().map_entry:
        return st.dictionaries(_TEXTS, _TEXTS, max_size=3)
    one = _single(field, ids, depth)
    return st.lists(one, max_size=3) if field.is_repeated else one


def _single(field: FieldDescriptor, ids: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    if field.type in _INTEGERS:
        return _INTEGERS[field.type]
    if field.enum_type is not None:
        return st.sampled_from([*field.enum_type.values_by_number, 99])
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return st.floats(width=32)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=50)
    if field.message_type is not None:
        return messages(field.message_type, ids, depth - 1)
    if field.name.endswith("_id") and field.name != "request_id":
        return st.one_of(st.sampled_from(list(ids)), _TEXTS)
    return _TEXTS
