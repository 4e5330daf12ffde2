// What changed from one text to another, in words; a Chinese character is a word of its own.

export interface Change {
  kind: "same" | "out" | "in";
  text: string;
}

// Cells of the table of common subsequences; longer texts are compared at their beginnings and ends alone.
const MAX_CELLS = 1_000_000;
const WORDS = /\s+|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu;

/** The words and gaps of a text. */
export function words(text: string): string[] {
  return text.match(WORDS) ?? [];
}

/** The share of a text that stands unchanged, in [0, 1]. */
export function unchanged(changes: Change[]): number {
  const count = (kinds: Change["kind"][]): number =>
    changes.filter((change) => kinds.includes(change.kind)).reduce((sum, change) => sum + change.text.trim().length, 0);
  return count(["same"]) / Math.max(1, count(["same", "out"]), count(["same", "in"]));
}

/** The changes that make `before` into `after`, in the order of the text. */
export function diff(before: string, after: string): Change[] {
  const old = words(before);
  const next = words(after);
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, next.length) - head;
  while (tail < most && old[old.length - 1 - tail] === next[next.length - 1 - tail]) tail += 1;
  const changes: Change[] = [];
  add(changes, "same", next.slice(0, head));
  middle(changes, old.slice(head, old.length - tail), next.slice(head, next.length - tail));
  add(changes, "same", next.slice(next.length - tail));
  return joined(changes);
}

/** Changes with nothing but a gap between them as one change: old words, then new ones. */
function joined(changes: Change[]): Change[] {
  const result: Change[] = [];
  let out = "";
  let into = "";
  const flush = (): void => {
    add(result, "out", [out]);
    add(result, "in", [into]);
    out = into = "";
  };
  changes.forEach((change, index) => {
    const gap = change.kind === "same" && !change.text.trim() && index < changes.length - 1 && (out || into);
    if (change.kind === "same" && !gap) {
      flush();
      add(result, "same", [change.text]);
      return;
    }
    if (change.kind !== "in" && (out || !gap)) out += change.text;
    if (change.kind !== "out" && (into || !gap)) into += change.text;
  });
  flush();
  return result;
}

function add(changes: Change[], kind: Change["kind"], tokens: string[]): void {
  const text = tokens.join("");
  if (!text) return;
  const last = changes.at(-1);
  if (last?.kind === kind) last.text += text;
  else changes.push({ kind, text });
}

function middle(changes: Change[], old: string[], next: string[]): void {
  if (!old.length || !next.length || old.length * next.length > MAX_CELLS) {
    add(changes, "out", old);
    add(changes, "in", next);
    return;
  }
  const width = next.length + 1;
  const common = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = next.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        old[i] === next[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
    }
  }
  let i = 0;
  let j = 0;
  while (i < old.length && j < next.length) {
    if (old[i] === next[j]) {
      add(changes, "same", [next[j] ?? ""]);
      i += 1;
      j += 1;
    } else if ((common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0)) {
      add(changes, "out", [old[i] ?? ""]);
      i += 1;
    } else {
      add(changes, "in", [next[j] ?? ""]);
      j += 1;
    }
  }
  add(changes, "out", old.slice(i));
  add(changes, "in", next.slice(j));
}
