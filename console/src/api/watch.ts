// What changes in conversations, as it happens: WatchTenant, opened again whenever it breaks, closed while nobody looks.
import { CallError, stream } from "./connect";
import type { Progress, Session } from "./contract";

interface Change {
  begun?: object;
  session?: Session;
  progress?: Progress;
}

/** What to do about changes. */
export interface Watcher {
  /** Changes are told from here on; what is shown is to be read (again). */
  begun: () => void;
  /** A session as it is now, with its last turn. */
  session: (session: Session) => void;
  /** A reply in work has grown. */
  progress?: (progress: Progress) => void;
  /** The stream broke off, or was refused. */
  failed: (error: unknown) => void;
}

const FIRST_MS = 300;
const LONGEST_MS = 5_000;
const REFUSED = new Set(["permission_denied", "unauthenticated", "not_found", "invalid_argument"]);

/** Watches one session, or all that may be read, until `signal`; gives up where it is refused. */
export async function watch(sessionId: string, watcher: Watcher, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    await visible(signal);
    const hidden = new AbortController();
    const hide = (): void => (document.hidden ? hidden.abort() : undefined);
    document.addEventListener("visibilitychange", hide);
    try {
      const request = sessionId ? { sessionId } : {};
      const manner = { signal: AbortSignal.any([signal, hidden.signal]) };
      for await (const change of stream<Change>("ConversationService/WatchTenant", [request], manner)) {
        failures = 0;
        if (change.begun) watcher.begun();
        if (change.session) watcher.session(change.session);
        if (change.progress) watcher.progress?.(change.progress);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!hidden.signal.aborted) {
        watcher.failed(error);
        if (error instanceof CallError && REFUSED.has(error.code)) return;
        failures += 1;
      }
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
    await pause(Math.min(FIRST_MS * 2 ** failures, LONGEST_MS), signal);
  }
}

function visible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
    look();
  });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
