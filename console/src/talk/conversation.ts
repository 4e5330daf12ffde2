// The conversation that is open: its session, its turns, the reply in work, and everything one can do to them.
import { batch, computed, signal } from "@preact/signals";
import { call, requestId } from "../api/connect";
import type { Draft, Feedback, Schema, Session, StateSnapshot, Turn } from "../api/contract";
import { watch } from "../api/watch";
import { agent } from "../signin";
import { type Live, follow } from "./live";

export const session = signal<Session | null>(null);
export const schema = signal<Schema | null>(null);
export const turns = signal<Turn[]>([]);
export const snapshot = signal<StateSnapshot | null>(null);
export const live = signal<Live | null>(null);
/** What opening, sending or revising was refused with. */
export const failure = signal<unknown>(null);
/** The draft whose why is shown; empty: the latest one. */
export const chosenDraft = signal("");
/** What became of the last action, for people and for screen readers. */
export const told = signal("");

const UNENDED = new Set(["TURN_STATUS_WAITING", "TURN_STATUS_ACTIVE", "TURN_STATUS_HELD"]);
const PAGE = 200;
const LATEST = 5;
let following = new AbortController();
let reading = new AbortController();

/** The last turn; what can still be revised. */
export const lastTurn = computed(() => turns.value.at(-1) ?? null);

/** The draft whose why is shown. */
export const shownDraft = computed<Draft | null>(() => {
  const drafts = turns.value.flatMap((turn) => turn.drafts ?? []);
  const ended = live.value?.draft;
  const chosen = drafts.find((draft) => draft.id === chosenDraft.value);
  return chosen ?? ended ?? [...drafts].reverse().find((draft) => draft.manifest) ?? drafts.at(-1) ?? null;
});

/** Leaves the conversation; what is in work goes on without a reader. */
export function leave(): void {
  following.abort();
  following = new AbortController();
  batch(() => {
    session.value = null;
    schema.value = null;
    turns.value = [];
    snapshot.value = null;
    live.value = null;
    failure.value = null;
    chosenDraft.value = "";
    told.value = "";
  });
}

/** Opens a session, and goes on reading where a reply is still in work. */
export async function open(id: string): Promise<void> {
  leave();
  const { signal: left } = following;
  try {
    const opened = await readSession(id, left);
    await Promise.all([readTurns(id, left), readState(id, left), readSchema(opened, left)]);
    void watch(id, { begun: () => void catchUp(id, left), session: () => void catchUp(id, left), failed: () => undefined }, left);
    await attach();
  } catch (error) {
    if (!left.aborted) failure.value = error;
  }
}

/** Goes on reading where the last turn has not ended and nobody reads it yet. */
async function attach(): Promise<void> {
  const turn = lastTurn.value;
  if (!turn || live.value || !UNENDED.has(turn.status)) return;
  await read("AttachTurn", { turnId: turn.id }, { ...begun(""), turnId: turn.id });
}

/** Shows what others have done in the session meanwhile; what is being read here says itself what becomes of it. */
async function catchUp(id: string, left: AbortSignal): Promise<void> {
  try {
    await readSession(id, left);
    if (live.value && !live.value.held) return;
    await readLatest(id, left);
    await attach();
  } catch (error) {
    if (!left.aborted && !live.value) failure.value = error;
  }
}

/** Reads the latest turns again; while a message is on its way none that is new, since that may be its own. */
async function readLatest(id: string, left: AbortSignal): Promise<void> {
  const request = { sessionId: id, pageSize: LATEST, latestFirst: true };
  const page = await call<{ turns?: Turn[] }>("ConversationService/ListTurns", request, { signal: left });
  const known = new Set(turns.value.map((turn) => turn.id));
  const latest = (page.turns ?? []).filter((turn) => !live.value || known.has(turn.id));
  const read = new Set(latest.map((turn) => turn.id));
  const rest = turns.value.filter((turn) => !read.has(turn.id));
  const counting = latest.filter((turn) => !turn.excluded).map(asTheUserHasIt);
  turns.value = [...rest, ...counting].sort((a, b) => a.number - b.number);
}

async function readTurns(id: string, left: AbortSignal): Promise<void> {
  const all: Turn[] = [];
  let pageToken = "";
  do {
    const request = { sessionId: id, pageSize: PAGE, pageToken };
    const page = await call<{ turns?: Turn[]; nextPageToken?: string }>("ConversationService/ListTurns", request, { signal: left });
    all.push(...(page.turns ?? []));
    pageToken = page.nextPageToken ?? "";
  } while (pageToken);
  turns.value = all.filter((turn) => !turn.excluded).map(asTheUserHasIt);
}

async function readSchema(of: Session, left: AbortSignal): Promise<void> {
  if (!of.schemaName) return;
  const request = { name: of.schemaName, revision: of.schemaRevision ?? "0" };
  schema.value = (await call<{ schema: Schema }>("StateService/GetSchema", request, { signal: left })).schema;
}

/** Reads the dialogue's state again; a turn that is not tracked yet leaves what is shown. */
export async function readState(id: string, left?: AbortSignal): Promise<void> {
  try {
    const manner = left ? { signal: left } : {};
    snapshot.value = (await call<{ snapshot: StateSnapshot }>("StateService/GetState", { sessionId: id }, manner)).snapshot;
  } catch (error) {
    if ((error as { reason?: string }).reason !== "STATE_PENDING") throw error;
  }
}

