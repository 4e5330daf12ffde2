// Queue: replies worth a look, one after another, each corrected in one form.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import { directionOf } from "../direction";
import { address } from "../route";
import { t, when, word } from "../text";
import { Busy, Empty, ErrorNote, Field, Form, Link } from "../ui";
import { constraintWords } from "../words";
import { type Item, readItems } from "./items";

/** The page. Keys: j and k go on and back, e corrects, Ctrl+Enter keeps the correction. */
export function QueuePage(): JSX.Element {
  const [items, setItems] = useState<Item[] | null>(null);
  const [at, setAt] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState("");
  const [round, setRound] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    setError(null);
    setItems(null);
    setAt(0);
    readItems(left.signal).then(setItems, (refused) => left.signal.aborted || setError(refused));
    return () => left.abort();
  }, [round]);
  const count = items?.length ?? 0;
  const move = (step: number): void => setAt((now) => Math.min(Math.max(now + step, 0), Math.max(count - 1, 0)));
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "j") move(1);
      if (event.key === "k") move(-1);
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [count]);
  const item = items?.[at];
  const corrected = (): void => {
    setDone(t("queue.done"));
    setItems((before) => (before ?? []).filter((each) => each !== item));
    setAt((now) => Math.min(now, Math.max(count - 2, 0)));
  };
  return (
    <div class="sheet">
      <div class="bar">
        <h1>{t("page.queue")}</h1>
        {count > 0 && <span class="muted">{t("queue.place", { n: at + 1, count })}</span>}
        <button type="button" class="small" onClick={() => setRound(round + 1)}>
          {t("reload")}
        </button>
      </div>
      <p class="muted">{t("queue.about")}</p>
      <p class={done ? "note good" : "sr"} role="status">
        {done}
      </p>
      <ErrorNote error={error} retry={() => setRound(round + 1)} />
      {!items && !error && <Busy />}
      {items?.length === 0 && (
        <Empty title={t("queue.none")}>
          <p class="muted">{t("queue.none.about")}</p>
        </Empty>
      )}
      {item && <Review key={item.turn.id} item={item} corrected={corrected} />}
      {count > 1 && (
        <div class="actions">
          <button type="button" disabled={at === 0} onClick={() => move(-1)}>
            {t("queue.back")} <kbd>k</kbd>
          </button>
          <button type="button" disabled={at === count - 1} onClick={() => move(1)}>
            {t("queue.on")} <kbd>j</kbd>
          </button>
        </div>
      )}
    </div>
  );
}

function Review(props: { item: Item; corrected: () => void }): JSX.Element {
  const { turn, draft, reasons, userId, comments } = props.item;
  const before = draft?.text ?? "";
  const [text, setText] = useState(before);
  const [why, setWhy] = useState("");
  const [error, setError] = useState<unknown>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const changed = text.trim() !== "" && text !== before;
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select");
      if (event.key !== "e" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  const save = async (): Promise<void> => {
    if (!changed) return;
    setError(null);
    try {
      const feedback = { editedText: text, ...(why.trim() ? { comment: why.trim() } : {}) };
      await call("FeedbackService/SubmitFeedback", { turnId: turn.id, round: draft?.round ?? 0, feedback, requestId: requestId() });
      props.corrected();
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <article class="card" aria-label={t("queue.item")}>
      <div class="bar">
        <ul class="chips grow" aria-label={t("queue.reasons")}>
          {reasons.map((reason) => (
            <li key={reason} class="chip bad">
              {word("worth", reason)}
            </li>
          ))}
        </ul>
        <Link to={address("talk", turn.sessionId)}>{t("queue.open")}</Link>
      </div>
      <p class="muted">
        <bdi>{userId}</bdi> · {when(turn.createTime)}
      </p>
      <p class="message user" dir="auto">
        {turn.text}
      </p>
      <p class="reply" dir="auto">
        {before || t("draft.empty")}
      </p>
      {draft?.checks?.some((check) => !check.met) && (
        <ul class="chips" aria-label={t("understood")}>
          {draft.checks.map((check, index) => (
            <li key={index} class={check.met ? "chip good" : "chip bad"}>
              <span aria-hidden="true">{check.met ? "✓ " : "✗ "}</span>
              <bdi>{constraintWords(check.constraint)}</bdi>
              <span class="sr"> ({t(check.met ? "check.met" : "check.unmet")})</span>
            </li>
          ))}
        </ul>
      )}
      {comments.map((comment, index) => (
        <p key={index} class="muted" dir="auto">
          {t("queue.said")} “{comment}”
        </p>
      ))}
      {draft && (
        <Form submit={() => void save()}>
          <Field label={t("queue.corrected")}>
            {(id) => (
              <textarea
                id={id}
                ref={field}
                dir={directionOf(text)}
                rows={4}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save();
                  if (event.key === "Escape") event.currentTarget.blur();
                }}
              />
            )}
          </Field>
          <Field label={t("queue.why")} hint={t("queue.why.hint")}>
            {(id) => <input id={id} dir="auto" value={why} onInput={(event) => setWhy(event.currentTarget.value)} />}
          </Field>
          <ErrorNote error={error} />
          <div class="actions">
            <button type="submit" class="primary" disabled={!changed}>
              {t("edit.save")} <kbd>Ctrl+Enter</kbd>
            </button>
          </div>
        </Form>
      )}
    </article>
  );
}
