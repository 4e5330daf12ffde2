// Where in the console the reader is: the path of the address, so that pages can be linked and gone back from.
import { signal } from "@preact/signals";

function parts(): string[] {
  return location.pathname.split("/").filter(Boolean).map(decode);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The parts of the path. */
export const route = signal<string[]>(parts());

addEventListener("popstate", () => {
  route.value = parts();
});

/** The address of a page. */
export function address(...names: string[]): string {
  return `/${names.map(encodeURIComponent).join("/")}`;
}

/** Goes to a page; `replace` leaves no way back to where the reader was. */
export function go(path: string, replace = false): void {
  if (path === location.pathname) return;
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  route.value = parts();
}
