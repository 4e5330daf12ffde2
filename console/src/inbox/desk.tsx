// The conversation at an agent's desk: reading along, taking over, answering, handing back.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import type { Turn } from "../api/contract";
import { t, word } from "../text";
import { Busy, ErrorNote, Field, Form } from "../ui";
import { held, suggestion, useConversation } from "./live";

/** One conversation, live. */
export function Desk(props: { id: string }): JSX.Element {
  const { value, error, again } = useConversation(props.id);
  const [refused, setRefused] = useState<unknown>(null);
  const [done, setDone] = useState("");
  const act = async (path: string, request: object, words: string): Promise<boolean> => {
    setRefused(null);
    try {
      await call(`ConversationService/${path}`, { ...request, requestId: requestId() });
      setDone(words);
      return true;
    } catch (problem) {
      setRefused(problem);
      return false;
    } finally {
      again();
    }
  };
  if (!value) return error ? <ErrorNote error={error} retry={again} /> : <Busy />;
  const { session, turns } = value;
  const seen = { sessionId: session.id, expectedModeRevision: session.modeRevision ?? "0" };
  const open = session.status === "SESSION_STATUS_OPEN";
  return (
    <section class="card" aria-label={t("conversation")}>
      <h2>
        <bdi>{session.userId}</bdi>
      </h2>
      {session.handoffNote && <p dir="auto">{session.handoffNote}</p>}
      {turns.map((turn) => (
        <Exchange key={turn.id} turn={turn} />
      ))}
      <ErrorNote error={refused ?? error} />
      <p class={done ? "note good" : "sr"} role="status">
        {done}
      </p>
      {open && held(session) && <Answer turn={turns.at(-1)} act={act} />}
      {open && (
        <div class="actions">
          {held(session) ? (
            <button type="button" onClick={() => void act("Return", seen, t("inbox.returned"))}>
              {t("inbox.return")}
            </button>
          ) : (
            <>
              <button type="button" class="primary" onClick={() => void act("Takeover", { ...seen, shadow: true, author: "console" }, t("inbox.taken"))}>
                {t("inbox.takeShadow")}
              </button>
              <button type="button" onClick={() => void act("Takeover", { ...seen, author: "console" }, t("inbox.taken"))}>
                {t("inbox.take")}
              </button>
            </>
          )}
        </div>
      )}
    </section>
  );
}

function Exchange(props: { turn: Turn }): JSX.Element {
  const { turn } = props;
  const reply = turn.drafts?.filter((draft) => !draft.shadow && draft.finishReason !== "FINISH_REASON_CANCELLED").at(-1);
  return (
    <>
      <p class="message user" dir="auto">
        {turn.text}
      </p>
      {reply ? (
        <p class="reply" dir="auto">
          {reply.text}
        </p>
      ) : (
        <p class="muted">{word("turnStatus", turn.status.replace("TURN_STATUS_", ""))}</p>
      )}
    </>
  );
}

/** The reply to the last message; the bot's suggestion stands in the field until something else is written. */
function Answer(props: { turn: Turn | undefined; act: (path: string, request: object, words: string) => Promise<boolean> }): JSX.Element | null {
  const { turn, act } = props;
  const offered = suggestion(turn)?.text ?? "";
  const [text, setText] = useState("");
  const [touched, setTouched] = useState(false);
  useEffect(() => {
    if (!touched) setText(offered);
  }, [offered]);
  useEffect(() => setTouched(false), [turn?.id]);
  if (turn?.status !== "TURN_STATUS_HELD" && turn?.status !== "TURN_STATUS_ACTIVE") return <p class="muted">{t("inbox.nothing")}</p>;
  const send = async (): Promise<void> => {
    if (!text.trim()) return;
    if (await act("PostReply", { turnId: turn.id, text, author: "console" }, t("inbox.sent"))) {
      setText("");
      setTouched(false);
    }
  };
  return (
    <Form submit={() => void send()}>
      <Field label={t("inbox.answer")} hint={offered ? t("inbox.suggested") : undefined}>
        {(id) => (
          <textarea
            id={id}
            dir="auto"
            rows={3}
            value={text}
            onInput={(event) => {
              setTouched(true);
              setText(event.currentTarget.value);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
            }}
          />
        )}
      </Field>
      <div class="actions">
        <button type="submit" class="primary" disabled={!text.trim()}>
          {t("inbox.send")} <kbd>Ctrl+Enter</kbd>
        </button>
      </div>
    </Form>
  );
}
