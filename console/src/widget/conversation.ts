// The visitor's conversation: its session, its turns, the reply in work, and what becomes of all that meanwhile.
import { batch, computed, signal } from "@preact/signals";
import { CallError, call, requestId } from "../api/connect";
import type { Feedback, Session, Turn } from "../api/contract";
import { watch } from "../api/watch";
import { type Live, follow } from "../talk/live";
import { keep, kept } from "./kept";
import { type Word, say, troubleOf } from "./words";
import { announce, held, isOpen, personsWords, replies } from "./shown";

/** What went wrong, and how it may be tried again. */
export interface Trouble {
  word: Word;
  again?: () => void;
}

export const session = signal<Session | null>(null);
export const turns = signal<Turn[]>([]);
export const live = signal<Live | null>(null);
export const trouble = signal<Trouble | null>(null);
/** Whether a reply is in work, and of which turn: what changes seldom, while `live` changes with every word. */
export const busy = computed(() => live.value !== null);
export const working = computed(() => live.value?.turnId ?? "");
export const loading = signal(false);
export const opened = signal(false);
/** Messages of people that came while the dialog was closed. */
export const unread = signal(0);

const LATEST = 50;
const MOST_TURNS = 200; // what a long conversation leaves on the page
const LONGEST = 32_000; // what a server takes if its operator says nothing else
const QUIET_MS = 600_000; // an open dialog in which nothing happens for so long is not watched any more
const SPACE = { schemaName: "" };
let leaving = new AbortController();
let reading = new AbortController();
let watching = new AbortController();
let quiet = 0;

/** Gives new sessions this schema. */
export function track(schemaName: string): void {
  SPACE.schemaName = schemaName;
}

/** Goes on with the conversation of the page before, if there was one. */
export async function resume(): Promise<void> {
  const id = kept().session;
  if (!id || loading.value) return;
  const { signal: left } = leaving;
  loading.value = true;
  try {
    await readSession(id, left);
    await readLatest(id, left);
    trouble.value = null;
    look();
    void attach();
  } catch (error) {
    if (left.aborted) return;
    if (error instanceof CallError && error.code === "not_found") forget();
    else trouble.value = { word: troubleOf(error), again: () => void resume() };
  } finally {
    loading.value = false;
  }
}

/** Leaves the conversation, but not the message that is on its way. */
function startOver(): void {
  const message = live.value;
  forget();
  live.value = message;
}

/** Leaves the conversation for good, as far as this tab goes. */
export function forget(): void {
  for (const each of [leaving, reading, watching]) each.abort();
  leaving = new AbortController();
  keep({ session: "", person: false });
  batch(() => {
    session.value = null;
    turns.value = [];
    live.value = null;
    trouble.value = null;
    unread.value = 0;
  });
}

/** Says that there is no connection, or goes on where there is one again. */
export function connected(now: boolean): void {
  if (!now) trouble.value = { word: "error.offline" };
  else if (trouble.value?.word === "error.offline") trouble.value = null;
  if (now) void resume();
}

/** Whether a person answers, or was asked for. */
function withPerson(now: Session | null): boolean {
  return now !== null && isOpen(now) && (held(now) || now.handoffTime !== undefined);
}

/** Watches the session while somebody may look or a person may write, and lets go of it otherwise. */
export function look(): void {
  window.clearTimeout(quiet);
  const now = session.value;
  const person = withPerson(now);
  keep({ person });
  const wanted = now !== null && isOpen(now) && (person || opened.value);
  if (!wanted) watching.abort();
  else if (!person) quiet = window.setTimeout(() => watching.abort(), QUIET_MS);
  if (!wanted || !(watching.signal.aborted || watched !== now.id)) return;
  watching.abort();
  watching = new AbortController();
  watched = now.id;
  const left = AbortSignal.any([leaving.signal, watching.signal]);
  let failures = 0;
  const told = (): void => {
    failures = 0;
    void catchUp();
  };
  const failed = (error: unknown): void => {
    const code = error instanceof CallError ? error.code : "";
    failures += 1;
    if (code === "resource_exhausted") void catchUp(); // too many watch: what is tried again and again is a look now and then
    else if (code === "offline" && failures > 1) trouble.value = { word: "error.offline" };
    else if (code === "unauthenticated" || code === "permission_denied") {
      watching.abort();
      trouble.value = { word: "error.refused", again: () => void resume() };
    }
  };
  void watch(now.id, { begun: told, session: told, failed }, left);
}
let watched = "";

