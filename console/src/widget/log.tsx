// What was said, the reply in work, and what a screen reader hears of it.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Turn } from "../api/contract";
import type { Live } from "../talk/live";
import { live, loading, retry, turns } from "./conversation";
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
  const now = live.value;
  const inPlace = now !== null && turns.value.some((turn) => turn.id === now.turnId);
  useEffect(() => {
    const scrolled = box.current;
    if (scrolled && (atEnd.current || now?.phase === "sent")) scrolled.scrollTop = scrolled.scrollHeight;
  }, [turns.value, now?.text, now?.phase]);
  const scroll = (): void => {
    const scrolled = box.current;
    if (scrolled) atEnd.current = scrolled.scrollHeight - scrolled.scrollTop - scrolled.clientHeight < NEAR_END;
  };
  return (
    <div class="log" ref={box} onScroll={scroll} tabIndex={0} role="region" aria-label={say("conversation")}>
      <article class="reply" aria-label={say("assistant")}>
        <Text text={props.settings.greeting || say("greeting")} />
      </article>
      <p class="small muted about">{say("about")}</p>
      {loading.value && turns.value.length === 0 && <p class="muted">{say("loading")}</p>}
      {turns.value.map((turn) => (
        <TurnView key={turn.id} turn={turn} live={now?.turnId === turn.id ? now : null} />
      ))}
      {now && !inPlace && now.message && <Mine text={now.message} />}
      {now && !inPlace && <Writing live={now} before="" />}
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

function TurnView(props: { turn: Turn; live: Live | null }): JSX.Element {
  const { turn } = props;
  const all = replies(turn);
  const kept = props.live ? all.filter(byPerson) : all;
  const before = props.live ? (all.filter((draft) => !byPerson(draft)).at(-1)?.text ?? "") : "";
  const last = turns.value.at(-1)?.id === turn.id;
  return (
    <>
      <Mine text={turn.text} />
      {props.live && <Writing live={props.live} before={before} />}
      {kept.map((draft) => (
        <Reply key={draft.id} turn={turn} draft={draft} />
      ))}
      {turn.status === "TURN_STATUS_FAILED" && !props.live && (
        <div class="note bad">
          <span>{say("failed")}</span>
          {last && (
            <button type="button" class="small" disabled={live.value !== null} onClick={() => void retry(turn)}>
              {say("again")}
            </button>
          )}
        </div>
      )}
      {turn.status === "TURN_STATUS_HELD" && <p class="small muted end">{say("held.waits")}</p>}
    </>
  );
}

function Writing(props: { live: Live; before: string }): JSX.Element {
  const { live: now, before } = props;
  const words = now.reconnecting ? "reconnecting" : now.phase === "waiting" && (now.place ?? 0) > 0 ? "waiting" : "writing";
  return (
    <article class="reply live" aria-label={say("assistant")} aria-busy="true">
      {now.text ? <Text text={now.text} /> : before && <Text class="text old" text={before} />}
      <p class="small muted busy">{say(words)}</p>
    </article>
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
