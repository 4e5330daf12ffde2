// What the assistant keeps track of, and correcting it.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SchemaSlot, ServiceState, SlotValue } from "../api/contract";
import { short, t, word } from "../text";
import { ErrorNote, Form } from "../ui";
import { correctState, live, schema, session, snapshot, told } from "./conversation";

/** The state of the session that is open. */
export function StatePanel(): JSX.Element {
  const kept = snapshot.value?.state?.services ?? {};
  const services = schema.value?.services ?? [];
  const names = [...new Set([...services.map((service) => service.name), ...Object.keys(kept)])];
  return (
    <>
      <h2>{t("state")}</h2>
      {!session.value?.schemaName && <p class="muted">{t("state.noSchema")}</p>}
      {names.map((name) => {
        const defined = services.find((service) => service.name === name);
        return <Service key={name} name={name} about={defined?.description ?? ""} state={kept[name] ?? {}} slots={defined?.slots ?? []} />;
      })}
    </>
  );
}

function Service(props: { name: string; about: string; state: ServiceState; slots: SchemaSlot[] }): JSX.Element {
  const { name, state } = props;
  const filled = Object.entries(state.slots ?? {});
  const free = props.slots.filter((slot) => !state.slots?.[slot.name]);
  return (
    <div class="service">
      <h3 title={props.about}>{name}</h3>
      {state.intent && (
        <p>
          <span class="muted">{t("state.intent")}</span> {state.intent}
        </p>
      )}
      {state.requested && state.requested.length > 0 && (
        <p>
          <span class="muted">{t("state.requested")}</span> {state.requested.join(", ")}
        </p>
      )}
      {filled.length === 0 && <p class="muted">{t("state.empty")}</p>}
      <ul class="slots">
        {filled.map(([slot, value]) => (
          <Slot key={slot} service={name} slot={slot} value={value} defined={props.slots.find((each) => each.name === slot)} />
        ))}
      </ul>
      {free.length > 0 && <NewSlot key={free[0]?.name} service={name} free={free} />}
    </div>
  );
}

function Slot(props: { service: string; slot: string; value: SlotValue; defined: SchemaSlot | undefined }): JSX.Element {
  const { service, slot, value } = props;
  const [editing, setEditing] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const correct = async (next?: string): Promise<void> => {
    setError(null);
    try {
      await correctState([{ service, slot, ...(next === undefined ? {} : { value: next }) }]);
      told.value = t("state.corrected", { slot });
      setEditing(false);
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <li>
      <span class="muted">{slot}</span>
      {editing ? (
        <ValueForm slot={slot} value={value.value} defined={props.defined} save={correct} cancel={() => setEditing(false)} />
      ) : (
        <>
          <bdi class="strong">{value.value}</bdi>
          <span class="tag">{word("source", short(value.origin, "ORIGIN_"))}</span>
          <button type="button" class="small" disabled={live.value !== null} aria-label={t("state.correct", { slot })} onClick={() => setEditing(true)}>
            {t("correct")}
          </button>
          <button type="button" class="small" disabled={live.value !== null} aria-label={t("state.clear", { slot })} onClick={() => void correct()}>
            {t("clear")}
          </button>
        </>
      )}
      <ErrorNote error={error} />
    </li>
  );
}

function ValueForm(props: {
  slot: string;
  value: string;
  defined: SchemaSlot | undefined;
  save: (value: string) => Promise<void>;
  cancel?: () => void;
}): JSX.Element {
  const [value, setValue] = useState(props.value);
  const choices = props.defined?.values?.map((each) => each.value) ?? [];
  const label = t("state.value", { slot: props.slot });
  const offered = value && !choices.includes(value) ? [value, ...choices] : choices;
  return (
    <Form class="line" submit={() => void props.save(value.trim())}>
      {choices.length ? (
        <select autofocus aria-label={label} value={value} onChange={(event) => setValue(event.currentTarget.value)}>
          {!value && <option value="" />}
          {offered.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : (
        <input autofocus dir="auto" aria-label={label} value={value} onInput={(event) => setValue(event.currentTarget.value)} />
      )}
      <button type="submit" class="primary small" disabled={!value.trim() || value === props.value}>
        {t("save")}
      </button>
      {props.cancel && (
        <button type="button" class="small" onClick={props.cancel}>
          {t("cancel")}
        </button>
      )}
    </Form>
  );
}

function NewSlot(props: { service: string; free: SchemaSlot[] }): JSX.Element {
  const [slot, setSlot] = useState("");
  const [error, setError] = useState<unknown>(null);
  const save = async (value: string): Promise<void> => {
    setError(null);
    try {
      await correctState([{ service: props.service, slot, value }]);
      told.value = t("state.corrected", { slot });
      setSlot("");
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <div class="line">
      <select aria-label={t("state.add")} value={slot} disabled={live.value !== null} onChange={(event) => setSlot(event.currentTarget.value)}>
        <option value="">{t("state.add")}</option>
        {props.free.map((each) => (
          <option key={each.name} value={each.name}>
            {each.name}
          </option>
        ))}
      </select>
      {slot && <ValueForm key={slot} slot={slot} value="" defined={props.free.find((each) => each.name === slot)} save={save} />}
      <ErrorNote error={error} />
    </div>
  );
}
