// The conversation at an agent's desk: reading along, taking over, answering, handing back.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import type { Progress, Turn } from "../api/contract";
import { directionOf } from "../direction";
import { agent } from "../signin";
import { t, word } from "../text";
import { Busy, ErrorNote, Field, Form } from "../ui";
import { growing, held, suggestion, tail, useConversation } from "./live";

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
  const grown = growing.value[session.id];
  const seen = { sessionId: session.id, expectedModeRevision: session.modeRevision ?? "0" };
  const open = session.status === "SESSION_STATUS_OPEN";
  const back = (
    <button type="button" onClick={() => void act("Return", seen, t("inbox.returned"))}>
      {t("inbox.return")}
    </button>
  );
  return (
    <section class="card" aria-label={t("conversation")}>
      <h2>
        <bdi>{session.userId}</bdi>
      </h2>
      {session.handoffNote && (
        <p class="note warn" dir="auto">
          <span>
            {t("inbox.asked")}: <bdi>{session.handoffNote}</bdi>
          </span>
        </p>
      )}
      {turns.map((turn) => (
        <Exchange key={turn.id} turn={turn} grown={grown?.turnId === turn.id ? grown : undefined} />
      ))}
      <ErrorNote error={refused ?? error} />
      <p class={done ? "note good" : "sr"} role="status">
        {done}
      </p>
      {open && held(session) && <Answer turn={turns.at(-1)} shadow={session.mode === "SESSION_MODE_SHADOW"} act={act} more={back} />}
      {open && !held(session) && (
        <div class="actions">
          <button type="button" class="primary" onClick={() => void act("Takeover", { ...seen, shadow: true, author: agent.value.trim() }, t("inbox.taken"))}>
            {t("inbox.takeShadow")}
          </button>
          <button type="button" onClick={() => void act("Takeover", { ...seen, author: agent.value.trim() }, t("inbox.taken"))}>
            {t("inbox.take")}
          </button>
        </div>
      )}
    </section>
  );
}

function Exchange(props: { turn: Turn; grown: Progress | undefined }): JSX.Element {
  const { turn, grown } = props;
  const reply = turn.drafts?.filter((draft) => !draft.shadow && draft.finishReason !== "FINISH_REASON_CANCELLED").at(-1);
  const together = turn.cancelReason === "CANCEL_REASON_TAKEN_OVER";
  return (
    <>
      <p class="message user" dir="auto">
        {turn.text}
      </p>
      {reply ? (
        <p class="reply" dir="auto">
          {reply.text}
          {reply.origin === "DRAFT_ORIGIN_HUMAN" && <span class="tag by">{t("origin.HUMAN")}</span>}
        </p>
      ) : (
        <>
          {grown?.end && !grown.shadow && (
            <p class="reply" dir="auto">
              {tail(grown)}
            </p>
          )}
          <p class="muted">{together ? t("turn.together") : word("turnStatus", turn.status.replace("TURN_STATUS_", ""))}</p>
        </>
      )}
    </>
  );
}

interface AnswerProps {
  turn: Turn | undefined;
  /** Whether the bot drafts for the agent. */
  shadow: boolean;
  act: (path: string, request: object, words: string) => Promise<boolean>;
  /** What else can be done. */
  more: JSX.Element;
}

/** The reply to the last message; the bot's suggestion stands in the field until something else is written. */
function Answer(props: AnswerProps): JSX.Element | null {
  const { turn, act } = props;
  const offered = suggestion(turn)?.text ?? "";
  const [text, setText] = useState("");
  const [touched, setTouched] = useState(false);
  useEffect(() => {
    if (!touched) setText(offered);
  }, [offered]);
  useEffect(() => setTouched(false), [turn?.id]);
  if (turn?.status !== "TURN_STATUS_HELD" && turn?.status !== "TURN_STATUS_ACTIVE") {
    return (
      <>
        <p class="muted">{t("inbox.nothing")}</p>
        <div class="actions">{props.more}</div>
      </>
    );
  }
  const send = async (): Promise<void> => {
    if (!text.trim()) return;
    if (await act("PostReply", { turnId: turn.id, text, author: agent.value.trim() }, t("inbox.sent"))) {
      setText("");
      setTouched(false);
    }
  };
  const use = (): void => {
    setText(offered);
    setTouched(false);
  };
  return (
    <Form submit={() => void send()}>
      {props.shadow && turn.status === "TURN_STATUS_ACTIVE" && <p class="muted busy">{t("inbox.suggesting")}</p>}
      {offered && text !== offered && <Suggested text={offered} use={use} />}
      <Field label={t("inbox.answer")} hint={offered ? t("inbox.suggested") : undefined}>
        {(id) => (
          <textarea
            id={id}
            dir={directionOf(text)}
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
        {props.more}
      </div>
    </Form>
  );
}

/** What the bot suggests, beside another text of the agent's own. */
function Suggested(props: { text: string; use: () => void }): JSX.Element {
  return (
    <div class="note" role="group" aria-label={t("inbox.suggestion")}>
      <span dir="auto">{props.text}</span>
      <button type="button" class="small" onClick={props.use}>
        {t("inbox.use")}
      </button>
    </div>
  );
}
