"""What a request for a response asks, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from antiphon.v1.common_pb2 import DecodingSettings

from services.web.errors import Unsupported
from services.web.openai.body import Body, refuse
from services.web.openai.chat_request import MAX_USER, Named, read_named
from services.web.openai.decoding import decoding_settings, reply_policy
from services.web.openai.messages import Conversation, Message, read_messages
from services.web.openai.models import MAX_MODEL
from services.web.openai.reply_formats import read_format
from services.web.openai.response_shown import Asked
from services.web.openai.tools import Offered, read_offer

PARAMETERS = (
    "model", "input", "instructions", "stream", "stream_options", "max_output_tokens", "temperature", "top_p",
    "metadata", "user", "safety_identifier", "previous_response_id", "conversation", "background", "text",
    "tools", "tool_choice", "parallel_tool_calls", "antiphon",
)  # fmt: skip
WITHOUT_EFFECT: Mapping[str, tuple[object, ...]] = {
    "store": (True,),
    "truncation": ("auto", "disabled"),
    "include": ([],),
    "reasoning": ({},),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
}
ITEMS = ("message", "function_call", "function_call_output")
HINTS = ("prompt_cache_key", "prompt_cache_retention")


@dataclass(frozen=True)
class ResponseRequest:
    """A response that was asked for."""

    model: str
    conversation: Conversation
    instructions: str
    settings: DecodingSettings
    named: Named
    session_id: str
    previous: str
    metadata: Mapping[str, str]
    stream: bool
    background: bool
    without_knowledge: bool
    tools: Offered = field(default_factory=Offered)

    def repeated(self, session_id: str) -> Asked:
        """What its response repeats of it."""
        return Asked(
            self.model,
            session_id,
            self.instructions,
            self.previous,
            self.background,
            self.metadata,
            self.settings,
            offer=self.tools.offer,
        )


def read_response(body: Body, headers: Mapping[str, str]) -> ResponseRequest:
    """The request of a body. Raises WebError, naming the parameter."""
    body.check_known((*PARAMETERS, *HINTS), WITHOUT_EFFECT)
    text = body.object("text")
    text.check_known(("format", "verbosity"))
    form = read_format(text.object("format"), nested=False)
    if text.text("verbosity", "medium") != "medium":
        raise Unsupported(text.name("verbosity"))
    body.object("stream_options").check_known(("include_obfuscation",))
    own = body.object("antiphon")
    own.check_known(("without_knowledge", "reply_policy"))
    metadata = body.metadata()
    previous = body.text("previous_response_id", most=MAX_USER)
    session_id = _conversation_id(body)
    if previous and session_id:
        refuse("conversation", "goes not with previous_response_id", "mutually_exclusive_parameters")
    conversation = read_input(body)
    settings = decoding_settings(body, ("max_output_tokens",), reply_policy(own))
    if form is not None:
        settings.reply_format.CopyFrom(form)
    return ResponseRequest(
        model=body.text("model", needed=True, most=MAX_MODEL),
        conversation=conversation,
        instructions="\n\n".join(filter(None, (body.text("instructions"), conversation.system_text))),
        settings=settings,
        named=read_named(body, Body({}), {}, headers),
        session_id=session_id,
        previous=previous,
        metadata=metadata,
        stream=body.flag("stream"),
        background=body.flag("background"),
        without_knowledge=own.flag("without_knowledge"),
        tools=read_offer(body, nested=False),
    )


def read_input(body: Body) -> Conversation:
    """The input: a text, or messages of which the last is the user's."""
    given = body.raw("input")
    if given is None:
        refuse("input", "is needed", "missing_required_parameter")
    if isinstance(given, str):
        text = body.text("input")
        if not text.strip():
            refuse("input", "is empty")
        return Conversation(last=Message("user", text, "input"))
    if not isinstance(given, list):
        refuse("input", "must be a string or a list of items", "invalid_type")
    return read_messages(_checked_items(body), "input")


def _checked_items(body: Body) -> Iterable[Body]:
    for item in body.objects("input"):
        if item.text("type", "message") not in ITEMS:
            raise Unsupported(item.name("type"), f"only {', '.join(ITEMS)} are read")
        yield item


def _conversation_id(body: Body) -> str:
    given = body.raw("conversation")
    if given is None or isinstance(given, str):
        return body.text("conversation", most=MAX_USER)
    return body.object("conversation").text("id", needed=True, most=MAX_USER)
