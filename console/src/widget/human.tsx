// The button that asks for a person.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { toComposer } from "./composer";
import { askForPerson, session } from "./conversation";
import { held, isOpen } from "./shown";
import { say } from "./words";

/** Asks for a person, where none was asked for and none answers. */
export function Human(): JSX.Element | null {
  const now = session.value;
  const [busy, setBusy] = useState(false);
  if (now && isOpen(now) && (held(now) || now.handoffTime)) return null;
  const ask = async (button: HTMLButtonElement): Promise<void> => {
    toComposer(button);
    setBusy(true);
    await askForPerson();
    setBusy(false);
  };
  return (
    <button type="button" class="small" disabled={busy} onClick={(event) => void ask(event.currentTarget)}>
      {say("human")}
    </button>
  );
}
