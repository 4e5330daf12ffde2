"""Every metric by its name, on one page; ``deploy/TELEMETRY.md`` says which process counts what.

Labels have few values: no tenant, session or turn is one.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
SLOW = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)

CALLS = Counter("antiphon_calls_total", "Calls answered, by method and gRPC status", ["method", "status"])
FIRST_DELTA_SECONDS = Histogram(
    "antiphon_first_delta_seconds", "From the acceptance of a round to its first words at the gateway", buckets=SLOW
)
HTTP_ANSWERS = Counter("antiphon_http_answers_total", "Requests over HTTP, by area and status", ["area", "status"])
OPEN_TURNS = Gauge("antiphon_open_turns", "Turns accepted and not ended, of all tenants")
STUCK_TURNS = Gauge("antiphon_stuck_turns", "Open turns that were sent three times and still wait for a worker")
SWEPT_TURNS = Counter("antiphon_swept_turns_total", "Turns that a sweep has sent again")
TURNS = Counter("antiphon_turns_total", "Turns by how they ended", ["end"])

QUEUE_SECONDS = Histogram("antiphon_queue_seconds", "From sending a turn to taking it up", ["queue"], buckets=SLOW)
STEP_SECONDS = Histogram("antiphon_step_seconds", "Time a step worked on a turn", ["step"], buckets=SLOW)
OVER_BUDGET = Counter(
    "antiphon_over_budget_total", "Steps that a turn went on without, because they took too much computing", ["step"]
)

FIRST_TOKEN_SECONDS = Histogram("antiphon_first_token_seconds", "From taking a turn to its first token", buckets=SLOW)
EVIDENCE_SECONDS = Histogram("antiphon_evidence_seconds", "Time to weigh the evidence of a message", buckets=FAST)
GENERATED_TOKENS = Counter("antiphon_generated_tokens_total", "Tokens generated")
ROWS = Gauge("antiphon_rows", "Drafts a generator can decode together, by state", ["state"])
DRAFT_ROUND = Histogram(
    "antiphon_draft_round", "Round of the drafts that were completed; 0 is the first", buckets=(0, 1, 2, 3, 4, 5)
)
VERSION_SERVED = Gauge("antiphon_version_served", "1 for each model version that is loaded", ["version"])

RATINGS = Counter("antiphon_ratings_total", "Ratings among the feedback that was processed, 1 to 5", ["rating"])
CORRECTED_TURNS = Counter(
    "antiphon_corrected_turns_total",
    "States that a person looked over, by whether they were right as a whole",
    ["joint"],
)
