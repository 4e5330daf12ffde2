// Which way a field is written.

// In a longer text Chromium takes, for dir="auto", time that grows with the square of its length: ten seconds for a megabyte.
export const LONG = 2_000;

/** The `dir` of a field of several lines that holds this text. */
export function directionOf(text: string): "auto" | undefined {
  return text.length > LONG ? undefined : "auto";
}
