// The small parts that all pages are made of.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { CallError } from "./api/connect";
import { go } from "./route";
import { t, word } from "./text";

/** An error in words: what the kind of refusal means, and what the server said about it. */
export function errorWords(error: unknown): string {
  if (!(error instanceof CallError)) return error instanceof Error ? error.message : String(error);
  const known = error.reason ? word("reason", error.reason) : error.reason;
  if (known !== error.reason) return known;
  const kind = word("error", error.code);
  if (error.fields.length) return `${kind} (${error.fields.map((each) => `${each.field}: ${each.description}`).join("; ")})`;
  if (error.code === "offline" || error.code === "unauthenticated") return kind;
  return error.message ? `${kind}: ${error.message}` : kind;
}

/** A refusal where it happened, with a way on if there is one. */
export function ErrorNote(props: { error: unknown; retry?: () => void }): JSX.Element | null {
  if (!props.error) return null;
  return (
    <div class="note bad" role="alert">
      <span>{errorWords(props.error)}</span>
      {props.retry && (
        <button type="button" class="small" onClick={props.retry}>
          {t("again")}
        </button>
      )}
    </div>
  );
}

/** What stands where there is nothing yet. */
export function Empty(props: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="strong">{props.title}</p>
      {props.children}
    </div>
  );
}

/** That something is being fetched. */
export function Busy(): JSX.Element {
  return (
    <p class="muted busy" role="status">
      {t("loading")}
    </p>
  );
}

/** A link to a page of the console. */
export function Link(props: { to: string; current?: boolean; class?: string; children: ComponentChildren }): JSX.Element {
  const follow = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(props.to);
  };
  return (
    <a href={props.to} class={props.class} aria-current={props.current ? "page" : undefined} onClick={follow}>
      {props.children}
    </a>
  );
}

/** A labelled field. */
export function Field(props: { label: string; hint?: string; children: (id: string) => JSX.Element }): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children(id)}
      {props.hint && <p class="hint">{props.hint}</p>}
    </div>
  );
}

/** A dialog over the page; Escape closes it. */
export function Dialog(props: { title: string; close: () => void; children: ComponentChildren }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={title} onClose={props.close}>
      <h2 id={title}>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

/** A form that never leaves the page. */
export function Form(props: { submit: () => void; class?: string; label?: string; children: ComponentChildren }): JSX.Element {
  const submit = (event: Event): void => {
    event.preventDefault();
    props.submit();
  };
  return (
    <form class={props.class} aria-label={props.label} onSubmit={submit}>
      {props.children}
    </form>
  );
}
