// The button on the page and the dialog behind it.
import type { JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Composer } from "./composer";
import { look, opened, session, trouble, turns, unread } from "./conversation";
import { Human } from "./human";
import { Icon } from "./icons";
import { Log, Spoken } from "./log";
import type { Settings } from "./settings";
import { held, holder, isOpen } from "./shown";
import { toggle } from "./opening";
import { say } from "./words";

/** Below this width the dialog takes the whole screen, and the page behind it waits. */
const NARROW = "(max-width: 480px)";

/** Everything that the widget shows. */
export function Widget(props: { settings: Settings }): JSX.Element {
  const { settings } = props;
  const launcher = useRef<HTMLButtonElement>(null);
  const isShown = opened.value;
  const close = (): void => {
    toggle(false);
    launcher.current?.focus();
  };
  const news = unread.value;
  const label = say(isShown ? "close" : news ? "open.new" : "open", { n: news });
  return (
    <div class={`widget ${settings.side}`} lang={settings.language === "zh" ? "zh-CN" : "en"}>
      <Spoken />
      {isShown && <Panel settings={settings} close={close} />}
      <button type="button" class="launcher" ref={launcher} aria-haspopup="dialog" aria-expanded={isShown} aria-label={label} title={label} onClick={() => (isShown ? close() : toggle(true))}>
        <Icon name={isShown ? "close" : "chat"} />
        {news > 0 && !isShown && (
          <span class="badge" aria-hidden="true">
            {Math.min(news, 99)}
          </span>
        )}
      </button>
    </div>
  );
}

function Panel(props: { settings: Settings; close: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  useLayoutEffect(() => {
    const box = dialog.current;
    if (!box) return;
    if (!toggle.byVisitor) box.open = true;
    else if (matchMedia(NARROW).matches) box.showModal();
    else box.show();
    if (toggle.byVisitor) box.querySelector("textarea")?.focus();
  }, []);
  const keys = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    event.preventDefault();
    props.close();
  };
  return (
    <dialog ref={dialog} aria-labelledby={title} onKeyDown={keys} onClose={props.close} onFocusIn={look}>
      <header>
        <h2 id={title}>{props.settings.title || say("title")}</h2>
        <Human />
        <button type="button" class="plain" aria-label={say("close")} title={say("close")} onClick={props.close}>
          <Icon name="close" />
        </button>
      </header>
      <State />
      <Log settings={props.settings} />
      <Composer />
    </dialog>
  );
}

/** Who answers, whether the conversation has ended, and what went wrong. */
function State(): JSX.Element | null {
  const now = session.value;
  const wrong = trouble.value;
  const person = now && isOpen(now);
  const name = now ? holder(now) : "";
  return (
    <>
      {person && held(now) && (
        <p class="note good">
          <bdi>{name ? say("held", { name }) : say("held.nobody")}</bdi>
        </p>
      )}
      {person && !held(now) && now.handoffTime && <p class="note">{say(turns.value.length ? "human.asked" : "human.first")}</p>}
      {now && !isOpen(now) && <p class="note">{say("ended")}</p>}
      {wrong && (
        <div class="note bad" role="alert">
          <span>{say(wrong.word)}</span>
          {wrong.again && (
            <button type="button" class="small" onClick={wrong.again}>
              {say("again")}
            </button>
          )}
        </div>
      )}
    </>
  );
}
