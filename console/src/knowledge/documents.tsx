// Documents: uploaded by choosing or dropping files, with their progress and what went wrong, until they are deleted.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import type { Ingestion } from "../api/contract";
import { usePages } from "../pages";
import { number, short, t, when, word } from "../text";
import { Busy, Dialog, Empty, ErrorNote, errorWords } from "../ui";
import { upload, watch } from "./upload";

const KINDS = ".txt,.md,.markdown,.html,.htm,.csv,.pdf,.docx,.xlsx";
const OPEN = new Set(["INGESTION_STATUS_ACCEPTED", "INGESTION_STATUS_SEARCHABLE"]);

/** The documents and the way to more of them. */
export function Documents(): JSX.Element {
  const pages = usePages<Ingestion>("KnowledgeService/ListDocuments", { pageSize: 50 }, "documents");
  const [uploading, setUploading] = useState("");
  const [failures, setFailures] = useState<string[]>([]);
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const show = (ingestion: Ingestion): void =>
    pages.change((items) => [...items.filter((item) => item.name !== ingestion.name), ingestion].sort((a, b) => (a.name < b.name ? -1 : 1)));
  const follow = (ingestion: Ingestion): void => {
    watch(ingestion.id, show, left.current.signal).catch(() => undefined); // the list tells it when it is read again
  };
  useEffect(() => {
    for (const item of pages.items ?? []) if (OPEN.has(item.status)) follow(item);
  }, [pages.items === null]);
  const send = async (files: Iterable<File>): Promise<void> => {
    setFailures([]);
    for (const file of files) {
      setUploading(file.name);
      try {
        const ingestion = await upload(file);
        show(ingestion);
        follow(ingestion);
      } catch (error) {
        setFailures((before) => [...before, `${file.name}: ${errorWords(error)}`]);
      }
    }
    setUploading("");
  };
  return (
    <>
      <div
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void send([...(event.dataTransfer?.files ?? [])]);
        }}
      >
        <p>{uploading ? t("upload.now", { name: uploading }) : t("upload.about")}</p>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          accept={KINDS}
          aria-label={t("upload.choose")}
          onChange={(event) => {
            void send([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <button type="button" class="primary" disabled={uploading !== ""} onClick={() => input.current?.click()}>
          {t("upload.choose")}
        </button>
      </div>
      {failures.map((failure) => (
        <div key={failure} class="note bad" role="alert">
          {failure}
        </div>
      ))}
      <ErrorNote error={pages.error} retry={() => void pages.again()} />
      {!pages.items && !pages.error && <Busy />}
      {pages.items?.length === 0 && (
        <Empty title={t("documents.none")}>
          <p class="muted">{t("documents.none.about")}</p>
        </Empty>
      )}
      <ul class="cards" aria-label={t("documents")}>
        {pages.items?.map((item) => (
          <Document key={item.name} item={item} gone={() => pages.change((items) => items.filter((each) => each.name !== item.name))} />
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

function Document(props: { item: Ingestion; gone: () => void }): JSX.Element {
  const { item } = props;
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const remove = async (): Promise<void> => {
    setError(null);
    try {
      await call("KnowledgeService/DeleteDocument", { name: item.name, requestId: requestId() });
      props.gone();
    } catch (refused) {
      setError(refused);
    }
    setAsking(false);
  };
  const status = short(item.status, "INGESTION_STATUS_");
  const total = item.passages ?? 0;
  const kind = status === "FAILED" ? "tag bad" : status === "COMPLETE" ? "tag good" : "tag";
  return (
    <li class="card">
      <div class="bar">
        <bdi class="strong grow">{item.name}</bdi>
        <span class={kind}>{word("ingestion", status)}</span>
        <button type="button" class="small" aria-label={t("document.delete.name", { name: item.name })} onClick={() => setAsking(true)}>
          {t("delete")}
        </button>
      </div>
      <p class="muted">
        {t("document.line", { revision: item.revision ?? "1", passages: number(total), time: when(item.updateTime) })}
        {item.effective && ` · ${t("document.effective", { day: item.effective })}`}
      </p>
      {OPEN.has(item.status) && <progress aria-label={t("document.progress")} value={item.embedded ?? 0} max={Math.max(total, 1)} />}
      {item.error && <p class="note bad">{item.error}</p>}
      {item.warnings?.map((warning) => (
        <p key={warning} class="note warn">
          {warning}
        </p>
      ))}
      <ErrorNote error={error} />
      {asking && (
        <Dialog title={t("document.delete.name", { name: item.name })} close={() => setAsking(false)}>
          <p>{t("document.delete.about", { passages: total })}</p>
          <div class="actions">
            <button type="button" onClick={() => setAsking(false)}>
              {t("cancel")}
            </button>
            <button type="button" class="danger" onClick={() => void remove()}>
              {t("delete")}
            </button>
          </div>
        </Dialog>
      )}
    </li>
  );
}
