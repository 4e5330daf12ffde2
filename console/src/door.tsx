// Signing in by an API key.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "./api/connect";
import { keepKey, keyExpired } from "./signin";
import { t } from "./text";
import { ErrorNote, Field, Form } from "./ui";

/** Asks for the key and tries it before it is kept. */
export function Door(): JSX.Element {
  const [key, setKey] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const enter = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await call("ConversationService/ListSessions", { pageSize: 1 }, { key: key.trim() });
      keepKey(key.trim());
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="door">
      <h1>{t("signIn")}</h1>
      <p class="muted">{t("signIn.about")}</p>
      {keyExpired.value && !error && (
        <div class="note warn" role="alert">
          {t("signIn.expired")}
        </div>
      )}
      <ErrorNote error={error} />
      <Form submit={enter}>
        <Field label={t("signIn.key")} hint={t("signIn.hint")}>
          {(id) => (
            <input
              id={id}
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              autofocus
              placeholder="key_…"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="primary" disabled={busy || !key.trim()}>
          {busy ? t("loading") : t("signIn")}
        </button>
      </Form>
    </div>
  );
}
