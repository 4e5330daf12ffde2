"""The tracker's settings: which tracker, and how many turns at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from services.common.settings import CommonSettings


class TrackerSettings(CommonSettings):
    """What a tracker needs beside the common settings."""

    tracker: Literal["auto", "rules", "learned"] = Field(
        "auto",
        description="How states are tracked: rules (no model), learned, or auto: learned where its model is "
        "there and the schema has services that find things (in Chinese a network of its own, where they have names), "
        "rules where they only collect.",
    )
    tracker_weights: Path | None = Field(
        None, description="The learned tracker's weights; the committed ones if unset."
    )
    comment_fallback: bool = Field(
        True,
        description="Whether comments are read by a trained network beside the grammar, and what neither understands "
        "by its likeness to known wishes.",
    )
    track_cpu_seconds: float = Field(
        2.0, gt=0, description="Computing that a turn's state or comment may take; beyond it the turn goes on without."
    )
    track_batch: int = Field(
        16, ge=1, le=48, description="Turns of one batch, and in hand; half as many wait prefetched."
    )
