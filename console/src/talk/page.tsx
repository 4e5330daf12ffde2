// Talk: the sessions, the conversation, and beside it what the assistant understood and why it says what it says.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { route } from "../route";
import { type Key, t } from "../text";
import { Empty } from "../ui";
import { leave, open, session } from "./conversation";
import { ConversationView } from "./conversation-view";
import { Sessions } from "./sessions";
import { StatePanel } from "./state-panel";
import { WhyPanel } from "./why-panel";

type Pane = "sessions" | "talk" | "state" | "why";

const PANES: [Pane, Key][] = [
  ["sessions", "sessions"],
  ["talk", "conversation"],
  ["state", "state"],
  ["why", "why"],
];

/** The page; on a narrow screen one of its panes at a time. */
export function TalkPage(): JSX.Element {
  const id = route.value[1] ?? "";
  const [pane, setPane] = useState<Pane>(id ? "talk" : "sessions");
  useEffect(() => {
    if (id) void open(id);
    else leave();
    setPane(id ? "talk" : "sessions");
    return leave;
  }, [id]);
  return (
    <div class={`talk show-${pane}`}>
      <h1 class="sr">{t("page.talk")}</h1>
      <div class="panes" role="group" aria-label={t("panes")}>
        {PANES.map(([name, label]) => (
          <button key={name} type="button" aria-pressed={pane === name} onClick={() => setPane(name)}>
            {t(label)}
          </button>
        ))}
      </div>
      <section class="pane sessions" aria-label={t("sessions")}>
        <Sessions current={id} />
      </section>
      <section class="pane conversation" aria-label={t("conversation")}>
        {id ? (
          <ConversationView key={id} showWhy={() => setPane("why")} />
        ) : (
          <Empty title={t("talk.none")}>
            <p class="muted">{t("talk.none.about")}</p>
          </Empty>
        )}
      </section>
      <div class="aside">
        <section class="pane state" aria-label={t("state")}>
          {session.value && <StatePanel />}
        </section>
        <section class="pane why" aria-label={t("why")}>
          {session.value && <WhyPanel />}
        </section>
      </div>
    </div>
  );
}
