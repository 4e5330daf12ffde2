// Light, dark, or as the system says.
import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const NAME = "antiphon.theme";
const kept = localStorage.getItem(NAME);

/** The theme that was chosen. */
export const theme = signal<Theme>(kept === "light" || kept === "dark" ? kept : "auto");

/** Shows another theme, and keeps it for the next visit. */
export function chooseTheme(next: Theme): void {
  localStorage.setItem(NAME, next);
  theme.value = next;
}