/** Shows what has happened meanwhile; what is being read here says itself what becomes of it. */
async function catchUp(): Promise<void> {
  const id = session.value?.id;
  const { signal: left } = leaving;
  if (!id) return;
  try {
    const before = session.value;
    const now = await readSession(id, left);
    if (before && held(before) && !held(now) && isOpen(now)) announce(say("returned"));
    await readLatest(id, left);
    if (trouble.value?.word === "error.offline") trouble.value = null;
    look();
    void attach();
  } catch (error) {
    if (!left.aborted && !live.value) trouble.value = { word: troubleOf(error), again: () => void catchUp() };
  }
}

async function readSession(id: string, left: AbortSignal): Promise<Session> {
  const answer = await call<{ session: Session }>("ConversationService/GetSession", { sessionId: id }, { signal: left });
  if (!left.aborted) session.value = answer.session;
  return answer.session;
}

/** Reads the latest turns; while a message is on its way none that is new, since that may be its own. */
async function readLatest(id: string, left: AbortSignal): Promise<void> {
  const request = { sessionId: id, pageSize: LATEST, latestFirst: true };
  const page = await call<{ turns?: Turn[] }>("ConversationService/ListTurns", request, { signal: left });
  if (left.aborted) return;
  const known = new Set(turns.value.map((turn) => turn.id));
  const latest = (page.turns ?? []).filter((turn) => !turn.excluded && (!live.value || known.has(turn.id)));
  put(latest);
}

/** Puts turns in their places, and tells of what people have written. */
function put(latest: Turn[]): void {
  const before = turns.value;
  const read = new Set(latest.map((turn) => turn.id));
  const all = [...before.filter((turn) => !read.has(turn.id)), ...latest].sort((a, b) => a.number - b.number);
  const told = new Set(personsWords(before).map((draft) => draft.id));
  const news = before.length ? personsWords(all).filter((draft) => !told.has(draft.id)) : [];
  for (const draft of news) announce(`${say("person")}: ${draft.text}`);
  batch(() => {
    turns.value = all.slice(-MOST_TURNS);
    if (!opened.value) unread.value += news.length;
  });
}

/** Goes on reading where the bot is at work on a turn and nobody reads it yet. */
async function attach(): Promise<void> {
  const open = turns.value.find((turn) => ["TURN_STATUS_WAITING", "TURN_STATUS_ACTIVE"].includes(turn.status));
  if (!open || live.value) return;
  try {
    await read("AttachTurn", { turnId: open.id }, begun("", open.id));
  } catch (error) {
    trouble.value = { word: troubleOf(error), again: () => void catchUp() };
  }
}

function begun(message: string, turnId = ""): Live {
  return { turnId, message, phase: "sent", text: "" };
}

/** Reads a stream into `live`, then the turn as it was stored. Throws CallError where it was refused. */
async function read(method: string, request: object, start: Live): Promise<void> {
  reading.abort();
  reading = new AbortController();
  const here = reading;
  const left = AbortSignal.any([leaving.signal, here.signal]);
  batch(() => {
    trouble.value = null;
    live.value = start;
  });
  let turnId = start.turnId;
  let waitsForPerson = false;
  const show = (now: Live): void => {
    turnId = now.turnId;
    if (left.aborted) return;
    live.value = now;
    waitsForPerson = now.held ?? false;
    if (waitsForPerson) here.abort(); // the watch tells when they have written
  };
  try {
    await follow(method, request, start, show, left);
  } catch (error) {
    if (leaving.signal.aborted || (left.aborted && !waitsForPerson)) return;
    if (!waitsForPerson) {
      live.value = null;
      if (turnId) await readAround(turnId).catch(() => undefined);
      throw error;
    }
  }
  await readAround(turnId);
  if (waitsForPerson) announce(say("held.waits"));
}

/** Reads a turn that has ended, or waits for a person, and what its end may have changed. */
async function readAround(turnId: string): Promise<void> {
  const { signal: left } = leaving;
  try {
    const { turn } = await call<{ turn: Turn }>("ConversationService/GetTurn", { turnId }, { signal: left });
    if (left.aborted) return;
    batch(() => {
      live.value = null;
      put([turn]);
    });
    await catchUp();
  } finally {
    if (!left.aborted && live.value?.turnId === turnId) live.value = null;
  }
}

