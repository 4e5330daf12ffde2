// What the inbox reads, again and again: the open conversations with their last turn, and the turns of the one shown.
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/connect";
import type { Draft, Session, Turn } from "../api/contract";

const PAUSE_MS = 1_500;
const SESSIONS = 100;
const TURNS = 100;

export interface Reading<Value> {
  value: Value | null;
  error: unknown;
  again: () => void;
}

/** What `read` answers, read anew every 1.5 s while the page is seen; null before the first answer. */
function useReading<Value>(read: (signal: AbortSignal) => Promise<Value>, key: string): Reading<Value> {
  const [value, setValue] = useState<Value | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => setValue(null), [key]);
  useEffect(() => {
    const left = new AbortController();
    let timer = 0;
    const look = async (): Promise<void> => {
      try {
        if (!document.hidden) setValue(await read(left.signal));
        setError(null);
      } catch (refused) {
        if (!left.signal.aborted) setError(refused);
      }
      if (!left.signal.aborted) timer = window.setTimeout(look, PAUSE_MS);
    };
    void look();
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [key, round]);
  return { value, error, again: () => setRound((before) => before + 1) };
}

/** The open sessions, those that wait for a person first. */
export function useSessions(): Reading<Session[]> {
  return useReading(async (signal) => {
    const request = { status: "SESSION_STATUS_OPEN", pageSize: SESSIONS, withLastTurn: true };
    const page = await call<{ sessions?: Session[] }>("ConversationService/ListSessions", request, { signal });
    return (page.sessions ?? []).sort((a, b) => Number(waits(b)) - Number(waits(a)));
  }, "sessions");
}

export interface Conversation {
  session: Session;
  turns: Turn[];
}

/** One session and its latest turns, oldest first. */
export function useConversation(id: string): Reading<Conversation> {
  return useReading(async (signal) => {
    const request = { sessionId: id, pageSize: TURNS, latestFirst: true };
    const [{ session }, { turns }] = await Promise.all([
      call<{ session: Session }>("ConversationService/GetSession", { sessionId: id }, { signal }),
      call<{ turns?: Turn[] }>("ConversationService/ListTurns", request, { signal }),
    ]);
    return { session, turns: [...(turns ?? [])].reverse() };
  }, id);
}

/** Whether a person answers in the session. */
export function held(session: Session): boolean {
  return session.mode === "SESSION_MODE_HUMAN" || session.mode === "SESSION_MODE_SHADOW";
}

/** Whether somebody waits for a person in it. */
export function waits(session: Session): boolean {
  const last = session.lastTurn;
  return last?.status === "TURN_STATUS_HELD" || session.handoffTime !== undefined || last?.drafts?.at(-1)?.handoff === true;
}

/** The bot's latest suggestion for a turn. */
export function suggestion(turn: Turn | undefined): Draft | null {
  return turn?.drafts?.filter((draft) => draft.shadow).at(-1) ?? null;
}
