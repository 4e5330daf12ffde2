// Facts: taught, looked up with their history, and taken back.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import type { Fact } from "../api/contract";
import { usePages } from "../pages";
import { short, t, when, word } from "../text";
import { Busy, Empty, ErrorNote, Field, Form } from "../ui";

/** The facts that hold now. */
export function Facts(): JSX.Element {
  const [wanted, setWanted] = useState("");
  const [entity, setEntity] = useState("");
  const pages = usePages<Fact>("KnowledgeService/ListFacts", { pageSize: 50, entity }, "facts");
  return (
    <>
      <Teach taught={() => void pages.again()} />
      <Form class="line" label={t("facts.find")} submit={() => setEntity(wanted.trim())}>
        <input aria-label={t("facts.find")} placeholder={t("facts.find")} value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        <button type="submit">{t("find")}</button>
      </Form>
      <ErrorNote error={pages.error} retry={() => void pages.again()} />
      {!pages.items && !pages.error && <Busy />}
      {pages.items?.length === 0 && (
        <Empty title={t(entity ? "facts.noneOf" : "facts.none", { entity })}>
          <p class="muted">{t("facts.none.about")}</p>
        </Empty>
      )}
      <ul class="cards" aria-label={t("facts")}>
        {pages.items?.map((fact) => (
          <FactCard key={`${fact.id}/${fact.revision}`} fact={fact} changed={() => void pages.again()} />
        ))}
      </ul>
      {pages.more && (
        <button type="button" class="small" onClick={() => void pages.next()}>
          {t("more")}
        </button>
      )}
    </>
  );
}

function Teach(props: { taught: () => void }): JSX.Element {
  const [fields, setFields] = useState({ entity: "", slot: "", value: "" });
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState("");
  const set = (name: keyof typeof fields) => (event: { currentTarget: HTMLInputElement }) =>
    setFields({ ...fields, [name]: event.currentTarget.value });
  const teach = async (): Promise<void> => {
    setError(null);
    setDone("");
    try {
      const answer = await call<{ fact: Fact; superseded?: Fact }>("KnowledgeService/TeachFact", { ...fields, requestId: requestId() });
      const before = answer.superseded?.value;
      setDone(before ? t("fact.superseded", { text: answer.fact.text, before }) : t("fact.taught", { text: answer.fact.text }));
      setFields({ entity: "", slot: "", value: "" });
      props.taught();
    } catch (refused) {
      setError(refused);
    }
  };
  const complete = Object.values(fields).every((value) => value.trim());
  return (
    <Form class="card columns" label={t("fact.teach")} submit={() => void teach()}>
      <Field label={t("fact.entity")} hint={t("fact.entity.hint")}>
        {(id) => <input id={id} required dir="auto" value={fields.entity} onInput={set("entity")} />}
      </Field>
      <Field label={t("fact.slot")} hint={t("fact.slot.hint")}>
        {(id) => <input id={id} required dir="auto" value={fields.slot} onInput={set("slot")} />}
      </Field>
      <Field label={t("fact.value")} hint={t("fact.value.hint")}>
        {(id) => <input id={id} required dir="auto" value={fields.value} onInput={set("value")} />}
      </Field>
      <button type="submit" class="primary" disabled={!complete}>
        {t("fact.teach")}
      </button>
      <ErrorNote error={error} />
      <p class="sr" role="status">
        {done}
      </p>
      {done && <p class="note good">{done}</p>}
    </Form>
  );
}

function FactCard(props: { fact: Fact; changed: () => void }): JSX.Element {
  const { fact } = props;
  const [history, setHistory] = useState<Fact[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    setError(null);
    try {
      await action();
    } catch (refused) {
      setError(refused);
    }
  };
  const show = (): Promise<void> =>
    attempt(async () => {
      const answer = await call<{ revisions?: Fact[] }>("KnowledgeService/FactHistory", { factId: fact.id });
      setHistory(answer.revisions ?? []);
    });
  const retract = (): Promise<void> =>
    attempt(async () => {
      const request = { factId: fact.id, expectedRevision: fact.revision, requestId: requestId() };
      await call("KnowledgeService/RetractFact", request);
      props.changed();
    });
  return (
    <li class="card">
      <div class="bar">
        <p class="grow" dir="auto">
          <span class="strong">{fact.entity}</span> · {fact.slot}: <span class="strong">{fact.value}</span>
        </p>
        {fact.stale && <span class="tag warn">{t("fact.stale")}</span>}
        <button type="button" class="small" aria-expanded={history !== null} onClick={() => (history ? setHistory(null) : void show())}>
          {t("fact.history")}
        </button>
        <button type="button" class="small" aria-label={t("fact.retract.name", { name: `${fact.entity}, ${fact.slot}` })} onClick={() => void retract()}>
          {t("fact.retract")}
        </button>
      </div>
      <p class="muted">{[when(fact.createTime), fact.provenance?.author, fact.provenance?.documentName].filter(Boolean).join(" · ")}</p>
      <ErrorNote error={error} />
      {history && (
        <ol class="history">
          {history.map((each) => (
            <li key={each.revision}>
              <span class="tag">{word("operation", short(each.operation, "FACT_OPERATION_"))}</span> <bdi>{each.value}</bdi>{" "}
              <span class="muted">{when(each.createTime)}</span>
            </li>
          ))}
        </ol>
      )}
    </li>
  );
}
