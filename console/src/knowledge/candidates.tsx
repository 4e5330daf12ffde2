// What was mined from feedback and talk, and waits for a person to make it a fact or to turn it down.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import type { Candidate } from "../api/contract";
import { usePages } from "../pages";
import { t, when } from "../text";
import { Busy, Empty, ErrorNote } from "../ui";

/** The candidates that wait, the latest first. */
export function Candidates(): JSX.Element {
  const pages = usePages<Candidate>("KnowledgeService/ListCandidates", { pageSize: 50 }, "candidates");
  return (
    <>
      <ErrorNote error={pages.error} retry={() => void pages.again()} />
      {!pages.items && !pages.error && <Busy />}
      {pages.items?.length === 0 && (
        <Empty title={t("candidates.none")}>
          <p class="muted">{t("candidates.none.about")}</p>
        </Empty>
      )}
      <ul class="cards" aria-label={t("candidates")}>
        {pages.items?.map((item) => (
          <Waiting key={item.id} item={item} decided={() => pages.change((items) => items.filter((each) => each.id !== item.id))} />
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

function Waiting(props: { item: Candidate; decided: () => void }): JSX.Element {
  const { item } = props;
  const [value, setValue] = useState(item.value ?? "");
  const [error, setError] = useState<unknown>(null);
  const decide = async (reject: boolean): Promise<void> => {
    setError(null);
    try {
      const request = { candidateId: item.id, reject, ...(reject || value === item.value ? {} : { value }), requestId: requestId() };
      await call("KnowledgeService/ConfirmCandidate", request);
      props.decided();
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <li class="card">
      <p class="strong" dir="auto">
        {item.question || `${item.entity}, ${item.slot}`}
      </p>
      {item.text && (
        <blockquote dir="auto">
          <mark>{item.text}</mark>
        </blockquote>
      )}
      {item.conflictsWith && <p class="note warn">{t("candidate.conflict", { value: item.conflictsWith.value })}</p>}
      {item.retracts && <p class="note warn">{t("candidate.retracts", { value: item.retracts })}</p>}
      <div class="line">
        <span class="muted">
          {item.entity} · {item.slot}
        </span>
        {!item.retracts && (
          <input dir="auto" aria-label={t("state.value", { slot: item.slot })} value={value} onInput={(event) => setValue(event.currentTarget.value)} />
        )}
        <button type="button" class="primary small" disabled={!item.retracts && !value.trim()} onClick={() => void decide(false)}>
          {t("confirm")}
        </button>
        <button type="button" class="small" onClick={() => void decide(true)}>
          {t("reject")}
        </button>
      </div>
      <p class="muted">{when(item.createTime)}</p>
      <ErrorNote error={error} />
    </li>
  );
}
