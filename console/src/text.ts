// Every word that the console shows comes from the catalogue strings.json, in the reader's language.
import { signal } from "@preact/signals";
import catalogue from "./strings.json";

export type Key = keyof typeof catalogue;
export type Language = "en" | "zh";

const NAME = "antiphon.language";

function preferred(): Language {
  const kept = localStorage.getItem(NAME);
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The language that is shown. */
export const language = signal<Language>(preferred());

/** Shows another language, and keeps it for the next visit. */
export function choose(next: Language): void {
  localStorage.setItem(NAME, next);
  language.value = next;
}

/** A text of the catalogue; `{name}` in it gives way to the value of that name. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text: string = catalogue[key][language.value];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text for a word of the contract, such as `status.` + "ACTIVE"; the word itself where the catalogue has none. */
export function word(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return key in catalogue ? t(key as Key) : name;
}

/** An enum's name without what all of its names begin with. */
export function short(name: string | undefined, prefix: string): string {
  return (name ?? "").replace(prefix, "");
}

/** A time as people read it. */
export function when(time: string | undefined): string {
  if (!time) return "";
  const format = new Intl.DateTimeFormat(language.value === "zh" ? "zh-CN" : "en-GB", {
    dateStyle: "medium",
    timeStyle: "short",
  });
  return format.format(new Date(time));
}

/** A number with so many decimals at most. */
export function number(value: number, decimals = 3): string {
  return value.toLocaleString(language.value === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: decimals });
}

/** A share of one as per cent. */
export function percent(value: number): string {
  return `${number(value * 100, 0)} %`;
}
