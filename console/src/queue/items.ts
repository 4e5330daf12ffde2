// What is worth a look: replies that were rated low, or in which something is wrong by the service's own account.
import { call, stream } from "../api/connect";
import type { Draft, FeedbackRecord, Session, Turn } from "../api/contract";

export type Reason = "rating" | "unsupported" | "unmet" | "declined" | "failed";

/** A reply and why it is worth a look. */
export interface Item {
  turn: Turn;
  draft: Draft | null;
  reasons: Reason[];
  userId: string;
  /** What people said about it. */
  comments: string[];
}

const DAYS = 14;
const SESSIONS = 40;
const TURNS = 50;
const RECORDS = 5_000;
const LOW = 2;
const DAY_MS = 86_400_000;

interface Said {
  low: boolean;
  corrected: boolean;
  comments: string[];
}

/** What is wrong with a turn's last draft, as its own checks say. */
export function reasonsOf(turn: Turn, draft: Draft | null): Reason[] {
  const reasons: Reason[] = [];
  if (turn.status === "TURN_STATUS_FAILED") reasons.push("failed");
  if (draft?.citations?.some((citation) => !citation.supported)) reasons.push("unsupported");
  if (draft?.checks?.some((check) => !check.met)) reasons.push("unmet");
  if (draft?.handoff) reasons.push("declined");
  return reasons;
}

/** What was said of turns lately, by turn. */
async function feedback(signal: AbortSignal): Promise<Map<string, Said>> {
  const said = new Map<string, Said>();
  const startTime = new Date(Date.now() - DAYS * DAY_MS).toISOString();
  let count = 0;
  for await (const { record } of stream<{ record: FeedbackRecord }>("FeedbackService/ExportFeedback", [{ startTime }], { signal })) {
    count += 1;
    if (count > RECORDS) break;
    if (!record.turnId) continue;
    const before = said.get(record.turnId) ?? { low: false, corrected: false, comments: [] };
    const { rating, comment, editedText } = record.feedback ?? {};
    before.low ||= rating !== undefined && rating <= LOW;
    before.corrected ||= editedText !== undefined;
    if (comment) before.comments.push(comment);
    said.set(record.turnId, before);
  }
  return said;
}

async function turnsOf(session: Session, signal: AbortSignal): Promise<Turn[]> {
  const request = { sessionId: session.id, pageSize: TURNS, latestFirst: true };
  return (await call<{ turns?: Turn[] }>("ConversationService/ListTurns", request, { signal })).turns ?? [];
}

/** The items of the latest sessions that nobody has corrected yet, those with the most against them first. Throws CallError. */
export async function readItems(signal: AbortSignal): Promise<Item[]> {
  const said = await feedback(signal);
  const page = await call<{ sessions?: Session[] }>("ConversationService/ListSessions", { pageSize: SESSIONS }, { signal });
  const items: Item[] = [];
  for (const session of page.sessions ?? []) {
    for (const turn of await turnsOf(session, signal)) {
      const about = said.get(turn.id);
      const draft = turn.drafts?.at(-1) ?? null;
      if (turn.excluded || about?.corrected || draft?.origin === "DRAFT_ORIGIN_HUMAN") continue;
      const reasons: Reason[] = [...(about?.low ? (["rating"] as const) : []), ...reasonsOf(turn, draft)];
      if (reasons.length) items.push({ turn, draft, reasons, userId: session.userId, comments: about?.comments ?? [] });
    }
  }
  return items.sort((a, b) => b.reasons.length - a.reasons.length);
}
