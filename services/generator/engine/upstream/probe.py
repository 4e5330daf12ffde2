"""What a server is and what it can do, found out by asking it: an answer 200 proves nothing, a changed reply does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from services.generator.decoding.json_object import JsonObject
from services.generator.decoding.tool_calls import CallableTools
from services.generator.engine.draft_engine import Ability
from services.generator.engine.upstream.shaping import Means
from services.generator.engine.upstream.wire import Dialect, format_fields, tools_fields

_QUESTION = "Tell me in one sentence what a library is."
_SEEDS = (11, 12, 13)
_TOKENS = 8
_TOOL, _NUMBER, _CALL_TOKENS = "note_down", 4711, 64
_ONLY_NUMBER = {"type": "object", "properties": {"number": {"enum": [_NUMBER]}}, "required": ["number"]}
_BETWEEN_TRIES = 0.3


class BadUpstream(ValueError):
    """A server can't be used; the text names the setting to change."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server. `means` are its ways to keep constraints; `context` is in its own tokens, 0 where it does not say."""

    url: str
    model: str
    dialect: Dialect
    release: str
    context: int
    abilities: frozenset[Ability]
    means: frozenset[Means]


def probe(url: str, model: str, key: str, wait_seconds: float, read_seconds: float = 60.0) -> Server:
    """Ask a server what it is; one that is not there yet, or still loads, is waited for.

    Raises:
        BadUpstream: it can't be used.
    """
    deadline = time.monotonic() + wait_seconds
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = httpx2.Timeout(read_seconds, connect=5.0)
    try:
        limits = httpx2.Limits(max_keepalive_connections=0)
        with httpx2.Client(base_url=url, headers=headers, timeout=timeout, limits=limits) as client:
            while True:
                try:
                    return _Probe(client, url, model).server()
                except (httpx2.TransportError, _NotYet) as error:
                    if time.monotonic() > deadline:
                        raise BadUpstream(f"ANTIPHON_UPSTREAM_URLS: {url} does not answer ({error!r})") from error
                time.sleep(_BETWEEN_TRIES)
    except httpx2.InvalidURL as error:
        raise BadUpstream(f"ANTIPHON_UPSTREAM_URLS: {url} is no URL") from error


class _NotYet(Exception):
    """The server is there and does not serve yet."""


