"""A model version's file: low-rank pairs, a fusion head, or both, in one safetensors file whose hash is its id.

Pairs alone are format 1 (``adapter``). With a head it is format 2: the head's tensors beside the pairs under
``fusion.``, its config in the header. Code that knows format 1 alone refuses such a file and never serves half of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

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

WITH_HEAD = "antiphon-version-2"
_FUSION = "fusion."


@dataclass(frozen=True)
class VersionWeights:
    """What a version changes of its base model: ``adapter`` the layers (no pairs: they stay as they are), ``head`` what
    revisions' feedback does to the last hidden state (None: nothing)."""

    adapter: Adapter
    head: FusionHead | None = None

    @property
    def head_id(self) -> str:
        """The head's content hash; empty where there is none."""
        return head_id(write_head(self.head)) if self.head is not None else ""


def write_version(weights: VersionWeights) -> bytes:
    """The version's file; the same weights always give the same bytes."""
    adapter, head = weights.adapter, weights.head
    if head is None:
        return write_adapter(adapter)
    tensors = adapter_tensors(adapter)
    tensors |= {f"{_FUSION}{name}": tensor.detach().half().contiguous() for name, tensor in head.state_dict().items()}
    about = {
        "format": WITH_HEAD,
        "base_version": adapter.base_version,
        "rank": adapter.rank,
        "fusion": asdict(head.config),
    }
    return write_file(tensors, about)


def read_version(content: bytes, base_version: str) -> VersionWeights:
    """The weights in a version's file.

    Raises: BadVersion: no version's file, tensors that don't fit together, or another base model than
        ``base_version``.
    """
    about, tensors = read_file(content, base_version)
    if about["format"] not in (FORMAT, WITH_HEAD):
        raise BadVersion(f"the file's format is {about['format']!r}, which this code does not know")
    rank = int(about["rank"])
    fused = {name.removeprefix(_FUSION): tensor for name, tensor in tensors.items() if name.startswith(_FUSION)}
    pairs = {name: tensor for name, tensor in tensors.items() if not name.startswith(_FUSION)}
    adapter = Adapter(base_version, rank, read_pairs(pairs, rank))
    if about["format"] == FORMAT:
        if fused:
            raise BadVersion(f"a fusion head in a file of format {FORMAT}")
        return VersionWeights(adapter)
    try:
        config = FusionConfig.from_json(about["fusion"])
        if config.base_version != base_version:
            raise BadVersion(f"the version's head stands on base model {config.base_version}, not {base_version}")
        return VersionWeights(adapter, load_head(config, fused))
    except (BadHead, KeyError, TypeError) as error:
        raise BadVersion(f"the version's fusion head cannot be read: {error}") from error
