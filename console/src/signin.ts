// The API key of this tab: in sessionStorage, and so gone with the tab.
import { signal } from "@preact/signals";

const NAME = "antiphon.key";
const AGENT = "antiphon.agent";

/** The key that calls are made with; empty before somebody signs in. */
export const apiKey = signal(sessionStorage.getItem(NAME) ?? "");
/** Whether the key was refused after it had been good. */
export const keyExpired = signal(false);

/** Keeps a key that was found good. */
export function keepKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  keyExpired.value = false;
  apiKey.value = key;
}

/** Forgets the key. */
export function signOut(): void {
  sessionStorage.removeItem(NAME);
  callAgent("");
  keyExpired.value = false;
  apiKey.value = "";
}

/** Forgets a key that is refused, and says so at the door. */
export function expireKey(): void {
  if (!apiKey.value) return;
  signOut();
  keyExpired.value = true;
}

/** Who answers from this tab in the bot's place, in their own words; empty: the key's id stands for them. */
export const agent = signal(sessionStorage.getItem(AGENT) ?? "");

/** Keeps the name of who answers. */
export function callAgent(name: string): void {
  sessionStorage.setItem(AGENT, name);
  agent.value = name;
}
