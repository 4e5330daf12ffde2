// The field for the next message.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { LONG, directionOf } from "../direction";
import { busy, send, stop, working } from "./conversation";
import { say } from "./words";

const TALLEST = 140; // pixels

/** Moves the focus to the next message from a control that goes away. */
export function toComposer(from: HTMLElement): void {
  from.closest("dialog")?.querySelector("textarea")?.focus();
}

/** Sends messages, and stops what is being written. */
export function Composer(): JSX.Element {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const writes = busy.value;
  useEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto"; // a long text is not measured: it fills the field anyway
    box.style.height = `${text.length > LONG ? TALLEST : Math.min(box.scrollHeight + 2, TALLEST)}px`;
  }, [text]);
  const submit = async (): Promise<void> => {
    const message = text.trim();
    if (!message || writes) return;
    setText("");
    if (!(await send(message))) setText((typed) => typed || message);
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <textarea ref={field} rows={1} dir={directionOf(text)} aria-label={say("message")} placeholder={say("message.hint")} value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={keys} />
      {writes ? (
        <button type="button" class="danger" disabled={!working.value} onClick={(event) => {
            toComposer(event.currentTarget);
            void stop();
          }}
        >
          {say("stop")}
        </button>
      ) : (
        <button type="submit" class="primary" disabled={!text.trim()}>
          {say("send")}
        </button>
      )}
    </form>
  );
}
