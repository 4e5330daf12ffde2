// What was said, the reply in work, and what a screen reader hears of it.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Turn } from "../api/contract";
import { busy, live, loading, retry, turns, working } from "./conversation";
import { Reply } from "./reply";
import type { Settings } from "./settings";
import { announce, byPerson, replies, said } from "./shown";
import { sentences } from "./spoken";
import { Text } from "./text";
import { say } from "./words";

const NEAR_END = 80;

/** The messages, the latest below. */
export function Log(props: { settings: Settings }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const inPlace = turns.value.some((turn) => turn.id === working.value);
  const follow = (): void => {
    const scrolled = box.current;
    if (scrolled && atEnd.current) scrolled.scrollTop = scrolled.scrollHeight;
  };
  useEffect(follow, [turns.value]);
  const scroll = (): void => {
    const scrolled = box.current;
    if (scrolled) atEnd.current = scrolled.scrollHeight - scrolled.scrollTop - scrolled.clientHeight < NEAR_END;
  };
  const sent = (): void => {
    atEnd.current = true;
    follow();
  };
  return (
    <div class="log" ref={box} onScroll={scroll} tabIndex={0} role="region" aria-label={say("conversation")}>
      <article class="reply" aria-label={say("assistant")}>
        <Text text={props.settings.greeting || say("greeting")} />
      </article>
      <p class="small muted about">{say("about")}</p>
      {loading.value && turns.value.length === 0 && <p class="muted">{say("loading")}</p>}
      {turns.value.map((turn) => (
        <TurnView key={turn.id} turn={turn} works={turn.id === working.value} follow={follow} />
      ))}
      {busy.value && !inPlace && <InWork before="" follow={follow} sent={sent} />}
    </div>
  );
}

function Mine(props: { text: string }): JSX.Element {
  return (
    <article class="mine" aria-label={say("you")}>
      <Text text={props.text} />
    </article>
  );
}

function TurnView(props: { turn: Turn; works: boolean; follow: () => void }): JSX.Element {
  const { turn, works } = props;
  const all = replies(turn);
  const kept = works ? all.filter(byPerson) : all;
  const before = works ? (all.filter((draft) => !byPerson(draft)).at(-1)?.text ?? "") : "";
  const last = turns.value.at(-1)?.id === turn.id;
  return (
    <>
      <Mine text={turn.text} />
      {works && <InWork before={before} follow={props.follow} />}
      {kept.map((draft) => (
        <Reply key={draft.id} turn={turn} draft={draft} />
      ))}
      {turn.status === "TURN_STATUS_FAILED" && !works && (
        <div class="note bad">
          <span>{say("failed")}</span>
          {last && (
            <button type="button" class="small" disabled={busy.value} onClick={() => void retry(turn)}>
              {say("again")}
            </button>
          )}
        </div>
      )}
      {turn.status === "TURN_STATUS_HELD" && <p class="small muted end">{say("held.waits")}</p>}
    </>
  );
}

/** The message that is on its way, and the reply so far; `before` stands there until it begins. */
function InWork(props: { before: string; follow: () => void; sent?: () => void }): JSX.Element | null {
  const { before, follow, sent } = props;
  const now = live.value;
  useEffect(() => sent?.(), []);
  useEffect(follow, [now?.text, now?.phase]);
  if (!now) return null;
  const words = now.reconnecting ? "reconnecting" : now.phase === "waiting" && (now.place ?? 0) > 0 ? "waiting" : "writing";
  return (
    <>
      {sent && now.message && <Mine text={now.message} />}
      <article class="reply live" aria-label={say("assistant")} aria-busy="true">
        {now.text ? <Text text={now.text} /> : before && <Text class="text old" text={before} />}
        <p class="small muted busy">{say(words)}</p>
      </article>
    </>
  );
}

/** Tells a screen reader politely: a reply by whole sentences while it is written, and whatever else was announced. */
export function Spoken(): JSX.Element {
  const told = useRef({ turn: "", round: 0, text: "" });
  const now = live.value;
  useEffect(() => {
    if (!now) return;
    const { turn, round, text } = told.current;
    const same = turn === now.turnId && round === (now.position?.round ?? 0) && now.text.startsWith(text);
    const from = same ? text.length : 0;
    const end = now.phase === "ended" ? now.text.length : sentences(now.text, from);
    if (now.phase === "sent") announce(say("writing"));
    if (end > from) announce(now.text.slice(from, end).trim());
    told.current = { turn: now.turnId, round: now.position?.round ?? 0, text: now.text.slice(0, end) };
  }, [now?.turnId, now?.text, now?.phase]);
  return (
    <div class="sr" role="log" aria-live="polite" aria-relevant="additions">
      {said.value.map((line) => (
        <p key={line.id}>{line.text}</p>
      ))}
    </div>
  );
}
