// What should be different: quick wishes, free words, or just another draw.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Constraint, Turn } from "../api/contract";
import { words } from "../diff";
import { type Key, t } from "../text";
import { Form } from "../ui";
import { constraintWords } from "../words";
import { revise } from "./conversation";

const SHARE = 0.6;
const LANGUAGES = ["en", "zh", "de", "fr", "es"];

function quickWishes(text: string): [Key, Constraint][] {
  const count = words(text).filter((each) => /[\p{L}\p{N}]/u.test(each)).length;
  const fewer = Math.max(1, Math.floor(count * SHARE));
  return [
    ["wish.shorter", { kind: "CONSTRAINT_KIND_LENGTH", value: "shorter", unit: "LENGTH_UNIT_WORDS", max: fewer }],
    ["wish.oneSentence", { kind: "CONSTRAINT_KIND_LENGTH", unit: "LENGTH_UNIT_SENTENCES", min: 1, max: 1 }],
    ["wish.friendlier", { kind: "CONSTRAINT_KIND_TONE", value: "friendly" }],
    ["wish.formal", { kind: "CONSTRAINT_KIND_TONE", value: "formal" }],
    ["wish.bullets", { kind: "CONSTRAINT_KIND_FORMAT", value: "bullets" }],
  ];
}

/** The form below the last turn's drafts. */
export function Revise(props: { turn: Turn; busy: boolean; unparsed: string[] }): JSX.Element {
  const [wishes, setWishes] = useState<Constraint[]>([]);
  const [comment, setComment] = useState("");
  const latest = props.turn.drafts?.at(-1)?.text ?? "";
  const take = (wish: Constraint): void => {
    const kept = wishes.filter((each) => each.kind !== wish.kind || each.kind.endsWith("INCLUDE"));
    setWishes([...kept, wish]);
  };
  const submit = async (): Promise<void> => {
    const said = comment.trim();
    if (!said && !wishes.length) return;
    const feedback = { ...(said ? { comment: said } : {}), ...(wishes.length ? { constraints: wishes } : {}) };
    if (await revise(props.turn, feedback)) {
      setWishes([]);
      setComment("");
    }
  };
  return (
    <Form class="revise" label={t("revise.what")} submit={() => void submit()}>
      <h3>{t("revise.what")}</h3>
      {props.unparsed.length > 0 && (
        <p class="muted" dir="auto">
          {t("unparsed", { words: props.unparsed.join("; ") })}
        </p>
      )}
      <div class="chips">
        {quickWishes(latest).map(([label, wish]) => (
          <button key={label} type="button" class="chip add" disabled={props.busy} onClick={() => take(wish)}>
            + {t(label)}
          </button>
        ))}
        <select
          class="chip add"
          aria-label={t("wish.inLanguage")}
          value=""
          disabled={props.busy}
          onChange={(event) => {
            take({ kind: "CONSTRAINT_KIND_LANGUAGE", value: event.currentTarget.value });
            event.currentTarget.value = "";
          }}
        >
          <option value="">+ {t("wish.inLanguage")}</option>
          {LANGUAGES.map((code) => (
            <option key={code} value={code}>
              {constraintWords({ kind: "CONSTRAINT_KIND_LANGUAGE", value: code })}
            </option>
          ))}
        </select>
        <PhraseWish take={take} busy={props.busy} />
      </div>
      {wishes.length > 0 && (
        <ul class="chips" aria-label={t("wishes")}>
          {wishes.map((wish, index) => (
            <li key={index} class="chip accent">
              <bdi>{constraintWords(wish)}</bdi>
              <button
                type="button"
                class="off"
                aria-label={t("wish.off", { wish: constraintWords(wish) })}
                onClick={() => setWishes(wishes.filter((each) => each !== wish))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="line">
        <input
          dir="auto"
          aria-label={t("comment")}
          placeholder={t("comment.hint")}
          value={comment}
          onInput={(event) => setComment(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={props.busy || (!comment.trim() && !wishes.length)}>
          {t("revise")}
        </button>
        <button type="button" disabled={props.busy} onClick={() => void revise(props.turn, null)} title={t("resample.about")}>
          {t("resample")}
        </button>
      </div>
    </Form>
  );
}

function PhraseWish(props: { take: (wish: Constraint) => void; busy: boolean }): JSX.Element {
  const [kind, setKind] = useState("");
  const [phrase, setPhrase] = useState("");
  const add = (): void => {
    if (!phrase.trim()) return;
    props.take({ kind, value: phrase.trim() });
    setPhrase("");
    setKind("");
  };
  if (!kind) {
    return (
      <>
        <button type="button" class="chip add" disabled={props.busy} onClick={() => setKind("CONSTRAINT_KIND_MUST_INCLUDE")}>
          + {t("wish.say")}
        </button>
        <button type="button" class="chip add" disabled={props.busy} onClick={() => setKind("CONSTRAINT_KIND_MUST_NOT_INCLUDE")}>
          + {t("wish.notSay")}
        </button>
      </>
    );
  }
  const label = t(kind === "CONSTRAINT_KIND_MUST_INCLUDE" ? "wish.say" : "wish.notSay");
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape") setKind("");
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    add();
  };
  return (
    <span class="phrase">
      <input autofocus dir="auto" aria-label={label} placeholder={label} value={phrase} onInput={(event) => setPhrase(event.currentTarget.value)} onKeyDown={keys} />
      <button type="button" class="small" disabled={!phrase.trim()} onClick={add}>
        {t("add")}
      </button>
      <button type="button" class="small" onClick={() => setKind("")}>
        {t("cancel")}
      </button>
    </span>
  );
}
