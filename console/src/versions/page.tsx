// Versions: what is served, how each version was judged, training, promoting and rolling back.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CallError, call, requestId } from "../api/connect";
import type { Version, VersionPointer } from "../api/contract";
import { number, percent, short, t, when, word } from "../text";
import { Busy, Dialog, Empty, ErrorNote, Field } from "../ui";
import { Measures } from "./measures";
import { Trainings } from "./trainings";

interface Answer {
  versions?: Version[];
  pointer?: VersionPointer;
}

type Change = { kind: "promote" | "rollback"; version?: Version };

/** The page. */
export function VersionsPage(): JSX.Element {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [change, setChange] = useState<Change | null>(null);
  const [done, setDone] = useState("");
  const read = async (): Promise<void> => {
    setError(null);
    try {
      setAnswer(await call<Answer>("ModelService/ListVersions", { pageSize: 100 }));
    } catch (refused) {
      setError(refused);
    }
  };
  useEffect(() => void read(), []);
  const pointer = answer?.pointer ?? {};
  const versions = answer?.versions ?? [];
  return (
    <div class="sheet">
      <div class="bar">
        <h1>{t("page.versions")}</h1>
        <button type="button" disabled={!pointer.previousId} onClick={() => setChange({ kind: "rollback" })}>
          {t("version.rollback")}
        </button>
      </div>
      <p class={done ? "note good" : "sr"} role="status">
        {done}
      </p>
      <ErrorNote error={error} retry={() => void read()} />
      {!answer && !error && <Busy />}
      {answer && <Served pointer={pointer} />}
      <Trainings ended={() => void read()} />
      {answer && <h2>{t("versions")}</h2>}
      {answer && versions.length === 0 && (
        <Empty title={t("versions.none")}>
          <p class="muted">{t("versions.none.about")}</p>
        </Empty>
      )}
      <ul class="cards" aria-label={t("versions")}>
        {versions.map((version) => (
          <VersionCard key={version.id} version={version} pointer={pointer} promote={() => setChange({ kind: "promote", version })} />
        ))}
      </ul>
      {change && (
        <Confirm
          change={change}
          pointer={pointer}
          close={() => setChange(null)}
          done={(words) => {
            setDone(words);
            setChange(null);
            void read();
          }}
        />
      )}
    </div>
  );
}

function Served(props: { pointer: VersionPointer }): JSX.Element {
  const { currentId, previousId, canaryId, canaryShare = 0 } = props.pointer;
  return (
    <dl class="card">
      <dt>{t("version.current")}</dt>
      <dd class="code">{currentId || t("version.base")}</dd>
      {previousId && (
        <>
          <dt>{t("version.previous")}</dt>
          <dd class="code">{previousId}</dd>
        </>
      )}
      {canaryId && (
        <>
          <dt>{t("version.canary")}</dt>
          <dd>
            <span class="code">{canaryId}</span> {percent(canaryShare)}
          </dd>
        </>
      )}
    </dl>
  );
}

function VersionCard(props: { version: Version; pointer: VersionPointer; promote: () => void }): JSX.Element {
  const { version, pointer } = props;
  const status = short(version.status, "VERSION_STATUS_");
  const current = version.id === pointer.currentId;
  return (
    <li class="card">
      <div class="bar">
        <span class="code strong grow">{version.id}</span>
        {current && <span class="tag good">{t("version.current")}</span>}
        <span class={status === "READY" ? "tag" : "tag bad"}>{word("version", status)}</span>
        {version.trainedOnErased && <span class="tag warn">{t("version.erased")}</span>}
        {!current && status !== "WITHDRAWN" && (
          <button type="button" class="small" onClick={props.promote}>
            {t("version.promote")}
          </button>
        )}
      </div>
      <p class="muted">
        {[
          when(version.createTime),
          version.parentId ? word("kind", short(version.kind, "TRAINING_KIND_")) : t("version.base"),
          version.scope?.corrections ? t("version.scope", { n: version.scope.corrections }) : "",
          version.sizeBytes && Number(version.sizeBytes) > 0 ? `${number(Number(version.sizeBytes) / 1e6, 1)} MB` : "",
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      {version.measures && version.measures.length > 0 && <Measures measures={version.measures} />}
    </li>
  );
}

function Confirm(props: { change: Change; pointer: VersionPointer; close: () => void; done: (words: string) => void }): JSX.Element {
  const { change, pointer } = props;
  const [comment, setComment] = useState("");
  const [force, setForce] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const failed = change.version?.status === "VERSION_STATUS_GATE_FAILED";
  const title = t(change.kind === "promote" ? "version.promote" : "version.rollback");
  const confirm = async (): Promise<void> => {
    setError(null);
    const shared = { expectedEpoch: pointer.epoch ?? "0", comment, requestId: requestId() };
    try {
      if (change.version) await call("ModelService/PromoteVersion", { ...shared, versionId: change.version.id, force });
      else await call("ModelService/RollbackVersion", shared);
      props.done(t(change.version ? "version.promoted" : "version.rolledBack"));
    } catch (refused) {
      setError(refused);
      if (!(refused instanceof CallError)) throw refused;
    }
  };
  return (
    <Dialog title={title} close={props.close}>
      <div class="stack">
        <p>{change.version ? t("version.promote.about") : t("version.rollback.about")}</p>
        <p class="code">{change.version?.id ?? pointer.previousId}</p>
        {failed && (
          <label class="check">
            <input type="checkbox" checked={force} onChange={(event) => setForce(event.currentTarget.checked)} />
            {t("version.force")}
          </label>
        )}
        <Field label={t("version.comment")} hint={t("version.comment.hint")}>
          {(id) => <input id={id} dir="auto" value={comment} onInput={(event) => setComment(event.currentTarget.value)} />}
        </Field>
        <ErrorNote error={error} />
        <div class="actions">
          <button type="button" onClick={props.close}>
            {t("cancel")}
          </button>
          <button type="button" class="primary" disabled={failed && !force} onClick={() => void confirm()}>
            {title}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
