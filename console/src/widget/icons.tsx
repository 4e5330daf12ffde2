// The few pictures, drawn in the colour of the text beside them.
import type { JSX } from "preact";

const PATHS = {
  chat: "M4 4h16a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-9l-5 4v-4H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1z",
  close: "M6 6l12 12M18 6L6 18",
  up: "M7 11l4-8a2.2 2.2 0 0 1 2.2 2.2V9h5.3a2 2 0 0 1 2 2.3l-1.1 7a2 2 0 0 1-2 1.7H7zm0 0H3.5v9H7",
  down: "M17 13l-4 8a2.2 2.2 0 0 1-2.2-2.2V15H5.5a2 2 0 0 1-2-2.3l1.1-7a2 2 0 0 1 2-1.7H17zm0 0h3.5V4H17",
};

/** A picture that says nothing by itself. */
export function Icon(props: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[props.name]} />
    </svg>
  );
}
