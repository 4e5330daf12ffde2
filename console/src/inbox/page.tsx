// Inbox: the conversations that go on, who waits for a person, and answering in the bot's place.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { reasonsOf } from "../queue/items";
import { address, route } from "../route";
import { agent, callAgent } from "../signin";
import { t, when, word } from "../text";
import { Busy, Empty, ErrorNote, Field, Link } from "../ui";
import { Desk } from "./desk";
import { failure, growing, held, sessions, tail, useInbox, waits } from "./live";

type Show = "all" | "waiting" | "held";
const SHOWS: Show[] = ["all", "waiting", "held"];

function matches(session: Session, show: Show, search: string): boolean {
  if (show === "waiting" && !waits(session)) return false;
  if (show === "held" && !held(session)) return false;
  const words = `${session.userId} ${session.lastTurn?.text ?? ""} ${session.handoffNote ?? ""}`.toLowerCase();
  return words.includes(search.trim().toLowerCase());
}

/** The page; its address names the conversation that is shown. */
export function InboxPage(): JSX.Element {
  const id = route.value[1] ?? "";
  const [show, setShow] = useState<Show>("all");
  const [search, setSearch] = useState("");
  useInbox();
  const all = sessions.value;
  const shown = (all ?? []).filter((session) => matches(session, show, search));
  return (
    <div class="sheet">
      <h1>{t("page.inbox")}</h1>
      {id && <Desk key={id} id={id} />}
      <div class="bar">
        <Field label={t("inbox.search")}>
          {(field) => <input id={field} type="search" dir="auto" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />}
        </Field>
        <Field label={t("inbox.you")}>
          {(field) => <input id={field} dir="auto" maxLength={100} value={agent.value} onInput={(event) => callAgent(event.currentTarget.value)} />}
        </Field>
        <Field label={t("inbox.show")}>
          {(field) => (
            <select id={field} value={show} onChange={(event) => setShow(event.currentTarget.value as Show)}>
              {SHOWS.map((each) => (
                <option key={each} value={each}>
                  {word("inboxShow", each)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <ErrorNote error={failure.value} />
      {!all && !failure.value && <Busy />}
      {all && shown.length === 0 && <Empty title={t("inbox.none")} />}
      {shown.map((session) => (
        <Row key={session.id} session={session} current={session.id === id} />
      ))}
    </div>
  );
}

function Row(props: { session: Session; current: boolean }): JSX.Element {
  const { session, current } = props;
  const last = session.lastTurn;
  const grown = growing.value[session.id];
  return (
    <article class="card">
      <div class="bar">
        <Link to={address("inbox", session.id)} current={current} class="grow">
          <bdi>{session.userId}</bdi>
        </Link>
        <span class="muted">{when(session.updateTime)}</span>
      </div>
      <p dir="auto">{last?.text ?? t("inbox.silent")}</p>
      {grown?.end && (
        <p class="muted busy" dir="auto">
          {tail(grown)}
        </p>
      )}
      <Signs session={session} />
    </article>
  );
}

/** What is to be known of a conversation before it is opened. */
function Signs(props: { session: Session }): JSX.Element | null {
  const { session } = props;
  const last = session.lastTurn;
  const reasons = last ? reasonsOf(last, last.drafts?.at(-1) ?? null) : [];
  const version = session.versionId?.slice(0, 12);
  if (!waits(session) && !session.handoffTime && !held(session) && !reasons.length && !version) return null;
  return (
    <ul class="chips" aria-label={t("inbox.signs")}>
      {waits(session) && <li class="chip bad">{t("inbox.waits")}</li>}
      {session.handoffTime && <li class="chip bad">{t("inbox.asked")}</li>}
      {held(session) && (
        <li class="chip">
          {t("inbox.heldBy")} <bdi>{session.heldBy}</bdi>
        </li>
      )}
      {reasons.map((reason) => (
        <li key={reason} class="chip">
          {word("worth", reason)}
        </li>
      ))}
      {version && <li class="chip">{version}</li>}
    </ul>
  );
}
