"""A model version's file: low-rank pairs, their scope, a fusion head, in one safetensors file whose hash is its id.

Pairs alone are format 1 (``adapter``). With a head it is format 2: the head's tensors beside the pairs under
``fusion.``, its config in the header. With a scope, which stands in the header, it is format 3, with or without a head.
Code that knows older formats alone refuses such a file and never serves half of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from services.models.adapter import (
    FORMAT,
    Adapter,
    BadVersion,
    adapter_tensors,
    read_file,
    read_pairs,
    write_adapter,
    write_file,
)
from services.models.fusion import BadHead, FusionConfig, FusionHead, head_id, load_head, write_head
from services.models.scope.scope import VersionScope

WITH_HEAD = "antiphon-version-2"
WITH_SCOPE = "antiphon-version-3"
_FUSION = "fusion."


@dataclass(frozen=True)
class VersionWeights:
    """What a version changes of its base model: ``adapter`` the layers (no pairs: they stay as they are), ``head`` what
    revisions' feedback does to the last hidden state (None: nothing), ``scope`` to which messages the layers' changes
    apply (None: to all)."""

    adapter: Adapter
    head: FusionHead | None = None
    scope: VersionScope | None = None

    @property
    def head_id(self) -> str:
        """The head's content hash; empty where there is none."""
        return head_id(write_head(self.head)) if self.head is not None else ""


def write_version(weights: VersionWeights) -> bytes:
    """The version's file; the same weights always give the same bytes."""
    adapter, head, scope = weights.adapter, weights.head, weights.scope
    if head is None and scope is None:
        return write_adapter(adapter)
    tensors = adapter_tensors(adapter)
    about: dict[str, Any] = {
        "format": WITH_SCOPE if scope is not None else WITH_HEAD,
        "base_version": adapter.base_version,
        "rank": adapter.rank,
    }
    if head is not None:
        tensors |= {f"{_FUSION}{name}": value.detach().half().contiguous() for name, value in head.state_dict().items()}
        about["fusion"] = asdict(head.config)
    if scope is not None:
        about["scope"] = scope.to_json()
    return write_file(tensors, about)


def read_version(content: bytes, base_version: str) -> VersionWeights:
    """The weights in a version's file.

    Raises: BadVersion: no version's file, tensors that don't fit together, or another base model than
        ``base_version``.
    """
    about, tensors = read_file(content, base_version)
    if about["format"] not in (FORMAT, WITH_HEAD, WITH_SCOPE):
        raise BadVersion(f"the file's format is {about['format']!r}, which this code does not know")
    rank = int(about["rank"])
    fused = {name.removeprefix(_FUSION): tensor for name, tensor in tensors.items() if name.startswith(_FUSION)}
    pairs = {name: tensor for name, tensor in tensors.items() if not name.startswith(_FUSION)}
    adapter = Adapter(base_version, rank, read_pairs(pairs, rank))
    if about["format"] == FORMAT:
        if fused:
            raise BadVersion(f"a fusion head in a file of format {FORMAT}")
        return VersionWeights(adapter)
    head = _head(about, fused, base_version) if "fusion" in about or about["format"] == WITH_HEAD else None
    if about["format"] == WITH_HEAD:
        return VersionWeights(adapter, head)
    try:
        return VersionWeights(adapter, head, VersionScope.from_json(about["scope"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadVersion(f"the version's scope cannot be read: {error}") from error


def _head(about: dict[str, Any], fused: dict[str, Tensor], base_version: str) -> FusionHead:
    try:
        config = FusionConfig.from_json(about["fusion"])
        if config.base_version != base_version:
            raise BadVersion(f"the version's head stands on base model {config.base_version}, not {base_version}")
        return load_head(config, fused)
    except (BadHead, KeyError, TypeError) as error:
        raise BadVersion(f"the version's fusion head cannot be read: {error}") from error
