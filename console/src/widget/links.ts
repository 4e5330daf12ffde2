// Addresses in a text. Only http and https, only what is written out in ASCII, and never with a user's name in front.

/** A piece of a text; `href` where it is an address. */
export interface Piece {
  text: string;
  href?: string;
}

const ADDRESS = /https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/gi;
const MOST_LINKS = 50;
const LONGEST = 2_048;

/** The text in pieces; linear in its length. */
export function pieces(text: string): Piece[] {
  const all: Piece[] = [];
  let at = 0;
  let links = 0;
  for (const match of text.matchAll(ADDRESS)) {
    if (links === MOST_LINKS) break;
    const address = match[0].length > LONGEST ? "" : trimmed(match[0]);
    const href = checked(address);
    if (!href) continue;
    if (match.index > at) all.push({ text: text.slice(at, match.index) });
    all.push({ text: address, href });
    at = match.index + address.length;
    links += 1;
  }
  if (at < text.length) all.push({ text: text.slice(at) });
  return all;
}

/** An address without the punctuation of the sentence around it; a bracket belongs to it if it was opened in it. */
function trimmed(address: string): string {
  let end = address.length;
  const count = (mark: string): number => address.slice(0, end).split(mark).length - 1;
  for (let steps = 0; steps < 20; steps += 1) {
    const last = address[end - 1] ?? "";
    const opened = last === ")" ? "(" : last === "]" ? "[" : "";
    if (opened ? count(opened) >= count(last) : !".,;:!?'*_".includes(last)) break;
    end -= 1;
  }
  return address.slice(0, end);
}

function checked(address: string): string {
  try {
    const { protocol, host, username, password, href } = new URL(address);
    const good = host && !username && !password && /^https?:$/.test(protocol);
    return good ? href : "";
  } catch {
    return "";
  }
}
