// OpenAI's own client for JavaScript holds a conversation; the environment has the service's URL and a key.
import assert from "node:assert/strict";
import OpenAI, { BadRequestError, NotFoundError } from "openai";

const client = new OpenAI({ maxRetries: 0 });
const model = "antiphon";
const say = (content) => ({ role: "user", content });

const models = [];
for await (const one of client.models.list()) models.push(one.id);
assert.equal(models[0], model);

const whole = await client.chat.completions.create({ model, messages: [say("one two three")] });
assert.match(whole.choices[0].message.content, /one two three/);
assert.ok(whole.usage.total_tokens > 0);

const chunks = [];
const stream = await client.chat.completions.create({
  model, messages: [say("four five six")], stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) chunks.push(chunk);
assert.equal(chunks[0].choices[0].delta.role, "assistant");
assert.match(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), /four five six/);
assert.ok(chunks.at(-1).usage.completion_tokens > 0);

const stopped = await client.chat.completions.create({ model, messages: [say("word ".repeat(200))], stream: true });
for await (const chunk of stopped) if (chunk.choices[0]?.delta.content) break; // the stop button

const first = await client.responses.create({ model, input: "seven eight" });
assert.match(first.output_text, /seven eight/);
const events = [];
const second = await client.responses.create({ model, input: "nine ten", previous_response_id: first.id, stream: true });
for await (const event of second) events.push(event);
assert.equal(events.at(-1).type, "response.completed");
assert.equal(events.at(-1).response.conversation.id, first.conversation.id);

const again = { headers: { "Idempotency-Key": `js-${process.pid}` } };
const once = await client.responses.create({ model, input: "once" }, again);
assert.equal((await client.responses.create({ model, input: "once" }, again)).id, once.id);

await assert.rejects(client.chat.completions.create({ model, messages: [say("x")], n: 2 }), (error) => {
  assert.ok(error instanceof BadRequestError);
  assert.equal(error.param, "n");
  return true;
});
await assert.rejects(client.responses.retrieve("resp_turn_none"), NotFoundError);
console.log("ok");