function begun(message: string): Live {
  return { turnId: "", message, phase: "sent", text: "" };
}

/** Reads a stream into `live`, then the turn as it was stored. */
async function read(method: string, request: object, start: Live): Promise<boolean> {
  reading.abort();
  reading = new AbortController();
  const left = AbortSignal.any([following.signal, reading.signal]);
  batch(() => {
    failure.value = null;
    told.value = "";
    chosenDraft.value = "";
    live.value = start;
  });
  const show = (now: Live): void => {
    live.value = now;
    if (now.state) snapshot.value = now.state;
  };
  try {
    const end = await follow(method, request, start, show, left);
    const ended = await readTurn(end.turnId, left);
    batch(() => {
      put(ended);
      live.value = null;
    });
    await readAround(left);
    return true;
  } catch (error) {
    if (left.aborted) return false;
    failure.value = error;
    if (live.value?.turnId) await refresh(live.value.turnId, left).catch(() => undefined);
    return false;
  } finally {
    if (!left.aborted) live.value = null;
  }
}

/** Reads again what the end of a turn may have changed: earlier turns that waited for it, who answers, the state. */
async function readAround(left: AbortSignal): Promise<void> {
  const id = session.value?.id;
  if (!id) return;
  const waiting = turns.value.filter((turn) => UNENDED.has(turn.status));
  await Promise.all([...waiting.map((turn) => refresh(turn.id, left)), readSession(id, left), readState(id, left)]);
}

async function readSession(id: string, left: AbortSignal): Promise<Session> {
  const answer = await call<{ session: Session }>("ConversationService/GetSession", { sessionId: id }, { signal: left });
  session.value = answer.session;
  return answer.session;
}

/** Reads one turn again and puts it in its place. */
export async function refresh(turnId: string, left?: AbortSignal): Promise<void> {
  put(await readTurn(turnId, left));
}

async function readTurn(turnId: string, left?: AbortSignal): Promise<Turn> {
  const manner = left ? { signal: left } : {};
  return (await call<{ turn: Turn }>("ConversationService/GetTurn", { turnId }, manner)).turn;
}

function put(turn: Turn): void {
  const rest = turns.value.filter((each) => each.id !== turn.id);
  turns.value = [...rest, asTheUserHasIt(turn)].sort((a, b) => a.number - b.number);
}

/** A turn without the drafts that are an agent's alone. */
function asTheUserHasIt(turn: Turn): Turn {
  return { ...turn, drafts: (turn.drafts ?? []).filter((draft) => !draft.shadow) };
}

/** Sends a message; false where it was refused, and may be sent again. What waits for a person waits on. */
export async function send(text: string): Promise<boolean> {
  const id = session.value?.id;
  if (!id) return false;
  if (live.value?.held) await refresh(live.value.turnId).catch(() => undefined);
  const before = lastTurn.value;
  const sent = await read("SendTurn", { sessionId: id, text, requestId: requestId() }, begun(text));
  if (before && sent) await refresh(before.id).catch(() => undefined); // sending accepts the draft before
  return sent;
}

/** Asks for another draft that obeys the feedback, or is drawn again without any. */
export async function revise(turn: Turn, feedback: Feedback | null): Promise<boolean> {
  const basis = feedback ? { feedback } : { resample: {} };
  const expectedRound = turn.position?.round ?? 0;
  return read("ReviseTurn", { turnId: turn.id, expectedRound, requestId: requestId(), ...basis }, { ...begun(""), turnId: turn.id });
}

/** Tries a failed turn again. */
export async function retry(turn: Turn): Promise<boolean> {
  return read("RetryTurn", { turnId: turn.id, requestId: requestId() }, { ...begun(""), turnId: turn.id });
}

/** Stops the reply in work; its text so far stays. */
export async function stop(): Promise<void> {
  const turnId = live.value?.turnId;
  if (!turnId) return;
  try {
    await call("ConversationService/CancelTurn", { turnId, requestId: requestId() });
  } catch (error) {
    failure.value = error;
  }
}

/** Accepts a draft. Throws CallError. */
export async function accept(turn: Turn, round: number): Promise<void> {
  await call("ConversationService/AcceptDraft", { turnId: turn.id, round, requestId: requestId() });
  await refresh(turn.id);
}

/** Keeps a rating or a corrected text of a draft, to be learned from. Throws CallError. */
export async function submit(turn: Turn, round: number, feedback: Feedback): Promise<void> {
  await call("FeedbackService/SubmitFeedback", { turnId: turn.id, round, feedback, requestId: requestId() });
}

/** Answers with a person's own text. Throws CallError. */
export async function postReply(turn: Turn, text: string): Promise<void> {
  await call("ConversationService/PostReply", { turnId: turn.id, text, author: agent.value, requestId: requestId() });
  await refresh(turn.id);
}

/** Corrects slots of the state as it is shown. Throws CallError: ABORTED where it has moved on. */
export async function correctState(corrections: { service: string; slot: string; value?: string }[]): Promise<void> {
  const id = session.value?.id ?? "";
  const expectedRevision = snapshot.value?.revision ?? "0";
  const request = { sessionId: id, expectedRevision, corrections, requestId: requestId() };
  try {
    snapshot.value = (await call<{ snapshot: StateSnapshot }>("StateService/CorrectState", request)).snapshot;
  } catch (error) {
    if ((error as { code?: string }).code === "aborted") await readState(id);
    throw error;
  }
}
