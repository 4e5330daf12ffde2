"""Text to token ids and back, from a model folder's tokenizer.json alone (no transformers import)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from services.models.language_model import ModelNotFound, end_ids


class TokenizerCodec:
    """A Hugging Face tokenizer behind the engine's codec."""

    def __init__(self, folder: Path) -> None:
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise ModelNotFound(f"{folder} has no tokenizer.json; save its fast tokenizer there first")
        self._tokenizer = Tokenizer.from_file(str(file))
        described = json.loads(file.read_text())
        digest = hashlib.sha256(file.read_bytes())
        for name in ("chat_template.jinja", "tokenizer_config.json"):
            if (folder / name).is_file():
                digest.update((folder / name).read_bytes())
        self._digest = digest.hexdigest()[:16]
        self._end_ids = end_ids(folder)
        self._special = frozenset(t["id"] for t in described.get("added_tokens", []) if t["special"])
        self._bytes = self._byte_table(described)

    @property
    def end_ids(self) -> frozenset[int]:
        """The configuration's end-of-text ids."""
        return self._end_ids

    @property
    def digest(self) -> str:
        """Hash of tokenizer and chat template."""
        return self._digest

    @property
    def size(self) -> int:
        """Ids there are, added ones included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, text: str) -> list[int]:
        """Token ids; markers become their special ids, nothing is added around."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Text without special ids and soft tokens."""
        text: str = self._tokenizer.decode([i for i in ids if i >= 0], skip_special_tokens=True)
        return text

    def token_bytes(self, token: int) -> bytes | None:
        """A token's own bytes where the vocabulary is byte-level, else None."""
        if self._bytes is None:
            return b"" if token in self._special else None
        return self._bytes.get(token, b"")

    def spelling(self, token: int) -> bytes:
        """The bytes a token adds, as near as the vocabulary tells (words' beginnings with a space)."""
        if self._bytes is not None:
            return self._bytes.get(token, b"")
        if token in self._special:
            return b""
        piece = self._tokenizer.id_to_token(token) or ""
        return piece.replace("▁", " ").encode()

    def _byte_table(self, described: dict[str, object]) -> dict[int, bytes] | None:
        if '"ByteLevel"' not in json.dumps(described.get("decoder")):
            return None
        to_byte = _byte_level_alphabet()
        added = self._tokenizer.get_added_tokens_decoder()
        table: dict[int, bytes] = {}
        for piece, token in self._tokenizer.get_vocab(with_added_tokens=True).items():
            if token in self._special:
                table[token] = b""
            elif token in added:
                table[token] = piece.encode()
            else:
                table[token] = bytes(to_byte[c] for c in piece if c in to_byte)
        return table


def _byte_level_alphabet() -> dict[str, int]:
    """The printable stand-ins of GPT-2's byte-level BPE (Radford et al. 2019, `bytes_to_unicode`)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(b): b for b in printable}
    others = (b for b in range(256) if b not in printable)
    table.update({chr(256 + n): b for n, b in enumerate(others)})
    return table
