// The contract counts text in Unicode code points, JavaScript in UTF-16 units.

/** The part of a text between two positions in code points. */
export function slice(text: string, start = 0, end = Number.POSITIVE_INFINITY): string {
  const points = [...text];
  return points.slice(start, Math.min(end, points.length)).join("");
}

/** How many code points a text has. */
export function length(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** A piece of a text, marked or not. */
export interface Piece {
  text: string;
  marked: boolean;
}

/** A text cut at the borders of the spans (in code points, in any order), in which what they cover is marked. */
export function marked(text: string, spans: { start: number; end: number }[]): Piece[] {
  const points = [...text];
  const pieces: Piece[] = [];
  let at = 0;
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const from = Math.max(start, at);
    const to = Math.min(end, points.length);
    if (to <= from) continue;
    if (from > at) pieces.push({ text: points.slice(at, from).join(""), marked: false });
    pieces.push({ text: points.slice(from, to).join(""), marked: true });
    at = to;
  }
  if (at < points.length) pieces.push({ text: points.slice(at).join(""), marked: false });
  return pieces;
}
