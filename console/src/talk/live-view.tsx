// A reply that is being written.
import type { JSX } from "preact";
import { t } from "../text";
import { constraintWords } from "../words";
import type { Live } from "./live";

/** What is done at the moment. */
export function phaseWords(live: Live): string {
  if (live.reconnecting) return t("live.reconnecting");
  if (live.held) return t("live.held");
  if (live.generatorUp === false) return t("live.noGenerator");
  switch (live.phase) {
    case "waiting":
      return t("live.waiting", { place: live.place ?? 0 });
    case "understood":
      return t("live.searching");
    case "grounded":
    case "writing":
      return t("live.writing");
    default:
      return t("live.understanding");
  }
}

/** The text so far, and what is done at the moment. */
export function LiveView(props: { live: Live }): JSX.Element {
  const { live } = props;
  return (
    <article class="draft live" aria-label={t(live.held ? "live.held" : "live.writing")} aria-busy="true">
      <p class="muted busy">{phaseWords(live)}</p>
      {live.understood?.constraints && (
        <ul class="chips" aria-label={t("understood")}>
          {live.understood.constraints.map((constraint, index) => (
            <li key={index} class="chip">
              <bdi>{constraintWords(constraint)}</bdi>
            </li>
          ))}
        </ul>
      )}
      {live.text && (
        <p class="text" dir="auto">
          {live.text}
        </p>
      )}
    </article>
  );
}
