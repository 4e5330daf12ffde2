// One script tag on a shop's page: a button, and a conversation with the assistant behind it (docs/widget.md).
import { render } from "preact";
import { goThrough } from "../api/connect";
import { connected, forget, resume, track } from "./conversation";
import { Widget } from "./dialog";
import { keepFor, kept } from "./kept";
import { toggle } from "./opening";
import { settingsOf } from "./settings";
import styles from "./styles.css?inline";
import { Tokens, sourceOf } from "./token";
import { speak } from "./words";

const TAG = "antiphon-widget";
const NARROW = "(max-width: 480px)";

/** What the page may do with the widget. */
interface Handle {
  open: () => void;
  close: () => void;
  /** Forgets the conversation in this tab: the visitor has signed out. */
  forget: () => void;
}

/** Whether the browser has what the widget is made of; without it there is rather no button than a broken one. */
function able(): boolean {
  return "adoptedStyleSheets" in Document.prototype && "any" in AbortSignal && CSS.supports("color", "light-dark(#000, #fff)");
}

function mount(script: HTMLScriptElement): void {
  if (!able() || document.querySelector(TAG)) return;
  const settings = settingsOf(script);
  const tokens = new Tokens(sourceOf(script));
  goThrough({ server: settings.server, key: () => tokens.token(), refused: (key) => tokens.renew(key) });
  speak(settings.language);
  keepFor(settings.server);
  track(settings.schema);

  const host = document.createElement(TAG);
  host.dataset.theme = settings.theme;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  root.adoptedStyleSheets = [sheet];
  const inside = document.createElement("div");
  root.append(inside);
  // What is typed here is no shortcut of the page's, which sees the host alone and not the field.
  for (const kind of ["keydown", "keypress", "keyup"]) inside.addEventListener(kind, (event) => event.stopPropagation());
  document.body.append(host);
  render(<Widget settings={settings} />, inside);

  const before = kept();
  if (before.session && before.open && !matchMedia(NARROW).matches) toggle(true, false);
  else if (before.session && before.person) void resume();
  for (const kind of ["online", "offline"]) window.addEventListener(kind, () => connected(kind === "online"));
  const handle: Handle = { open: () => toggle(true), close: () => toggle(false), forget };
  Object.assign(window, { AntiphonWidget: handle });
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  if (document.body) mount(script);
  else document.addEventListener("DOMContentLoaded", () => mount(script), { once: true });
}
