// Every word that the widget shows, in the visitor's language.
import { CallError } from "../api/connect";
import type { Language } from "./settings";
import catalogue from "./strings.json";

export type Word = keyof typeof catalogue;

let language: Language = "en";

/** Says everything in this language from here on. */
export function speak(next: Language): void {
  language = next;
}

/** A text of the catalogue; `{name}` in it gives way to the value of that name. */
export function say(word: Word, values: Record<string, string | number> = {}): string {
  const text: string = catalogue[word][language];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

const OF_CODE: Record<string, Word> = {
  offline: "error.offline",
  unavailable: "error.offline",
  deadline_exceeded: "error.offline",
  unauthenticated: "error.refused",
  permission_denied: "error.refused",
  resource_exhausted: "error.busy",
  invalid_argument: "error.long",
};

/** What a refusal means for the visitor. */
export function troubleOf(error: unknown): Word {
  if (!(error instanceof CallError)) return "error.other";
  if (["ROUND_LIMIT", "NOT_LAST_TURN", "TURN_ACCEPTED"].includes(error.reason)) return "error.rounds";
  return OF_CODE[error.code] ?? "error.other";
}
