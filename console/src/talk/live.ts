// A reply while it is written: the events of its stream, added up.
import { CallError, stream } from "../api/connect";
import type { Draft, Evidence, Position, State, TurnEvent, Understood } from "../api/contract";
import { slice } from "../codepoints";

/** What is known of a round that is being written. */
export interface Live {
  turnId: string;
  /** The message it answers; empty where it is a revision. */
  message: string;
  phase: "sent" | "waiting" | "understood" | "grounded" | "writing" | "ended";
  text: string;
  position?: Position;
  place?: number;
  generatorUp?: boolean;
  understood?: Understood;
  state?: { state?: State; revision?: string };
  evidence?: Evidence;
  draft?: Draft;
  reconnecting?: boolean;
  /** Whether a person answers, and not the bot. */
  held?: boolean;
}

const HELD = "TURN_STATUS_HELD";

/** The reply after one more event. */
export function apply(live: Live, event: TurnEvent): Live {
  const next: Live = { ...live, turnId: event.turnId || live.turnId, reconnecting: false };
  if (event.position) next.position = event.position;
  if (event.accepted) Object.assign(next, { generatorUp: event.accepted.generatorUp ?? false, held: event.accepted.status === HELD });
  if (event.queued) Object.assign(next, { phase: "waiting", place: event.queued.place ?? 0 });
  if (event.understood) Object.assign(next, { phase: "understood", understood: event.understood });
  if (event.state) next.state = event.state;
  if (event.grounding) Object.assign(next, { phase: "grounded", evidence: event.grounding.evidence });
  if (event.delta) Object.assign(next, { phase: "writing", text: live.text + event.delta.text, held: false });
  if (event.restarted) next.text = slice(live.text, 0, event.position?.offset ?? 0);
  if (event.restarted?.reason === "TAKEN_OVER") next.held = true;
  if (event.completed) Object.assign(next, { phase: "ended", draft: event.completed.draft, text: event.completed.draft.text ?? "" });
  if (event.cancelled || event.failed) next.phase = "ended";
  return next;
}

const PATIENCE = 8;
const FIRST_MS = 300;
const LONGEST_MS = 5_000;
const COMES_BACK = new Set(["offline", "unavailable"]);

/**
 * Follows a turn's stream to its end, whatever breaks on the way: a broken stream goes on by AttachTurn where it
 * stopped. `begin` is repeatable by its request id. Throws CallError where the call is refused or nothing answers any more.
 */
export async function follow(method: string, begin: object, start: Live, show: (live: Live) => void, signal: AbortSignal): Promise<Live> {
  let live = start;
  for (let failures = 0; ; ) {
    const attach = live.position !== undefined;
    const path = `ConversationService/${attach ? "AttachTurn" : method}`;
    const request = attach ? { turnId: live.turnId, position: live.position } : begin;
    try {
      for await (const message of stream<{ event: TurnEvent }>(path, [request], { signal })) {
        failures = 0;
        live = apply(live, message.event);
        show(live);
      }
      return live;
    } catch (error) {
      failures += 1;
      if (!(error instanceof CallError) || !COMES_BACK.has(error.code) || failures > PATIENCE) throw error;
      live = { ...live, reconnecting: true };
      show(live);
      await pause(Math.min(FIRST_MS * 2 ** failures, LONGEST_MS), signal);
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left", "AbortError"));
    });
  });
}
