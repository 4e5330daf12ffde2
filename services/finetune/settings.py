"""The fine-tune service's settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.common.settings import CommonSettings


class FinetuneSettings(CommonSettings):
    """What batches and training runs can be told; a run's own settings override the training defaults."""

    feedback_batch: int = Field(256, ge=1, description="Feedback records made into examples at a time, at most.")
    feedback_wait_seconds: float = Field(2.0, gt=0, description="Longest wait before a smaller batch is processed.")
    audit_days: int = Field(
        400, ge=1, le=36_500, description="How long entries of the audit log are kept; a chain is cut at its beginning."
    )
    train_rank: int = Field(16, ge=1, le=256, description="Rank of the low-rank pairs.")
    train_learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate.")
    train_epochs: float = Field(
        10.0, gt=0, description="Rounds over what is not yet said right, at most; what is learned is left out."
    )
    train_batch_size: int = Field(8, ge=1, description="Examples per optimiser step.")
    train_replay_share: float = Field(
        0.4, ge=0, lt=1, description="Share of replayed examples in a fusion head's training set."
    )
    train_rewordings: int = Field(
        3,
        ge=0,
        le=3,
        description="Other wordings of a corrected message that the base model writes, beside those by rule.",
    )
    train_checkpoint_seconds: float = Field(120.0, gt=0, description="How often a run stores a checkpoint.")
    train_lease_seconds: float = Field(
        30.0, gt=0, description="A worker's hold on a run without a heartbeat; then another goes on with it."
    )
    train_precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Arithmetic of a training's products; auto: bf16 where the CPU computes in it."
    )
    train_threads: int = Field(0, ge=0, description="Threads of a training run; 0 takes one for each core.")
    fuse_steps: int = Field(300, ge=1, description="Optimiser steps of a fusion head's training.")
    fuse_learning_rate: float = Field(3e-4, gt=0, description="Peak learning rate of a fusion head's training.")
    fuse_least: int = Field(8, ge=1, description="Commented corrections from which on a fusion head is trained.")
    fuse_rule_edits: int = Field(
        600, ge=0, description="Edits made by rule from the base model's replies that a fusion head replays."
    )
    rehearsals: int = Field(
        64, ge=0, description="Replies of the base model to general questions that are replayed and held out."
    )
    judged_replies: int = Field(64, ge=0, description="Greedy replies a version is judged by, new and old each.")
    gate_corrected: float = Field(0.9, ge=0, le=1, description="Corrections that a version must say right, as a share.")
    gate_paraphrases: float = Field(0.6, ge=0, le=1, description="Unseen wordings that it must answer right.")
    gate_neighbours: float = Field(0.9, ge=0, le=1, description="Made-up neighbours whose replies must stay.")
    gate_old: float = Field(0.98, ge=0, le=1, description="Replies to general questions that must stay.")
    gate_earlier: float = Field(0.9, ge=0, le=1, description="Earlier corrections that must still be said right.")
    gate_degenerate: float = Field(0.05, ge=0, le=1, description="Replies that may loop or find no end.")
    gate_perplexity_rise: float = Field(0.01, ge=0, description="Rise of the perplexity of general replies, at most.")
