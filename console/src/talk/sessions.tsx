// The tenant's sessions, the latest first, and the way to a new one.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, requestId } from "../api/connect";
import type { Schema, Session } from "../api/contract";
import { address, go } from "../route";
import { t, when } from "../text";
import { Busy, Dialog, Empty, ErrorNote, Field, Form, Link } from "../ui";
import { turns } from "./conversation";

const PAGE = 30;

interface Page {
  sessions?: Session[];
  nextPageToken?: string;
}

/** The list; `current` is the session that is open. */
export function Sessions(props: { current: string }): JSX.Element {
  const [sessions, setSessions] = useState<Session[] | null>(null);
  const [token, setToken] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [creating, setCreating] = useState(false);
  const read = async (pageToken: string): Promise<void> => {
    setError(null);
    try {
      const page = await call<Page>("ConversationService/ListSessions", { pageSize: PAGE, pageToken });
      setSessions((before) => [...(pageToken ? (before ?? []) : []), ...(page.sessions ?? [])]);
      setToken(page.nextPageToken ?? "");
    } catch (refused) {
      setError(refused);
    }
  };
  useEffect(() => void read(""), [props.current, turns.value.length]);
  return (
    <>
      <div class="bar">
        <h2>{t("sessions")}</h2>
        <button type="button" class="primary small" onClick={() => setCreating(true)}>
          {t("session.new")}
        </button>
      </div>
      <ErrorNote error={error} retry={() => void read("")} />
      {!sessions && !error && <Busy />}
      {sessions?.length === 0 && (
        <Empty title={t("sessions.none")}>
          <p class="muted">{t("sessions.none.about")}</p>
        </Empty>
      )}
      <ul class="list">
        {sessions?.map((session) => (
          <li key={session.id}>
            <Link to={address("talk", session.id)} current={session.id === props.current}>
              <bdi class="strong">{session.userId}</bdi>
              <span class="muted">
                {t("session.line", { turns: session.lastTurnNumber ?? 0, time: when(session.updateTime) })}
                {session.status === "SESSION_STATUS_ENDED" && ` · ${t("session.ended")}`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {token && (
        <button type="button" class="small" onClick={() => void read(token)}>
          {t("more")}
        </button>
      )}
      {creating && <NewSession close={() => setCreating(false)} />}
    </>
  );
}

function NewSession(props: { close: () => void }): JSX.Element {
  const [user, setUser] = useState("");
  const [schema, setSchema] = useState("");
  const [schemas, setSchemas] = useState<Schema[]>([]);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    call<{ schemas?: Schema[] }>("StateService/ListSchemas", {})
      .then((answer) => {
        setSchemas(answer.schemas ?? []);
        setSchema(answer.schemas?.[0]?.name ?? "");
      })
      .catch(setError);
  }, []);
  const create = async (): Promise<void> => {
    setError(null);
    try {
      const request = { userId: user.trim(), schemaName: schema, requestId: requestId() };
      const { session } = await call<{ session: Session }>("ConversationService/CreateSession", request);
      props.close();
      go(address("talk", session.id));
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <Dialog title={t("session.new")} close={props.close}>
      <Form submit={() => void create()}>
        <ErrorNote error={error} />
        <Field label={t("session.user")} hint={t("session.user.hint")}>
          {(id) => (
            <input id={id} required autofocus maxLength={256} value={user} onInput={(event) => setUser(event.currentTarget.value)} />
          )}
        </Field>
        <Field label={t("session.schema")} hint={t("session.schema.hint")}>
          {(id) => (
            <select id={id} value={schema} onChange={(event) => setSchema(event.currentTarget.value)}>
              <option value="">{t("session.schema.none")}</option>
              {schemas.map((each) => (
                <option key={each.name} value={each.name}>
                  {each.name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div class="actions">
          <button type="button" onClick={props.close}>
            {t("cancel")}
          </button>
          <button type="submit" class="primary" disabled={!user.trim()}>
            {t("session.start")}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
