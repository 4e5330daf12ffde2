"""What a session's memory saves: ``python -m bench.memory [--json]``.

One session of 20 turns of 150 tokens (75 of the user, 75 of the reply), SmolLM2-135M at the default settings. Time to
first token with the memory kept, against the same turn computed from nothing; then two revisions of the last turn: one
with feedback of 24 tokens in the prompt, one by the fusion hook alone, whose prompt is the same again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

from bench.machine import describe
from bench.subject import Waiting, engine
from bench.workers import prompt_ids
from services.generator.engine import DecodeSettings, DraftRequest, Engine, FinishedDraft

TURNS, USER, REPLY, FEEDBACK = 20, 75, 75, 24


def main() -> None:
    """Run the sessions and print the figures."""
    parser = argparse.ArgumentParser(description="What a session's memory saves.")
    parser.add_argument("--json", action="store_true", help="print figures and context as a last line")
    parser.add_argument("--sessions", type=int, default=5, help="sessions, one after the other; medians count")
    options = parser.parse_args()
    running, backend, version = engine("auto", max_batch_size=8, context_limit=4096)
    _session(running, version, "warm-up")
    found = [_session(running, version, f"s{n}") for n in range(options.sessions)]
    middle = {name: statistics.median(one[name] for one in found) for name in found[0]}
    print(f"{'milliseconds to first token':44}{'p50':>8}")
    for name in (
        "turn2",
        "turn5",
        "turn10",
        "turn20",
        "recompute20",
        "step",
        "prefill_feedback",
        "prefill_feedback_in_place",
        "revision",
        "fusion_only",
    ):
        print(f"{name:44}{middle[name]:8.1f}")
    figures = {
        "turn20_vs_turn2_ttft": middle["turn20"] / middle["turn2"],
        "turn20_vs_recompute_ttft": middle["turn20"] / middle["recompute20"],
        "revision_ttft_over_prefill_and_step_ms": middle["revision"] - middle["prefill_feedback"] - middle["step"],
        "revision_ttft_over_prefill_in_place_and_step_ms": middle["revision"]
        - middle["prefill_feedback_in_place"]
        - middle["step"],
        "fusion_only_ttft_over_step_ms": middle["fusion_only"] - middle["step"],
    }
    for name, value in figures.items():
        print(f"{name}: {value:.2f}")
    if options.json:
        context: dict[str, Any] = describe() | {"kernel": backend.kernel, "sessions": options.sessions, "ms": middle}
        print(json.dumps({"figures": figures, "context": context}))
    running.close()


def _session(running: Engine, version: str, session: str) -> dict[str, float]:
    """All turns of one session; milliseconds by name."""
    words = prompt_ids(TURNS + 2, USER)
    history: tuple[int, ...] = ()
    out: dict[str, float] = {}
    for turn in range(1, TURNS + 1):
        tail = tuple(words[turn])
        draft = _draft(running, version, session, history, tail, REPLY)
        out[f"turn{turn}"] = draft.timings.first_token * 1000
        before, history = history, (*history, *tail, *draft.token_ids)
    out["step"] = draft.timings.decode / max(draft.usage.completion - 1, 1) * 1000
    out["recompute20"] = _draft(running, version, f"{session}-fresh", before, tail, 1).timings.first_token * 1000
    again = _draft(running, version, session, before, tail, 1)
    assert again.usage.reused == again.usage.prompt - 1
    out["fusion_only"] = again.timings.first_token * 1000
    _draft(running, version, session, history, (9,), 1)  # the memory holds the draft again
    feedback = tuple(words[TURNS + 1][:FEEDBACK])
    revised = _draft(running, version, session, history, feedback, 8)
    assert revised.usage.reused >= len(history) - 1
    out["revision"] = revised.timings.first_token * 1000
    out["prefill_feedback_in_place"] = revised.timings.prefill * 1000
    fresh = _draft(running, version, f"{session}-feedback", (), feedback, 2)
    out["prefill_feedback"] = fresh.timings.prefill * 1000
    return out


def _draft(
    running: Engine, version: str, session: str, history: tuple[int, ...], tail: tuple[int, ...], count: int
) -> FinishedDraft:
    waiting = Waiting()
    key = f"{session}-{len(history)}-{time.monotonic_ns()}"
    settings = DecodeSettings(max_new_tokens=count, min_new_tokens=count)
    running.submit(DraftRequest(key, "bench", session, version, history, tail, settings), waiting)
    return waiting.wait(1)[0]


if __name__ == "__main__":
    main()
