// The conversation that is open: its session, its turns, the reply in work, and everything one can do to them.
import { batch, computed, signal } from "@preact/signals";
import { call, requestId } from "../api/connect";
import type { Draft, Feedback, Schema, Session, StateSnapshot, Turn } from "../api/contract";
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

const OPEN = new Set(["TURN_STATUS_WAITING", "TURN_STATUS_ACTIVE"]);
const PAGE = 200;
let following = new AbortController();

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
    const answer = await call<{ session: Session }>("ConversationService/GetSession", { sessionId: id }, { signal: left });
    session.value = answer.session;
    await Promise.all([readTurns(id, left), readState(id, left), readSchema(answer.session, left)]);
    const turn = lastTurn.value;
    if (turn && OPEN.has(turn.status)) await read("AttachTurn", { turnId: turn.id }, { ...begun(""), turnId: turn.id });
  } catch (error) {
    if (!left.aborted) failure.value = error;
  }
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
  turns.value = all.filter((turn) => !turn.excluded);
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
  const { signal: left } = following;
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
    await refresh(end.turnId, left);
    const id = session.value?.id;
    if (id) await readState(id, left);
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

/** Reads one turn again and puts it in its place. */
export async function refresh(turnId: string, left?: AbortSignal): Promise<void> {
  const manner = left ? { signal: left } : {};
  const { turn } = await call<{ turn: Turn }>("ConversationService/GetTurn", { turnId }, manner);
  const rest = turns.value.filter((each) => each.id !== turn.id);
  turns.value = [...rest, turn].sort((a, b) => a.number - b.number);
}

/** Sends a message; false where it was refused, and may be sent again. */
export async function send(text: string): Promise<boolean> {
  const id = session.value?.id;
  if (!id) return false;
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
  await call("ConversationService/PostReply", { turnId: turn.id, text, author: "console", requestId: requestId() });
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
