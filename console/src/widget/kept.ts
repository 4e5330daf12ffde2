// What the tab remembers from page to page: which conversation is open. Where the browser keeps nothing, nothing is kept.

/** What is remembered. */
export interface Kept {
  session: string;
  /** Whether the dialog was open. */
  open: boolean;
  /** Whether a person was asked for or answers. */
  person: boolean;
}

const NOTHING: Kept = { session: "", open: false, person: false };
let name = "antiphon.widget";

/** Remembers by server, should two assistants share the page's origin. */
export function keepFor(server: string): void {
  name = `antiphon.widget:${server}`;
}

/** What was kept. */
export function kept(): Kept {
  try {
    return { ...NOTHING, ...JSON.parse(sessionStorage.getItem(name) ?? "{}") };
  } catch {
    return NOTHING;
  }
}

/** Keeps something else as well. */
export function keep(more: Partial<Kept>): void {
  try {
    sessionStorage.setItem(name, JSON.stringify({ ...kept(), ...more }));
  } catch {
    // a browser without storage: the conversation ends with the page
  }
}
