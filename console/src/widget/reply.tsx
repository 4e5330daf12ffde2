// One reply, and what the visitor says of it: a thumb, and a word about what should be different.
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Draft, Turn } from "../api/contract";
import { toComposer } from "./composer";
import { approve, busy, judge, revisable, revise, turns } from "./conversation";
import { Human } from "./human";
import { Icon } from "./icons";
import { byPerson, cut } from "./shown";
import { Text } from "./text";
import { say } from "./words";

/** A reply as it stands. */
export function Reply(props: { turn: Turn; draft: Draft }): JSX.Element {
  const { turn, draft } = props;
  const person = byPerson(draft);
  const wish = draft.feedback?.comment;
  const last = turns.value.at(-1)?.id === turn.id;
  return (
    <article class={person ? "reply person" : "reply"} aria-label={say(person ? "person" : "assistant")}>
      {person && <p class="small strong">{say("person")}</p>}
      <Text text={draft.text ?? ""} />
      {wish && (
        <p class="small muted" dir="auto">
          {say("changed", { wish })}
        </p>
      )}
      {cut(draft) && <p class="small muted">{say("stopped")}</p>}
      {draft.handoff && last && (
        <p>
          <Human />
        </p>
      )}
      {!person && <Judgement key={draft.id} turn={turn} draft={draft} />}
    </article>
  );
}

function Judgement(props: { turn: Turn; draft: Draft }): JSX.Element {
  const { turn, draft } = props;
  const round = draft.round ?? 0;
  const [given, setGiven] = useState<"" | "up" | "down">("");
  const [asking, setAsking] = useState(false);
  const down = useRef<HTMLButtonElement>(null);
  const waits = busy.value;
  const up = async (): Promise<void> => {
    setAsking(false);
    if (await approve(turn, round)) setGiven("up");
  };
  const close = async (comment: string): Promise<void> => {
    setAsking(false);
    down.current?.focus();
    if (await judge(turn, round, comment ? { rating: 1, comment } : { rating: 1 })) setGiven("down");
  };
  return (
    <>
      <div class="thumbs">
        <button type="button" class="thumb" aria-label={say("good")} title={say("good")} aria-pressed={given === "up"} disabled={waits} onClick={() => void up()}>
          <Icon name="up" />
        </button>
        <button
          type="button"
          class="thumb"
          ref={down}
          aria-label={say("bad")}
          title={say("bad")}
          aria-pressed={given === "down"}
          aria-expanded={asking}
          disabled={waits}
          onClick={() => (asking ? void close("") : setAsking(true))}
        >
          <Icon name="down" />
        </button>
      </div>
      {asking && <Wish turn={turn} close={close} />}
    </>
  );
}

function Wish(props: { turn: Turn; close: (comment: string) => Promise<void> }): JSX.Element {
  const [words, setWords] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const changes = revisable(props.turn);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.form?.scrollIntoView({ block: "nearest" });
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const comment = words.trim();
    if (!comment || !changes) return void props.close(comment);
    if (field.current) toComposer(field.current);
    void revise(props.turn, comment);
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    void props.close("");
  };
  return (
    <form class="wish" onSubmit={submit} onKeyDown={keys}>
      <label>
        {say("wish")}
        <input ref={field} dir="auto" maxLength={2000} placeholder={changes ? say("wish.hint") : ""} value={words} onInput={(event) => setWords(event.currentTarget.value)} />
      </label>
      <button type="submit" class="small primary" disabled={!words.trim()}>
        {say(changes ? "wish.send" : "wish.note")}
      </button>
      <button type="button" class="small" onClick={() => void props.close("")}>
        {say("wish.close")}
      </button>
    </form>
  );
}
