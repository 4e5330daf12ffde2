// What the inbox shows: the open conversations with their last turn, the replies in work, and the turns of the one shown.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/connect";
import type { Draft, Progress, Session, Turn } from "../api/contract";
import { watch } from "../api/watch";

const SESSIONS = 100;
const TURNS = 100;

/** The open sessions, those that wait for a person first, then the latest; null before they were read. */
export const sessions = signal<Session[] | null>(null);
/** By session the reply that is being written. */
export const growing = signal<Record<string, Progress>>({});
/** What reading or watching was refused with. */
export const failure = signal<unknown>(null);

/** Keeps the sessions as they are while the page is open. */
export function useInbox(): void {
  useEffect(() => {
    const left = new AbortController();
    let told = new Set<string>();
    const begun = async (): Promise<void> => {
      told = new Set();
      const since = told;
      try {
        const read = await readSessions(left.signal);
        const newer = (sessions.value ?? []).filter((session) => since.has(session.id));
        show([...newer, ...read.filter((session) => !since.has(session.id))]);
        failure.value = null;
      } catch (error) {
        if (!left.signal.aborted) failure.value = error;
      }
    };
    const change = (session: Session): void => {
      told.add(session.id);
      const { [session.id]: _, ...others } = growing.value;
      growing.value = others;
      const open = session.status === "SESSION_STATUS_OPEN" ? [session] : [];
      show([...open, ...(sessions.value ?? []).filter((each) => each.id !== session.id)]);
    };
    const progress = (grown: Progress): void => {
      growing.value = { ...growing.value, [grown.sessionId]: grown };
    };
    const failed = (error: unknown): void => {
      failure.value = error;
    };
    void watch("", { begun: () => void begun(), session: change, progress, failed }, left.signal);
    return () => {
      left.abort();
      sessions.value = null;
      growing.value = {};
      failure.value = null;
    };
  }, []);
}

async function readSessions(signal: AbortSignal): Promise<Session[]> {
  const request = { status: "SESSION_STATUS_OPEN", pageSize: SESSIONS, withLastTurn: true };
  return (await call<{ sessions?: Session[] }>("ConversationService/ListSessions", request, { signal })).sessions ?? [];
}

function show(all: Session[]): void {
  const later = (a: Session, b: Session): number => (b.updateTime ?? "").localeCompare(a.updateTime ?? "");
  const sorted = all.sort((a, b) => Number(waits(b)) - Number(waits(a)) || later(a, b));
  sessions.value = sorted.slice(0, 2 * SESSIONS);
}

export interface Conversation {
  session: Session;
  turns: Turn[];
}

export interface Reading {
  value: Conversation | null;
  error: unknown;
  again: () => void;
}

/** One session and its latest turns, oldest first, read anew whenever something changes in it. */
export function useConversation(id: string): Reading {
  const [value, setValue] = useState<Conversation | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const stands = sessions.value?.find((session) => session.id === id);
  useEffect(() => {
    const left = new AbortController();
    readConversation(id, left.signal).then(
      (read) => {
        setValue(read);
        setError(null);
      },
      (refused) => {
        if (!left.signal.aborted) setError(refused);
      },
    );
    return () => left.abort();
  }, [id, round, stands]);
  return { value, error, again: () => setRound((before) => before + 1) };
}

async function readConversation(id: string, signal: AbortSignal): Promise<Conversation> {
  const request = { sessionId: id, pageSize: TURNS, latestFirst: true };
  const [{ session }, { turns }] = await Promise.all([
    call<{ session: Session }>("ConversationService/GetSession", { sessionId: id }, { signal }),
    call<{ turns?: Turn[] }>("ConversationService/ListTurns", request, { signal }),
  ]);
  return { session, turns: [...(turns ?? [])].reverse() };
}

/** Whether a person answers in the session. */
export function held(session: Session): boolean {
  return session.mode === "SESSION_MODE_HUMAN" || session.mode === "SESSION_MODE_SHADOW";
}

/** Whether somebody waits for a person in it. */
export function waits(session: Session): boolean {
  const last = session.lastTurn;
  if (held(session)) return last?.status === "TURN_STATUS_HELD";
  return session.handoffTime !== undefined || last?.drafts?.at(-1)?.handoff === true;
}

/** The bot's latest suggestion for a turn. */
export function suggestion(turn: Turn | undefined): Draft | null {
  return turn?.drafts?.filter((draft) => draft.shadow).at(-1) ?? null;
}

/** The end of a reply in work; marked where more stands before it. */
export function tail(grown: Progress): string {
  const end = grown.end ?? "";
  return (grown.length ?? 0) > [...end].length ? `…${end}` : end;
}
