// The frame of all pages: the door, the ways between the pages, language and theme.
import { type ComponentType, type JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Door } from "./door";
import { InboxPage } from "./inbox/page";
import { KnowledgePage } from "./knowledge/page";
import { QueuePage } from "./queue/page";
import { go, route } from "./route";
import { apiKey, signOut } from "./signin";
import { TalkPage } from "./talk/page";
import { type Key, choose, language, t } from "./text";
import { type Theme, chooseTheme, theme } from "./theme";
import { TodayPage } from "./today/page";
import { Link } from "./ui";
import { VersionsPage } from "./versions/page";

const PAGES: [string, Key, ComponentType][] = [
  ["talk", "page.talk", TalkPage],
  ["inbox", "page.inbox", InboxPage],
  ["knowledge", "page.knowledge", KnowledgePage],
  ["queue", "page.queue", QueuePage],
  ["versions", "page.versions", VersionsPage],
  ["today", "page.today", TodayPage],
];

/** The console. */
export function App(): JSX.Element {
  const [name, title, Page] = PAGES.find(([path]) => path === route.value[0]) ?? (PAGES[0] as (typeof PAGES)[number]);
  const inside = apiKey.value !== "";
  useEffect(() => {
    document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
    document.documentElement.dataset.theme = theme.value;
    document.title = inside ? `${t(title)} – Antiphon` : "Antiphon";
  });
  useEffect(() => {
    if (inside && !route.value.length) go("/talk", true);
  }, [inside]);
  return (
    <>
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <header>
        <span class="brand">Antiphon</span>
        {inside && (
          <nav aria-label={t("pages")}>
            {PAGES.map(([path, label]) => (
              <Link key={path} to={`/${path}`} current={path === name}>
                {t(label)}
              </Link>
            ))}
          </nav>
        )}
        <Preferences />
        {inside && (
          <button type="button" class="small" onClick={signOut}>
            {t("signOut")}
          </button>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {inside ? <Page /> : <Door />}
      </main>
    </>
  );
}

function Preferences(): JSX.Element {
  return (
    <div class="preferences">
      <button type="button" class="small" lang={language.value === "zh" ? "en" : "zh-CN"} onClick={() => choose(language.value === "zh" ? "en" : "zh")}>
        {language.value === "zh" ? "English" : "中文"}
      </button>
      <select aria-label={t("theme")} value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
        <option value="auto">{t("theme.auto")}</option>
        <option value="light">{t("theme.light")}</option>
        <option value="dark">{t("theme.dark")}</option>
      </select>
    </div>
  );
}
