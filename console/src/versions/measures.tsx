// The measures of the gate: before, after, the limit, and whether it is passed.
import type { JSX } from "preact";
import type { Measure } from "../api/contract";
import { number, t, word } from "../text";

/** The table. */
export function Measures(props: { measures: Measure[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={t("measures")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("measure")}</th>
            <th scope="col">{t("measure.before")}</th>
            <th scope="col">{t("measure.after")}</th>
            <th scope="col">{t("measure.interval")}</th>
            <th scope="col">{t("measure.limit")}</th>
            <th scope="col">{t("measure.items")}</th>
            <th scope="col">{t("measure.gate")}</th>
          </tr>
        </thead>
        <tbody>
          {props.measures.map((measure) => (
            <Row key={measure.name} measure={measure} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: { measure: Measure }): JSX.Element {
  const { name, before = 0, after = 0, limit, passed = false, items = 0, low, high } = props.measure;
  const interval = high === undefined ? "–" : `${number(low ?? 0)} – ${number(high)}`;
  return (
    <tr>
      <th scope="row">{word("measures", name)}</th>
      <td>{number(before)}</td>
      <td>{number(after)}</td>
      <td>{interval}</td>
      <td>{limit === undefined ? "–" : number(limit)}</td>
      <td>{number(items, 0)}</td>
      <td>{limit === undefined ? <span class="muted">{t("measure.informs")}</span> : <span class={passed ? "tag good" : "tag bad"}>{t(passed ? "measure.passed" : "measure.notPassed")}</span>}</td>
    </tr>
  );
}
