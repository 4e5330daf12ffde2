// One draft: its text with what changed, the wishes it meets, and accepting, rating and correcting it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Draft, Turn } from "../api/contract";
import { type Change, diff, unchanged } from "../diff";
import { directionOf } from "../direction";
import { t } from "../text";
import { ErrorNote } from "../ui";
import { constraintWords } from "../words";
import { accept, chosenDraft, postReply, shownDraft, submit, told } from "./conversation";
import { lineage } from "./turn-view";

interface Props {
  turn: Turn;
  draft: Draft;
  /** What it is compared with; null: nothing. */
  before: Draft | null;
  latest: boolean;
  /** Whether it can be accepted. */
  open: boolean;
  /** Whether its turn is the last, so that a person's text can still take its place. */
  last: boolean;
  showWhy: () => void;
}

/** A draft. */
export function DraftCard(props: Props): JSX.Element {
  const { turn, draft, before } = props;
  const round = draft.round ?? 0;
  const [editing, setEditing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const title = t("draft", { n: round + 1 });
  const act = async (action: () => Promise<void>, done: string): Promise<void> => {
    setError(null);
    try {
      await action();
      told.value = done;
    } catch (refused) {
      setError(refused);
    }
  };
  const why = (): void => {
    chosenDraft.value = draft.id;
    props.showWhy();
  };
  return (
    <article class={draft.accepted ? "draft accepted" : "draft"} aria-label={title}>
      <div class="bar">
        <h3>{title}</h3>
        {draft.accepted && <span class="tag good">{t("accepted")}</span>}
        {lineage(draft).map((part) => (
          <span key={part} class="tag">
            {part}
          </span>
        ))}
      </div>
      <Asked draft={draft} />
      {editing ? (
        <Editor {...props} close={() => setEditing(false)} />
      ) : (
        <Text draft={draft} before={before} />
      )}
      <Checks draft={draft} />
      <ErrorNote error={error} />
      {!editing && (
        <div class="actions">
          {props.open && draft.finishReason !== "FINISH_REASON_CANCELLED" && (
            <button type="button" class={props.latest ? "primary small" : "small"} onClick={() => void act(() => accept(turn, round), t("accept.done"))}>
              {t("accept")}
            </button>
          )}
          <button type="button" class="small" onClick={() => setEditing(true)}>
            {t("edit")}
          </button>
          <button type="button" class="small" aria-pressed={shownDraft.value?.id === draft.id} onClick={why}>
            {t("why")}
          </button>
          <Rating rate={(rating) => act(() => submit(turn, round, { rating }), t("rate.done", { n: rating }))} />
        </div>
      )}
    </article>
  );
}

// Where less than this share of a text is left, both are read more easily than what changed.
const REWRITTEN = 0.3;

function Asked(props: { draft: Draft }): JSX.Element | null {
  const feedback = props.draft.feedback;
  if (!feedback) return null;
  const asked = [...(feedback.comment ? [`“${feedback.comment}”`] : []), ...(feedback.constraints ?? []).map(constraintWords)];
  if (!asked.length) return null;
  return (
    <p class="asked muted" dir="auto">
      {t("asked")} {asked.join("; ")}
    </p>
  );
}

function Text(props: { draft: Draft; before: Draft | null }): JSX.Element {
  const text = props.draft.text ?? "";
  if (!text) return <p class="text muted">{t("draft.empty")}</p>;
  const changes = props.before ? diff(props.before.text ?? "", text) : [];
  if (unchanged(changes) < REWRITTEN) {
    return (
      <>
        {props.before && <p class="muted">{t("draft.rewritten")}</p>}
        <p class="text" dir="auto">
          {text}
        </p>
      </>
    );
  }
  return (
    <p class="text" dir="auto">
      {changes.map((change, index) => (
        <Changed key={index} change={change} />
      ))}
    </p>
  );
}

function Changed(props: { change: Change }): JSX.Element {
  const { kind, text } = props.change;
  if (kind === "out") return <del>{text}</del>;
  return kind === "in" ? <ins>{text}</ins> : <>{text}</>;
}

function Checks(props: { draft: Draft }): JSX.Element | null {
  const { checks = [], constraints = [] } = props.draft;
  if (!constraints.length) return null;
  const met = new Map(checks.map((check) => [JSON.stringify({ ...check.constraint }), check.met ?? false]));
  return (
    <ul class="chips" aria-label={t("understood")}>
      {constraints.map((constraint, index) => {
        const outcome = met.get(JSON.stringify({ ...constraint }));
        const mark = outcome === undefined ? "" : outcome ? "✓ " : "✗ ";
        const spoken = outcome === undefined ? t("check.open") : outcome ? t("check.met") : t("check.unmet");
        return (
          <li key={index} class={outcome === undefined ? "chip" : outcome ? "chip good" : "chip bad"}>
            <span aria-hidden="true">{mark}</span>
            <bdi>{constraintWords(constraint)}</bdi>
            <span class="sr"> ({spoken})</span>
          </li>
        );
      })}
    </ul>
  );
}

const GRADES = [1, 2, 3, 4, 5];

function Rating(props: { rate: (rating: number) => Promise<void> }): JSX.Element {
  const [given, setGiven] = useState(0);
  return (
    <span class="rating" role="group" aria-label={t("rate")}>
      {GRADES.map((grade) => (
        <button
          key={grade}
          type="button"
          class={grade <= given ? "star on" : "star"}
          aria-pressed={grade === given}
          aria-label={t("rate.of", { n: grade })}
          title={t("rate.of", { n: grade })}
          onClick={() => {
            setGiven(grade);
            void props.rate(grade);
          }}
        >
          {grade <= given ? "★" : "☆"}
        </button>
      ))}
    </span>
  );
}

function Editor(props: Props & { close: () => void }): JSX.Element {
  const { turn, draft } = props;
  const before = draft.text ?? "";
  const [text, setText] = useState(before);
  const [answer, setAnswer] = useState(props.open);
  const [error, setError] = useState<unknown>(null);
  const changed = text.trim() !== "" && text !== before;
  const save = async (): Promise<void> => {
    setError(null);
    try {
      await submit(turn, draft.round ?? 0, { editedText: text });
      if (answer && props.open) await postReply(turn, text);
      told.value = t("edit.done");
      props.close();
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <div class="editor">
      <textarea aria-label={t("edit.text")} dir={directionOf(text)} rows={6} autofocus value={text} onInput={(event) => setText(event.currentTarget.value)} />
      {props.open && (
        <label class="check">
          <input type="checkbox" checked={answer} onChange={(event) => setAnswer(event.currentTarget.checked)} />
          {t("edit.answer")}
        </label>
      )}
      <p class="hint">{t("edit.hint")}</p>
      <ErrorNote error={error} />
      <div class="actions">
        <button type="button" class="small" onClick={props.close}>
          {t("cancel")}
        </button>
        <button type="button" class="primary small" disabled={!changed} onClick={() => void save()}>
          {t("edit.save")}
        </button>
      </div>
    </div>
  );
}