/** The session that takes messages, made where there is none. */
async function begin(): Promise<string> {
  const now = session.value;
  if (now && isOpen(now)) return now.id;
  if (now) startOver();
  const request = { ...SPACE, requestId: requestId() };
  const made = await call<{ session: Session }>("ConversationService/CreateSession", request, { signal: leaving.signal });
  session.value = made.session;
  keep({ session: made.session.id });
  look();
  return made.session.id;
}

/** Sends a message; false where it was refused, and may be sent again. */
export async function send(text: string): Promise<boolean> {
  trouble.value = text.length > LONGEST ? { word: "error.long" } : null;
  if (trouble.value) return false;
  const start = begun(text);
  live.value = start;
  try {
    for (let again = false; ; again = true) {
      const sessionId = await begin();
      try {
        await read("SendTurn", { sessionId, text, requestId: requestId() }, start);
        return true;
      } catch (error) {
        const gone = error instanceof CallError && (error.reason === "SESSION_ENDED" || error.code === "not_found");
        if (again || !gone) throw error;
        live.value = start;
        startOver();
      }
    }
  } catch (error) {
    trouble.value = { word: troubleOf(error) };
    if (live.value === start) live.value = null;
    return false;
  }
}

/** Has the last reply written anew by what was said of it; it appears in its place. */
export async function revise(turn: Turn, comment: string): Promise<boolean> {
  const feedback: Feedback = { rating: 1, comment };
  const expectedRound = turn.position?.round ?? 0;
  try {
    await read("ReviseTurn", { turnId: turn.id, expectedRound, requestId: requestId(), feedback }, begun("", turn.id));
    return true;
  } catch (error) {
    trouble.value = { word: troubleOf(error) };
    return false;
  }
}

/** Keeps what was said of a reply, to be learned from; false where it was refused. */
export async function judge(turn: Turn, round: number, feedback: Feedback): Promise<boolean> {
  trouble.value = null;
  try {
    await call("FeedbackService/SubmitFeedback", { turnId: turn.id, round, feedback, requestId: requestId() });
    announce(say("thanks"));
    return true;
  } catch (error) {
    trouble.value = { word: troubleOf(error) };
    return false;
  }
}

/** Takes a reply for the one that counts, where it still can be, and says that it was good. */
export async function approve(turn: Turn, round: number): Promise<boolean> {
  const given = await judge(turn, round, { rating: 5 });
  const last = turns.value.at(-1)?.id === turn.id;
  if (!given || !last || turn.acceptedRound !== undefined) return given;
  try {
    const request = { turnId: turn.id, round, requestId: requestId() };
    put([(await call<{ turn: Turn }>("ConversationService/AcceptDraft", request)).turn]);
  } catch {
    // somebody was faster; the rating is kept
  }
  return given;
}

/** Tries a failed turn again. */
export async function retry(turn: Turn): Promise<void> {
  try {
    await read("RetryTurn", { turnId: turn.id, requestId: requestId() }, begun("", turn.id));
  } catch (error) {
    trouble.value = { word: troubleOf(error), again: () => void retry(turn) };
  }
}

/** Stops the reply in work; its text so far stays. */
export async function stop(): Promise<void> {
  const turnId = live.value?.turnId;
  if (!turnId) return;
  try {
    await call("ConversationService/CancelTurn", { turnId, requestId: requestId() });
  } catch (error) {
    trouble.value = { word: troubleOf(error) };
  }
}

/** Asks for a person. */
export async function askForPerson(): Promise<void> {
  trouble.value = null;
  try {
    const sessionId = await begin();
    const request = { sessionId, requestId: requestId() };
    session.value = (await call<{ session: Session }>("ConversationService/Handoff", request)).session;
    announce(say(turns.value.length ? "human.asked" : "human.first"));
    look();
  } catch (error) {
    trouble.value = { word: troubleOf(error), again: () => void askForPerson() };
  }
}

/** Whether a turn's reply can still be written anew. */
export function revisable(turn: Turn): boolean {
  const last = turns.value.at(-1);
  const own = replies(turn).at(-1);
  return last?.id === turn.id && turn.acceptedRound === undefined && own?.origin === "DRAFT_ORIGIN_MODEL" && !busy.value;
}
