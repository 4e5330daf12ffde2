"""What a request for a chat completion asks, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from antiphon.v1.common_pb2 import DecodingSettings

from services.web.openai.body import Body, refuse
from services.web.openai.decoding import decoding_settings, reply_policy
from services.web.openai.messages import Conversation, read_messages
from services.web.openai.models import MAX_MODEL
from services.web.openai.reply_formats import read_format
from services.web.openai.tools import Offered, read_offer

MAX_KEY = 256
MAX_USER = 256
SESSION_HEADER = "x-antiphon-session"
# A chat of another program: the service finds the session that belongs to it.
CHAT_HEADERS = ("x-antiphon-chat", "x-openwebui-chat-id")
USER_HEADERS = ("x-antiphon-user", "x-openwebui-user-id")

PARAMETERS = (
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p",
    "seed", "stop", "user", "safety_identifier", "metadata", "response_format", "tools", "tool_choice",
    "parallel_tool_calls", "antiphon",
)  # fmt: skip
# Parameters that change nothing here with the values named, and are refused with any other.
WITHOUT_EFFECT: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "functions": ([],),
    "store": (True, False),
    "service_tier": ("auto", "default"),
    "modalities": (["text"],),
    "verbosity": ("medium",),
    "reasoning_effort": ("none",),
}
HINTS = frozenset({"prompt_cache_key", "prompt_cache_retention"})  # of caching, which the answer does not depend on


@dataclass(frozen=True)
class Named:
    """The session that a request names, and on whose behalf it is made.

    ``session`` is an id of the contract; ``chat`` another program's name for a conversation. ``key`` is the request's
    ``Idempotency-Key``; ``retries`` how often the official client has sent it before.
    """

    session: str = ""
    chat: str = ""
    user: str = ""
    key: str = ""
    retries: int = 0


@dataclass(frozen=True)
class ChatRequest:
    """A chat completion that was asked for."""

    model: str
    conversation: Conversation
    settings: DecodingSettings
    named: Named
    metadata: Mapping[str, str]
    stream: bool
    with_usage: bool
    without_knowledge: bool
    tools: Offered = field(default_factory=Offered)


def read_chat(body: Body, headers: Mapping[str, str]) -> ChatRequest:
    """The request of a body. Raises WebError, naming the parameter."""
    body.check_known((*PARAMETERS, *HINTS), WITHOUT_EFFECT)
    own = _own(body)
    settings = decoding_settings(body, ("max_tokens", "max_completion_tokens"), reply_policy(own))
    if (form := read_format(body.object("response_format"), nested=True)) is not None:
        settings.reply_format.CopyFrom(form)
    options = body.object("stream_options")
    options.check_known(("include_usage", "include_obfuscation"))
    metadata = body.metadata()
    if not body.items("messages"):
        refuse("messages", "is needed", "missing_required_parameter")
    stream = body.flag("stream")
    if "stream_options" in body and not stream:
        refuse("stream_options", "goes with stream: true")
    return ChatRequest(
        model=body.text("model", needed=True, most=MAX_MODEL),
        conversation=read_messages(body.objects("messages"), "messages"),
        settings=settings,
        named=read_named(body, own, metadata, headers),
        metadata=metadata,
        stream=stream,
        with_usage=options.flag("include_usage"),
        without_knowledge=own.flag("without_knowledge"),
        tools=read_offer(body, nested=True),
    )


def _own(body: Body) -> Body:
    own = body.object("antiphon")
    own.check_known(("session", "chat", "without_knowledge", "reply_policy"))
    return own


def read_named(body: Body, own: Body, metadata: Mapping[str, str], headers: Mapping[str, str]) -> Named:
    """Who asks, in which session, and whether again."""
    user = body.text("user", most=MAX_USER) or body.text("safety_identifier", most=MAX_USER)
    key = headers.get("idempotency-key", "")
    if len(key) > MAX_KEY:
        refuse("Idempotency-Key", f"has {len(key)} characters, at most {MAX_KEY} are taken")
    retries = headers.get("x-stainless-retry-count", "")
    return Named(
        session=headers.get(SESSION_HEADER, "") or own.text("session") or metadata.get("session", ""),
        chat=_first(headers, CHAT_HEADERS) or own.text("chat", most=MAX_KEY) or metadata.get("chat", ""),
        user=user or _first(headers, USER_HEADERS)[:MAX_USER],
        key=key,
        retries=int(retries[:3]) if retries.isdecimal() else 0,
    )


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name] for name in names if headers.get(name)), "")
