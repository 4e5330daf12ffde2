"""The generator's settings: which model, how it is computed, and how much it may hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from services.common.settings import CommonSettings

EngineName = Literal["slots", "module", "upstream", "echo", "echo-signed"]
KernelName = Literal["auto", "fp32", "bf16", "int8", "int4", "torch-fp32", "torch-bf16", "torch-int8", "torch-int4"]


class GeneratorSettings(CommonSettings):
    """What a generator needs beside the common settings."""

    renamed: ClassVar[Mapping[str, str]] = {"rows": "max_batch_size", "memory_mb": "kv_cache_mb"}

    engine: EngineName = Field(
        "slots",
        description="slots: own forward for Llama-shaped models, others through their module; "
        "module: always the model's module; upstream: a server elsewhere, see "
        "ANTIPHON_UPSTREAM_URLS; echo: no model, repeats the user's words; "
        "echo-signed: the same, every word with a sign of who wrote it, so that text mixed of two attempts is seen.",
    )
    kernel: KernelName = Field(
        "auto",
        description="Arithmetic of the linear layers: native kernels where CPU and compiler allow, else torch's "
        "(always with torch-…). auto: int4 where the weights were shipped on that grid, else int8; without the "
        "native kernels bf16, or fp32 on a CPU that does not compute in bf16; bf16 on a GPU.",
    )
    max_batch_size: int = Field(32, ge=1, le=1024, description="Drafts decoded together; also the turns prefetched.")
    context_limit: int = Field(
        0, ge=0, description="Most tokens of prompt and reply; 0 takes the model's own limit, at most 8192."
    )
    context_window: int = Field(
        0,
        ge=0,
        description="Tokens a session sees: the first 16 and the latest ones; older ones are evicted block by block "
        "and positions grow on to the context limit. 0: all.",
    )
    kv_cache_mb: int = Field(
        2048, ge=0, description="Megabytes of keys and values kept of sessions between turns before the oldest goes."
    )
    upstream_urls: str = Field(
        "",
        description="Servers of the engine upstream, separated by commas, each without /v1: llama.cpp's server, vLLM, "
        "or any server of OpenAI's chat completions. All serve the same model.",
    )
    upstream_model: str = Field(
        "", description="The model's name at the servers; empty: the one that they serve, if it is one."
    )
    upstream_key_file: Path | None = Field(None, description="File with the key that the servers want.")
    upstream_context: int = Field(
        0, ge=0, description="Most tokens of prompt and reply upstream; 0: what the servers say, else 4096."
    )
    upstream_start_seconds: float = Field(
        120.0, ge=0, description="How long the start waits for servers that are not there yet, or still load."
    )
    upstream_silence_seconds: float = Field(
        8.0,
        gt=0,
        description="A server that says nothing for so long is lost; within a reply four times as long if it "
        "is healthy.",
    )
    upstream_first_token_seconds: float = Field(
        120.0, gt=0, description="How long a healthy server may take to the first token."
    )
    upstream_full_seconds: float = Field(
        30.0, gt=0, description="How long a draft waits that every server refuses for want of room (429, 503)."
    )
    prefill_ms: float = Field(
        50.0, gt=0, description="Longest stall of running replies by a chunk of someone's prompt."
    )
    waiting_drafts: int = Field(256, ge=0, description="Drafts that may wait inside the engine for a row.")
    cuda_graphs: bool = Field(
        True, description="On a GPU, record decode passes as graphs, one for each power of two of rows and of tokens."
    )
    compute_threads: int = Field(0, ge=0, description="Threads of the products; 0 takes one for each core.")
    echo_tokens: int = Field(0, ge=0, description="Length of the echo engine's replies in words; 0: the words once.")
    echo_step_ms: float = Field(0.0, ge=0, description="Milliseconds the echo engine takes for each step.")

    reply_policy: Literal["auto", "quote", "grounded", "free"] = Field(
        "auto",
        description="Replies to what a knowledge base is asked. quote: the evidence in its own words, or that "
        "nothing is "
        "known; grounded: the model's words as far as the evidence bears them out; free: the model's words. "
        "auto: quote "
        "with the bundled model, free with the echo engine, else grounded.",
    )
    unknown_reply: str = Field("", description="What a reply says where nothing is known; empty: by language.")
    handoff_offer: str = Field("", description="What follows it, such as the offer of a human; empty: by language.")
    reply_tokens: int = Field(256, ge=1, description="Most tokens of a reply, unless the turn says otherwise.")
    temperature: float = Field(0.0, ge=0, le=2, description="Sampling temperature; 0 takes the likeliest token.")
    repetition_penalty: float = Field(1.0, ge=0.5, le=2, description="Above 1 makes used tokens less likely.")
    redraw_temperature: float = Field(
        0.7, gt=0, le=2, description="Temperature of another draft that is asked for without feedback."
    )
    candidates: int = Field(
        4, ge=1, le=16, description="Candidates a revision is chosen from if its first one misses a constraint."
    )
    constraint_weight: float = Field(
        5.0, ge=0, description="Weight of a met constraint against the log-likelihood when candidates are compared."
    )
    fusion_head: str = Field(
        "", description="File of the fusion head that revisions use, made by research.fuse; empty: none."
    )
    state_vectors: Literal["off", "beside", "instead"] = Field(
        "off", description="The dialogue state as soft tokens in the prompt: beside its text, or instead of it."
    )
    state_projector: str = Field(
        "", description="File of the state's projector, made by research.project; empty: the shipped one."
    )
    passage_vectors: Literal["off", "beside", "instead"] = Field(
        "off", description="Retrieved notes as soft tokens in the prompt: beside their text, or instead of it."
    )
    passage_projector: str = Field(
        "", description="File of the passages' projector, made by research.project; empty: the shipped one."
    )
    note_sentences: int = Field(
        3, ge=0, description="Sentences of a passage that the prompt quotes, those nearest to the message; 0: all."
    )
    superseded_values: Literal["refuse", "allow"] = Field(
        "refuse", description="Whether a draft may say what a cited fact's value was before, unasked."
    )
    corrections: Literal["off", "weights", "note", "quote", "best", "everywhere"] = Field(
        "best",
        description="How a message is answered that belongs to a correction. quote: by its reply, as long as a "
        "reviewer gave it; weights: by the version that learned it; note: with the correction in the prompt; "
        "best: quoted where it surely belongs, else by weights that learned it, else quoted. off: as if nothing had "
        "been corrected; everywhere: by a version's weights, whatever its scope (to measure what a scope is worth).",
    )
    corrections_from: float = Field(
        0.4, gt=0, lt=1, description="Probability from which on a message belongs to a correction."
    )
    corrections_near: float = Field(
        0.55,
        gt=0,
        le=1,
        description="Cosine from which on a correction is quoted to a message that the knowledge base does not answer.",
    )
    quoted_from: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="Probability from which on a correction's reply is quoted though weights learned it.",
    )
    versions: int = Field(8, ge=1, description="Model versions held beside the base model before the oldest goes.")