class _Probe:
    def __init__(self, client: httpx2.Client, url: str, model: str) -> None:
        self._client = client
        self._url = url
        self._model = model

    def server(self) -> Server:
        dialect, release, context = self._identity()
        self._model, limit = self._served()
        plain = self._reply()
        abilities = self._abilities(plain)
        return Server(
            self._url, self._model, dialect, release, context or limit, abilities, self._means(dialect, plain)
        )

    def _identity(self) -> tuple[Dialect, str, int]:
        """Dialect, version and context."""
        props = self._object("/props")
        if "default_generation_settings" in props:
            settings = props["default_generation_settings"] or {}
            return "llama.cpp", f"llama.cpp {props.get('build_info') or ''}".strip(), int(settings.get("n_ctx") or 0)
        if release := self._object("/version").get("version"):
            return "vllm", f"vllm {release}", 0
        if release := self._object("/api/version").get("version"):
            return "openai", f"ollama {release}", 0
        return "openai", "", 0

    def _served(self) -> tuple[str, int]:
        """The model to name and its context."""
        rows = self._object("/v1/models").get("data") or []
        limits = {str(row.get("id")): int(row.get("max_model_len") or 0) for row in rows if isinstance(row, dict)}
        if self._model and (not limits or self._model in limits):
            return self._model, limits.get(self._model, 0)
        if self._model:
            raise BadUpstream(f"ANTIPHON_UPSTREAM_MODEL names {self._model!r}; {self._url} serves {_listed(limits)}")
        if len(limits) != 1:
            raise BadUpstream(f"ANTIPHON_UPSTREAM_MODEL must name a model; {self._url} serves {_listed(limits)}")
        return next(iter(limits.items()))

    def _object(self, path: str) -> dict[str, Any]:
        """What a path answers; empty where it is not there."""
        response = self._client.get(path)
        self._judge(response)
        try:
            answer = response.json() if response.status_code == 200 else {}
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}

    def _judge(self, response: httpx2.Response) -> None:
        if response.status_code in (429, 503):
            raise _NotYet(f"status {response.status_code}")
        if response.status_code in (401, 403):
            raise BadUpstream(f"ANTIPHON_UPSTREAM_KEY_FILE: {self._url} refuses the key it holds, or the lack of one")

    def _reply(self) -> str:
        reply = self._ask()
        if reply is None:
            raise BadUpstream(
                f"ANTIPHON_UPSTREAM_URLS: {self._url} does not answer chat completions of {self._model!r}"
            )
        return reply

    def _ask(self, **fields: Any) -> str | None:
        """The reply to the question; None where the server refuses the fields."""
        choice = self._choice(**fields)
        try:
            return None if choice is None else str(choice["message"].get("content") or "")
        except (LookupError, TypeError, AttributeError):
            return None

    def _choice(self, **fields: Any) -> dict[str, Any] | None:
        """The answer to the question; None where the server refuses the fields."""
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": _QUESTION}],
            "max_tokens": _TOKENS,
            "temperature": 0.0,
            **fields,
        }
        response = self._client.post("/v1/chat/completions", json=body)
        self._judge(response)
        if response.status_code != 200:
            return None
        try:
            choice = response.json()["choices"][0]
        except (ValueError, LookupError, TypeError):
            return None
        return choice if isinstance(choice, dict) else None

    def _scores(self) -> bool:
        """Whether each token of a reply comes with its log-probability."""
        choice = self._choice(logprobs=True) or {}
        try:
            tokens = choice["logprobs"]["content"]
            spelled = "".join(token["token"] for token in tokens)
            return bool(tokens) and spelled == choice["message"]["content"] and all(t["logprob"] <= 0 for t in tokens)
        except (LookupError, TypeError):
            return False

    def _calls(self) -> bool:
        """Whether a tool that must be called is called, with arguments that only its schema says."""
        tool = (_TOOL, json.dumps(_ONLY_NUMBER), False)
        tools = CallableTools((tool,), required=True, descriptions=("Note it down",))
        choice = self._choice(max_tokens=_CALL_TOKENS, **tools_fields(tools)) or {}
        try:
            function = choice["message"]["tool_calls"][0]["function"]
            return bool(function["name"] == _TOOL and json.loads(function["arguments"]) == {"number": _NUMBER})
        except (LookupError, TypeError, ValueError):
            return False

    def _objects(self) -> bool:
        """Whether a reply that must be an object by a schema is one that only the schema says."""
        schema = {**_ONLY_NUMBER, "additionalProperties": False}
        reply = self._ask(max_tokens=_CALL_TOKENS, **format_fields(JsonObject(json.dumps(schema), True)))
        try:
            return bool(json.loads(reply or "") == {"number": _NUMBER})
        except ValueError:
            return False

    def _abilities(self, plain: str) -> frozenset[Ability]:
        abilities: set[Ability] = set()
        draws = [self._ask(temperature=1.5, seed=seed) for seed in _SEEDS]
        if None not in draws and len(set(draws)) > 1 and self._ask(temperature=1.5, seed=_SEEDS[0]) == draws[0]:
            abilities.add("seeds")
        if all(self._ask(temperature=1.5, top_k=1, min_p=0.0, seed=seed) == plain for seed in _SEEDS):
            abilities.add("sampling")
        if self._scores():
            abilities.add("scores")
        if self._calls():
            abilities.add("tools")
        if self._objects():
            abilities.add("json")
        return frozenset(abilities)

    def _means(self, dialect: Dialect, plain: str) -> frozenset[Means]:
        experiments: dict[Means, Callable[[], bool]] = {}
        if dialect == "llama.cpp":
            experiments["grammar"] = lambda: self._obeys("7 7 7", grammar='root ::= "7 7 7"')
        if dialect == "vllm":
            experiments["choice"] = lambda: self._obeys("7 7 7", structured_outputs={"choice": ["7 7 7"]})
            experiments["regex"] = lambda: self._obeys("7 7 7", structured_outputs={"regex": "7 7 7"})
            word = plain.split()[0] if plain.split() else ""
            experiments["bad_words"] = lambda: bool(word) and word not in (self._ask(bad_words=[word]) or word)
        if dialect != "openai":
            as_json = {"type": "json_object"}
            experiments["json"] = lambda: (self._ask(response_format=as_json) or "").lstrip().startswith("{")
        return frozenset(means for means, obeyed in experiments.items() if obeyed())

    def _obeys(self, wanted: str, **fields: Any) -> bool:
        return (self._ask(**fields) or "").strip() == wanted


def _listed(names: dict[str, int]) -> str:
    return ", ".join(sorted(names)) or "no model by name"
