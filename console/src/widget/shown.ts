// What of a conversation the visitor sees, and what a screen reader is told.
import { signal } from "@preact/signals";
import type { Draft, Session, Turn } from "../api/contract";

const HUMAN = "DRAFT_ORIGIN_HUMAN";
const CUT = "FINISH_REASON_CANCELLED";
const MOST_SAID = 12;
const LONGEST_SAID = 2_000;

/** Lines for screen readers, the latest last. */
export const said = signal<{ id: number; text: string }[]>([]);
let lines = 0;

/** Tells a screen reader something, when it has finished what it is at. */
export function announce(text: string): void {
  lines += 1;
  said.value = [...said.value, { id: lines, text: text.slice(0, LONGEST_SAID) }].slice(-MOST_SAID);
}

/** Whether a person wrote it. */
export function byPerson(draft: Draft): boolean {
  return draft.origin === HUMAN;
}

/** Whether a person answers in the session. */
export function held(session: Session): boolean {
  return session.mode === "SESSION_MODE_HUMAN" || session.mode === "SESSION_MODE_SHADOW";
}

/** Whether it takes messages. */
export function isOpen(session: Session): boolean {
  return session.status === "SESSION_STATUS_OPEN";
}

/** The name of who answers, as people call them; empty where it is a key's. */
export function holder(session: Session): string {
  const name = session.heldBy ?? "";
  return /^(key_|jwt:)/.test(name) ? "" : name;
}

/**
 * The replies to a turn, as the visitor has them: of the assistant's the accepted one, else the latest that was written
 * to its end, and what people have written after it.
 */
export function replies(turn: Turn): Draft[] {
  const drafts = (turn.drafts ?? []).filter((draft) => !draft.shadow && draft.text);
  const people = drafts.filter(byPerson);
  const own = drafts.filter((draft) => !byPerson(draft));
  const whole = own.filter((draft) => draft.finishReason !== CUT);
  const best = own.find((draft) => draft.accepted) ?? whole.at(-1) ?? (people.length ? undefined : own.at(-1));
  return best ? [best, ...people] : people;
}

/** Whether a reply was stopped in the middle. */
export function cut(draft: Draft): boolean {
  return draft.finishReason === CUT;
}

/** What people have written. */
export function personsWords(turns: Turn[]): Draft[] {
  return turns.flatMap((turn) => replies(turn).filter(byPerson));
}
