// The text of a message: nodes of text, and links where it writes out addresses.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { pieces } from "./links";
import { say } from "./words";

// More than this is shown when it is asked for.
const SHOWN = 8_000;

/** A text of somebody's, whatever it holds. */
export function Text(props: { text: string; class?: string }): JSX.Element {
  const [whole, setWhole] = useState(false);
  const { text } = props;
  const long = text.length > SHOWN && !whole;
  return (
    <>
      <p class={props.class ?? "text"} dir="auto">
        {pieces(long ? text.slice(0, SHOWN) : text).map((piece, index) => (piece.href ? <Address key={index} text={piece.text} href={piece.href} /> : piece.text))}
        {long && "…"}
      </p>
      {long && (
        <button type="button" class="small" onClick={() => setWhole(true)}>
          {say("rest")}
        </button>
      )}
    </>
  );
}

function Address(props: { text: string; href: string }): JSX.Element {
  return (
    <a href={props.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
      {props.text}
    </a>
  );
}
