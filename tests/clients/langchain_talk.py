"""LangChain's ChatOpenAI holds a conversation; the environment has the service's URL and a key."""

from __future__ import annotations

import os

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

NAMED = {"x-antiphon-chat": f"langchain-{os.getpid()}"}
model = ChatOpenAI(model="antiphon", temperature=0, max_retries=0, default_headers=NAMED)

messages = [SystemMessage("Be brief."), HumanMessage("one two three")]
reply = model.invoke(messages)
assert "one two three" in reply.text, reply
assert reply.usage_metadata is not None
assert reply.usage_metadata["total_tokens"] > 0

messages += [AIMessage(reply.text), HumanMessage("four five six")]
chunks = list(model.stream(messages, stream_usage=True))
streamed = "".join(chunk.text for chunk in chunks)
assert "four five six" in streamed, chunks
assert any(chunk.usage_metadata for chunk in chunks)

responses = ChatOpenAI(model="antiphon", use_responses_api=True, max_retries=0)
first = responses.invoke("seven eight")
assert "seven eight" in first.text, first
second = responses.invoke("nine ten", previous_response_id=first.response_metadata["id"])
assert "nine ten" in second.text, second
print("ok")
