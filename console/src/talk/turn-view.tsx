// One turn: what the user said, the drafts that answer it, and what can be done about them.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Draft, Turn } from "../api/contract";
import { short, t, word } from "../text";
import { DraftCard } from "./draft-card";
import { live, retry } from "./conversation";
import { Revise } from "./revise";

/** A turn; `last`: nothing has been said after it, so it can be revised. */
export function TurnView(props: { turn: Turn; last: boolean; showWhy: () => void }): JSX.Element {
  const { turn, last } = props;
  const drafts = turn.drafts ?? [];
  const [all, setAll] = useState(false);
  const busy = live.value !== null;
  const answer = drafts.find((draft) => (draft.round ?? 0) === turn.acceptedRound) ?? drafts.at(-1);
  const side = last || all;
  const shown = side ? drafts : answer ? [answer] : [];
  const failed = turn.status === "TURN_STATUS_FAILED";
  const held = turn.status === "TURN_STATUS_HELD";
  const together = turn.cancelReason === "CANCEL_REASON_TAKEN_OVER";
  return (
    <section class="turn" aria-label={t("turn", { n: turn.number })}>
      <p class="message user" dir="auto">
        {turn.text}
      </p>
      <div class={shown.length > 1 ? "drafts side" : "drafts"} tabIndex={shown.length > 1 ? 0 : undefined} role={shown.length > 1 ? "group" : undefined} aria-label={shown.length > 1 ? t("drafts") : undefined}>
        {shown.map((draft) => (
          <DraftCard
            key={draft.id}
            turn={turn}
            draft={draft}
            before={side ? previous(drafts, draft) : null}
            latest={draft === drafts.at(-1)}
            open={last && turn.acceptedRound === undefined && !busy && !held}
            last={last}
            showWhy={props.showWhy}
          />
        ))}
      </div>
      {!last && drafts.length > 1 && (
        <button type="button" class="small quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t("drafts.hide") : t("drafts.show", { n: drafts.length })}
        </button>
      )}
      {failed && (
        <div class="note bad" role="alert">
          <span>
            {t("turn.failed")} {word("reason", turn.error?.reason ?? "")} {turn.error?.message}
          </span>
          {last && !busy && (
            <button type="button" class="small" onClick={() => void retry(turn)}>
              {t("again")}
            </button>
          )}
        </div>
      )}
      {turn.status === "TURN_STATUS_CANCELLED" && <p class="muted">{t(together ? "turn.together" : "turn.cancelled")}</p>}
      {held && live.value?.turnId !== turn.id && <p class="muted">{word("turnStatus", "HELD")}</p>}
      {turn.ready && (
        <p class="note good">
          {t("turn.ready", { intent: turn.ready.intent })}{" "}
          {Object.entries(turn.ready.values ?? {})
            .map(([slot, value]) => `${slot}: ${value}`)
            .join(", ")}
        </p>
      )}
      {last && turn.acceptedRound === undefined && drafts.length > 0 && !held && <Revise turn={turn} busy={busy} unparsed={turn.understood?.unparsed ?? []} />}
    </section>
  );
}

/** The latest draft before this one that has a text to compare with. */
function previous(drafts: Draft[], draft: Draft): Draft | null {
  const earlier = drafts.slice(0, drafts.indexOf(draft)).filter((each) => each.text);
  return earlier.at(-1) ?? null;
}

/** Who wrote a draft and how it ended, where that is worth saying. */
export function lineage(draft: Draft): string[] {
  const origin = short(draft.origin, "DRAFT_ORIGIN_");
  const finish = short(draft.finishReason, "FINISH_REASON_");
  const parts: string[] = [];
  if (origin === "HUMAN" || origin === "SEEDED") parts.push(word("origin", origin));
  if (finish === "LENGTH" || finish === "CANCELLED") parts.push(word("finish", finish));
  if (draft.handoff) parts.push(t("handoff"));
  return parts;
}
