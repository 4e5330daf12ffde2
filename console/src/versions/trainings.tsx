// Trainings: started, followed live with their loss, and listed.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, requestId, stream } from "../api/connect";
import type { Training } from "../api/contract";
import { usePages } from "../pages";
import { number, short, t, when, word } from "../text";
import { ErrorNote } from "../ui";

const ENDED = new Set(["TRAINING_STATUS_COMPLETED", "TRAINING_STATUS_CANCELLED", "TRAINING_STATUS_FAILED"]);
const SHOWN = 5;

/** The latest trainings and the way to another one. */
export function Trainings(props: { ended: () => void }): JSX.Element {
  const pages = usePages<Training>("ModelService/ListTrainings", { pageSize: SHOWN }, "trainings");
  const [error, setError] = useState<unknown>(null);
  const left = useRef(new AbortController());
  useEffect(() => () => left.current.abort(), []);
  const show = (training: Training): void =>
    pages.change((items) => [training, ...items.filter((each) => each.id !== training.id)].sort((a, b) => ((a.createTime ?? "") < (b.createTime ?? "") ? 1 : -1)));
  const follow = async (trainingId: string): Promise<void> => {
    try {
      const messages = stream<{ training: Training }>("ModelService/WatchTraining", [{ trainingId }], { signal: left.current.signal });
      for await (const { training } of messages) show(training);
      props.ended();
    } catch (refused) {
      if (!left.current.signal.aborted) setError(refused);
    }
  };
  const running = pages.items?.find((training) => !ENDED.has(training.status));
  useEffect(() => {
    if (running) void follow(running.id);
  }, [running?.id]);
  const start = async (): Promise<void> => {
    setError(null);
    try {
      show((await call<{ training: Training }>("ModelService/StartTraining", { requestId: requestId() })).training);
    } catch (refused) {
      setError(refused);
    }
  };
  const cancel = async (trainingId: string): Promise<void> => {
    setError(null);
    try {
      show((await call<{ training: Training }>("ModelService/CancelTraining", { trainingId, requestId: requestId() })).training);
    } catch (refused) {
      setError(refused);
    }
  };
  return (
    <>
      <div class="bar">
        <h2>{t("trainings")}</h2>
        <button type="button" disabled={running !== undefined || pages.items === null} onClick={() => void start()}>
          {t("training.start")}
        </button>
      </div>
      <ErrorNote error={error} />
      {pages.items?.length === 0 && <p class="muted">{t("trainings.none")}</p>}
      <ul class="cards" aria-label={t("trainings")}>
        {pages.items?.map((training) => (
          <TrainingCard key={training.id} training={training} cancel={() => void cancel(training.id)} />
        ))}
      </ul>
    </>
  );
}

function TrainingCard(props: { training: Training; cancel: () => void }): JSX.Element {
  const { training } = props;
  const status = short(training.status, "TRAINING_STATUS_");
  const open = !ENDED.has(training.status);
  const { step = 0, totalSteps = 0, loss, etaSeconds } = training;
  return (
    <li class="card">
      <div class="bar">
        <span class="grow">{when(training.createTime)}</span>
        <span class={status === "FAILED" ? "tag bad" : status === "COMPLETED" ? "tag good" : "tag"}>{word("training", status)}</span>
        {open && (
          <button type="button" class="small" onClick={props.cancel}>
            {t("cancel")}
          </button>
        )}
      </div>
      <p class="muted">
        {t("training.line", { fresh: training.newExamples ?? 0, replayed: training.replayExamples ?? 0, step, total: totalSteps })}
        {loss ? ` · ${t("training.loss", { loss: number(loss) })}` : ""}
        {open && etaSeconds ? ` · ${t("training.eta", { n: number(etaSeconds, 0) })}` : ""}
      </p>
      {open && totalSteps > 0 && <progress aria-label={t("training.progress")} value={step} max={totalSteps} />}
      {training.error && <p class="note bad">{training.error}</p>}
    </li>
  );
}
