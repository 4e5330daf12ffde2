// Calls of the contract by the Connect protocol: JSON bodies for one answer, envelopes for streams (docs/http.md).

/** What is wrong with one field of a request. */
export interface Violation {
  field: string;
  description: string;
}

interface WireError {
  code?: string;
  message?: string;
  details?: { debug?: { reason?: string; fieldViolations?: Violation[] } }[];
}

/** A refused or broken call. `code` is the gRPC status in lower case, or "offline" where no answer came. */
export class CallError extends Error {
  readonly reason: string;
  readonly fields: Violation[];

  constructor(
    readonly code: string,
    message: string,
    details: WireError["details"] = [],
  ) {
    super(message);
    this.reason = details.map((detail) => detail.debug?.reason ?? "").find(Boolean) ?? "";
    this.fields = details.flatMap((detail) => detail.debug?.fieldViolations ?? []);
  }
}

/** How a call is made, beyond its request. */
export interface Manner {
  signal?: AbortSignal;
  /** Another key than the one that was signed in with. */
  key?: string;
}

/** Where calls go, and by whose right. */
export interface Door {
  /** The server's origin; empty: the page's own. */
  server: string;
  /** The key or token to call with. Throws CallError where there is none. */
  key: () => string | Promise<string>;
  /** Is told of a key that was refused; true where there is another one by now, and the call is worth repeating. */
  refused: (key: string) => boolean | Promise<boolean>;
}

let door: Door = { server: "", key: () => "", refused: () => false };

/** Makes all calls from here on go through this door. */
export function goThrough(next: Door): void {
  door = next;
}

const LAST = 2;
const HEADER = 5;

async function post(path: string, body: BodyInit, type: string, key: string, manner: Manner): Promise<Response> {
  try {
    return await fetch(`${door.server}/antiphon.v1.${path}`, {
      method: "POST",
      body,
      signal: manner.signal ?? null,
      headers: { "Content-Type": type, Authorization: `Bearer ${key}` },
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    throw broken(error);
  }
}

/** The error of a connection that did not answer to its end; leaving on purpose stays what it is. */
function broken(error: unknown): unknown {
  const left = error instanceof DOMException && error.name === "AbortError";
  return left ? error : new CallError("offline", error instanceof Error ? error.message : String(error));
}

function refusal(error: WireError): CallError {
  return new CallError(error.code ?? "unknown", error.message ?? "", error.details);
}

async function refusalOf(response: Response): Promise<CallError> {
  let error: WireError & { error?: WireError } = {};
  try {
    error = await response.json();
  } catch {
    // a proxy's own page
  }
  const code = response.status === 401 ? "unauthenticated" : response.status >= 502 ? "unavailable" : "unknown";
  return refusal({ code, message: `HTTP ${response.status}`, ...(error.error ?? error) });
}

/** Whether a call that failed so is worth another try, with another key. */
async function renewed(error: unknown, key: string, manner: Manner): Promise<boolean> {
  if (!(error instanceof CallError) || error.code !== "unauthenticated" || manner.key !== undefined) return false;
  return door.refused(key);
}

/** One answer of `Service/Method`. Throws CallError. */
export async function call<Answer>(path: string, request: object, manner: Manner = {}): Promise<Answer> {
  for (let again = false; ; again = true) {
    const key = manner.key ?? (await door.key());
    try {
      return await answer<Answer>(path, request, key, manner);
    } catch (error) {
      if (!(await renewed(error, key, manner)) || again) throw error;
    }
  }
}

async function answer<Answer>(path: string, request: object, key: string, manner: Manner): Promise<Answer> {
  const response = await post(path, JSON.stringify(request), "application/json", key, manner);
  if (!response.ok) throw await refusalOf(response);
  try {
    return await response.json();
  } catch (error) {
    throw broken(error);
  }
}

function envelope(message: object): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const body = new Uint8Array(HEADER + json.length);
  new DataView(body.buffer).setUint32(1, json.length);
  body.set(json, HEADER);
  return body;
}

/**
 * The messages of a stream to its end. Throws CallError: "offline" where the connection broke off before the end,
 * "unavailable" where the key did in the middle and there is another one.
 */
export async function* stream<Message>(path: string, requests: object[], manner: Manner = {}): AsyncGenerator<Message> {
  let begun = false;
  for (let again = false; ; again = true) {
    const key = manner.key ?? (await door.key());
    try {
      for await (const message of messages<Message>(path, requests, key, manner)) {
        begun = true;
        yield message;
      }
      return;
    } catch (error) {
      if (!(await renewed(error, key, manner)) || again) throw error;
      if (begun) throw new CallError("unavailable", "the key has changed");
    }
  }
}

async function* messages<Message>(path: string, requests: object[], key: string, manner: Manner): AsyncGenerator<Message> {
  const body = new Blob(requests.map(envelope));
  const response = await post(path, body, "application/connect+json", key, manner);
  if (!response.ok || !response.body) throw await refusalOf(response);
  const reader = response.body.getReader();
  let rest = new Uint8Array();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new CallError("offline", "the stream broke off");
      const bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
      rest = bytes;
      while (rest.length >= HEADER) {
        const end = HEADER + new DataView(rest.buffer, rest.byteOffset).getUint32(1);
        if (rest.length < end) break;
        const message = JSON.parse(new TextDecoder().decode(rest.subarray(HEADER, end)));
        const last = ((rest[0] ?? 0) & LAST) !== 0;
        rest = rest.slice(end);
        if (last && message.error) throw refusal(message.error);
        if (last) return;
        yield message;
      }
    }
  } catch (error) {
    throw error instanceof CallError ? error : broken(error);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** A new request id, which makes a call repeatable. */
export function requestId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
