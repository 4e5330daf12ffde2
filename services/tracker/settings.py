"""The tracker's settings: which tracker, and how many turns at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.common.settings import CommonSettings


class TrackerSettings(CommonSettings):
    """What a tracker needs beside the common settings."""

    tracker: Literal["auto", "rules", "learned"] = Field(
        "auto",
        description="How states are tracked: rules (no model), learned, or auto: learned where its model is there.",
    )
    track_threads: int = Field(4, ge=1, le=64, description="Turns tracked beside each other; also prefetched.")
