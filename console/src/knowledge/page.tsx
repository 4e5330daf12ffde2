// Knowledge: documents, facts, and what may become a fact.
import type { ComponentType, JSX } from "preact";
import { route } from "../route";
import { type Key, t } from "../text";
import { Link } from "../ui";
import { Candidates } from "./candidates";
import { Documents } from "./documents";
import { Facts } from "./facts";

const PARTS: [string, Key, ComponentType][] = [
  ["documents", "documents", Documents],
  ["facts", "facts", Facts],
  ["candidates", "candidates", Candidates],
];

/** The page; its parts have addresses of their own. */
export function KnowledgePage(): JSX.Element {
  const [name, , Part] = PARTS.find(([path]) => path === route.value[1]) ?? (PARTS[0] as (typeof PARTS)[number]);
  return (
    <div class="sheet">
      <div class="bar">
        <h1>{t("page.knowledge")}</h1>
        <nav aria-label={t("page.knowledge")}>
          {PARTS.map(([path, label]) => (
            <Link key={path} to={`/knowledge/${path}`} current={path === name}>
              {t(label)}
            </Link>
          ))}
        </nav>
      </div>
      <Part />
    </div>
  );
}
