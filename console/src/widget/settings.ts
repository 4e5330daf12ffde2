// What a shop's page says on the script tag.

export type Language = "en" | "zh";

/** The attributes of the script tag, read. */
export interface Settings {
  /** The origin of the service `web`. */
  server: string;
  language: Language;
  /** Light, dark, or as the visitor's system says. */
  theme: "auto" | "light" | "dark";
  side: "left" | "right";
  title: string;
  greeting: string;
  /** The schema of the sessions that it makes; empty: none. */
  schema: string;
}

function languageOf(tag: string): Language {
  return /^zh\b/i.test(tag) ? "zh" : "en";
}

/** The settings of a script tag; what it does not say is the page's or the default. */
export function settingsOf(script: HTMLScriptElement): Settings {
  const { server, language, theme, side, title, greeting, schema } = script.dataset;
  const page = document.documentElement.lang || navigator.language;
  return {
    server: new URL(server || script.src, location.href).origin,
    language: languageOf(language || page),
    theme: theme === "light" || theme === "dark" ? theme : "auto",
    side: side === "left" ? "left" : "right",
    title: title ?? "",
    greeting: greeting ?? "",
    schema: schema ?? "",
  };
}
