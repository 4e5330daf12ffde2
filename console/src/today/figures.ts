// The figures of a span of days, read again while the page is seen.
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/connect";

export interface Activity {
  startTime: string;
  endTime: string;
  turns?: number;
  completed?: number;
  cancelled?: number;
  failed?: number;
  held?: number;
  satisfiedAtOnce?: number;
  satisfiedRevised?: number;
  answeredByPerson?: number;
  firstWordsMedian?: string;
  firstWordsP95?: string;
  replyMedian?: string;
  replyP95?: string;
  takeovers?: number;
  unsupportedReplies?: number;
  unsupportedSentences?: number;
  feedback?: number;
  corrections?: number;
  ratings?: number[];
  learned?: number;
  turnsByHour?: number[];
  cut?: boolean;
}

/** Whole days back from the end of today: today is 1. */
export type Days = 1 | 7 | 30;
export const DAYS: Days[] = [1, 7, 30];

const PAUSE_MS = 15_000;
const DAY_HOURS = 24;

/** Midnight here, so many days ago. */
function start(days: Days): Date {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - (days - 1));
  return day;
}

export interface Reading {
  value: Activity | null;
  error: unknown;
  again: () => void;
}

/** The figures since then, anew every 15 seconds. */
export function useActivity(days: Days): Reading {
  const [value, setValue] = useState<Activity | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  useEffect(() => setValue(null), [days]);
  useEffect(() => {
    const left = new AbortController();
    let timer = 0;
    const look = async (): Promise<void> => {
      try {
        const request = { startTime: start(days).toISOString() };
        if (!document.hidden) setValue(await call<Activity>("ConversationService/GetActivity", request, { signal: left.signal }));
        setError(null);
      } catch (refused) {
        if (left.signal.aborted) return;
        setError(refused);
        return;
      }
      timer = window.setTimeout(look, PAUSE_MS);
    };
    void look();
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [days, round]);
  return { value, error, again: () => setRound((before) => before + 1) };
}

/** Seconds of a duration such as "1.250s"; null where there is none. */
export function seconds(duration: string | undefined): number | null {
  return duration === undefined ? null : Number(duration.slice(0, -1));
}

/** How many turns each hour of today, or each day of a longer span, had: 24 of them, or as many as there are days. */
export function columns(activity: Activity, days: Days): { start: Date; turns: number }[] {
  const hours = activity.turnsByHour ?? [];
  const wide = days === 1 ? 1 : DAY_HOURS;
  const count = days === 1 ? DAY_HOURS : days;
  const first = new Date(activity.startTime);
  return Array.from({ length: count }, (_, index) => {
    const turns = hours.slice(index * wide, (index + 1) * wide).reduce((sum, each) => sum + each, 0);
    return { start: new Date(first.getTime() + index * wide * 3_600_000), turns };
  });
}
