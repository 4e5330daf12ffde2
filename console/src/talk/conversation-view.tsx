// The turns of a conversation, the reply in work, and the field for the next message.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { directionOf } from "../direction";
import { held } from "../inbox/live";
import { t } from "../text";
import { Busy, Empty, ErrorNote } from "../ui";
import { failure, live, open, send, session, stop, told, turns } from "./conversation";
import { LiveView, phaseWords } from "./live-view";
import { TurnView } from "./turn-view";

/** The conversation that is open. */
export function ConversationView(props: { showWhy: () => void }): JSX.Element {
  const now = live.value;
  const scroll = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const revising = now !== null && turns.value.some((turn) => turn.id === now.turnId);
  useEffect(() => {
    const box = scroll.current;
    if (box && atEnd.current) box.scrollTop = box.scrollHeight;
  }, [turns.value, now?.text, now?.phase]);
  const watch = (): void => {
    const box = scroll.current;
    if (box) atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  };
  const current = session.value;
  if (!current) {
    const failed = failure.value;
    return failed ? <ErrorNote error={failed} retry={() => location.reload()} /> : <Busy />;
  }
  return (
    <>
      <div class="bar">
        <h2>
          <bdi>{current.userId}</bdi>
        </h2>
        {held(current) && <span class="tag">{t("live.held")}</span>}
        <span class="muted code">{current.id}</span>
      </div>
      <div class="turns" ref={scroll} onScroll={watch} tabIndex={0} role="log" aria-label={t("conversation")} aria-live="off">
        {turns.value.length === 0 && !now && (
          <Empty title={t("turns.none")}>
            <p class="muted">{t("turns.none.about")}</p>
          </Empty>
        )}
        {turns.value.map((turn, index) => (
          <TurnView key={turn.id} turn={turn} last={index === turns.value.length - 1} showWhy={props.showWhy} />
        ))}
        {now && !revising && <p class="message user" dir="auto">{now.message}</p>}
        {now && <LiveView live={now} />}
      </div>
      <div class="sr" role="status" aria-live="polite">
        {now ? (now.held || now.reconnecting ? phaseWords(now) : t("live.writing")) : told.value}
      </div>
      <ErrorNote error={failure.value} retry={() => void open(current.id)} />
      <Composer ended={current.status === "SESSION_STATUS_ENDED"} />
    </>
  );
}

function Composer(props: { ended: boolean }): JSX.Element {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const writing = live.value !== null && !live.value.held;
  const submit = async (): Promise<void> => {
    const message = text.trim();
    if (!message || writing) return;
    setText("");
    const before = turns.value.length;
    const sent = await send(message);
    if (!sent && turns.value.length === before) setText((typed) => typed || message);
    field.current?.focus();
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  };
  if (props.ended) return <p class="note">{t("session.ended.about")}</p>;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <textarea
        ref={field}
        rows={2}
        dir={directionOf(text)}
        aria-label={t("message")}
        placeholder={t("message.hint")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={keys}
      />
      {writing ? (
        <button type="button" class="danger" onClick={() => void stop()} disabled={!live.value?.turnId}>
          {t("stop")}
        </button>
      ) : (
        <button type="submit" class="primary" disabled={!text.trim()}>
          {t("send")}
        </button>
      )}
    </form>
  );
}
