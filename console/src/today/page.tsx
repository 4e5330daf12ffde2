// Today: how much was asked, how fast and how well it was answered, and what came of it.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { language, number, percent, t, word } from "../text";
import { Busy, Empty, ErrorNote, Field } from "../ui";
import { type Activity, DAYS, type Days, columns, seconds, useActivity } from "./figures";

/** The page. */
export function TodayPage(): JSX.Element {
  const [days, setDays] = useState<Days>(1);
  const { value, error, again } = useActivity(days);
  return (
    <div class="sheet">
      <div class="bar">
        <h1>{t("page.today")}</h1>
        <Field label={t("today.span")}>
          {(id) => (
            <select id={id} value={days} onChange={(event) => setDays(Number(event.currentTarget.value) as Days)}>
              {DAYS.map((each) => (
                <option key={each} value={each}>
                  {word("span", String(each))}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <ErrorNote error={error} retry={again} />
      {!value && !error && <Busy />}
      {value && <Figures activity={value} days={days} />}
    </div>
  );
}

function Figures(props: { activity: Activity; days: Days }): JSX.Element {
  const { activity } = props;
  const { turns = 0, satisfiedAtOnce = 0, satisfiedRevised = 0, answeredByPerson = 0 } = activity;
  const judged = satisfiedAtOnce + satisfiedRevised + answeredByPerson;
  const share = (part: number): string => (judged ? percent(part / judged) : "–");
  const sources = activity.unsupportedReplies ?? 0;
  const something = [turns, activity.takeovers, activity.feedback, activity.learned].some(Boolean);
  return (
    <>
      {activity.cut && <p class="note warn">{t("today.cut")}</p>}
      {turns === 0 ? (
        <Empty title={t("today.none")}>
          <p class="muted">{t("today.none.about")}</p>
        </Empty>
      ) : (
        <section class="card" aria-label={t("today.turns")}>
          <h2>{t("today.turns")}</h2>
          <p class="figure">{number(turns)}</p>
          <p class="muted">{ends(activity)}</p>
          <Columns {...props} />
        </section>
      )}
      {something && (
        <dl class="figures">
          <Figure label={t("today.firstWords")} value={time(activity.firstWordsMedian)}>
            {t("today.p95", { time: time(activity.firstWordsP95) })}
          </Figure>
          <Figure label={t("today.reply")} value={time(activity.replyMedian)}>
            {t("today.p95", { time: time(activity.replyP95) })}
          </Figure>
          <Figure label={t("today.atOnce")} value={share(satisfiedAtOnce)}>
            {t("today.of", { n: satisfiedAtOnce, all: judged })}
          </Figure>
          <Figure label={t("today.revised")} value={share(satisfiedRevised)}>
            {t("today.of", { n: satisfiedRevised, all: judged })}
          </Figure>
          <Figure label={t("today.takeovers")} value={number(activity.takeovers ?? 0)}>
            {t("today.byPerson", { n: answeredByPerson })}
          </Figure>
          <Figure label={t("today.unsupported")} value={number(activity.unsupportedSentences ?? 0)}>
            {t("today.inReplies", { n: sources })}
          </Figure>
          <Figure label={t("today.feedback")} value={number(activity.feedback ?? 0)}>
            {t("today.corrections", { n: activity.corrections ?? 0 })}
          </Figure>
          <Figure label={t("today.learned")} value={number(activity.learned ?? 0)}>
            {t("today.learned.about")}
          </Figure>
        </dl>
      )}
      <Ratings ratings={activity.ratings ?? []} />
    </>
  );
}

function Figure(props: { label: string; value: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="card">
      <dt>{props.label}</dt>
      <dd class="figure">{props.value}</dd>
      <dd class="muted">{props.children}</dd>
    </div>
  );
}

function time(duration: string | undefined): string {
  const value = seconds(duration);
  return value === null ? "–" : t("today.seconds", { n: number(value, value < 10 ? 2 : 0) });
}

function ends(activity: Activity): string {
  const counts: [string, number | undefined][] = [
    ["COMPLETED", activity.completed],
    ["FAILED", activity.failed],
    ["CANCELLED", activity.cancelled],
    ["HELD", activity.held],
  ];
  return counts.flatMap(([name, count]) => (count ? [`${word("turnStatus", name)}: ${number(count)}`] : [])).join(" · ");
}

const WIDTH = 720;
const HEIGHT = 120;
const GAP = 2;

/** Turns by hour, or by day, as columns; the same in words for those who do not see them. */
function Columns(props: { activity: Activity; days: Days }): JSX.Element {
  const all = columns(props.activity, props.days);
  const most = Math.max(1, ...all.map((column) => column.turns));
  const wide = WIDTH / all.length;
  const format = new Intl.DateTimeFormat(language.value === "zh" ? "zh-CN" : "en-GB", props.days === 1 ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" });
  const [first, last] = [all[0], all.at(-1)];
  const peak = all.find((column) => column.turns === most);
  return (
    <figure class="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t(props.days === 1 ? "today.byHour" : "today.byDay", { most, when: peak ? format.format(peak.start) : "" })}>
        {all.map((column, index) => {
          const high = (column.turns / most) * HEIGHT;
          return (
            <rect key={index} x={index * wide + GAP / 2} y={HEIGHT - Math.max(high, 1)} width={wide - GAP} height={Math.max(high, 1)} class={column.turns ? "some" : "none"}>
              <title>{`${format.format(column.start)}: ${number(column.turns)}`}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption class="muted">
        <span>{first && format.format(first.start)}</span>
        <span>{t("today.most", { n: most })}</span>
        <span>{last && format.format(last.start)}</span>
      </figcaption>
    </figure>
  );
}

function Ratings(props: { ratings: number[] }): JSX.Element | null {
  const all = props.ratings.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  return (
    <section class="card" aria-label={t("today.ratings")}>
      <h2>{t("today.ratings")}</h2>
      <ul class="ratings">
        {props.ratings.map((count, index) => (
          <li key={index}>
            <span aria-label={t("rate.of", { n: index + 1 })} role="img">
              {index + 1} ★
            </span>
            <progress aria-hidden="true" max={all} value={count} />
            <span>{number(count)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
