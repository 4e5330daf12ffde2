// What a screen reader is told of a text that grows: whole sentences, each once.

const ENDS = /[。！？]|[.!?](?=\s)|\n/g;

/** Where the last whole sentence of a text ends, as its index; `from` at the least. */
export function sentences(text: string, from: number): number {
  let end = from;
  for (const match of text.slice(from).matchAll(ENDS)) end = from + match.index + match[0].length;
  return end;
}
