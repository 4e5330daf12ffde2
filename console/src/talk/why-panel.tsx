// Why a reply says what it says: what its sentences rest on, the wishes it meets, and what wrote it.
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Citation, Draft, EvidencePiece, Manifest } from "../api/contract";
import { length, marked, slice } from "../codepoints";
import { number, percent, short, t, when, word } from "../text";
import { ErrorNote } from "../ui";
import { constraintWords } from "../words";
import { shownDraft } from "./conversation";
import { factKey, facts, named, passages, readSources, sourcesError } from "./sources";

/** The why of the draft that was chosen, or else of the latest one. */
export function WhyPanel(): JSX.Element {
  const draft = shownDraft.value;
  useEffect(() => {
    if (draft) void readSources(draft);
  }, [draft?.id]);
  return (
    <>
      <h2>{t("why")}</h2>
      {draft ? <Why draft={draft} /> : <p class="muted">{t("why.none")}</p>}
    </>
  );
}

function Why(props: { draft: Draft }): JSX.Element {
  const { draft } = props;
  const { manifest, citations = [], checks = [] } = draft;
  const pieces = manifest?.evidence?.answers?.flatMap((answer) => answer.pieces ?? []) ?? [];
  return (
    <>
      <p class="muted">{t("why.draft", { n: (draft.round ?? 0) + 1, time: when(draft.createTime) })}</p>
      <ErrorNote error={sourcesError.value} retry={() => void readSources(draft)} />
      {!manifest && <p>{t("why.human")}</p>}
      {manifest && <Verdicts manifest={manifest} />}
      {citations.length > 0 && (
        <ol class="citations" aria-label={t("why.citations")}>
          {citations.map((citation, index) => (
            <Cited key={index} draft={draft} citation={citation} pieces={pieces} />
          ))}
        </ol>
      )}
      {manifest && citations.length === 0 && <p class="muted">{t("why.noCitations")}</p>}
      {manifest && <AlsoRead draft={draft} pieces={pieces} />}
      {checks.length > 0 && (
        <>
          <h3>{t("why.checks")}</h3>
          <ul class="checks">
            {checks.map((check, index) => (
              <li key={index} class={check.met ? "met" : "unmet"}>
                <span aria-hidden="true">{check.met ? "✓" : "✗"}</span> <bdi>{constraintWords(check.constraint)}</bdi>
                <span class="sr"> ({t(check.met ? "check.met" : "check.unmet")})</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {manifest && <Making draft={draft} manifest={manifest} />}
    </>
  );
}

function Verdicts(props: { manifest: Manifest }): JSX.Element | null {
  const answers = props.manifest.evidence?.answers ?? [];
  if (!answers.length) return null;
  return (
    <ul class="chips" aria-label={t("why.evidence")}>
      {answers.map((answer, index) => (
        <li key={index} class={answer.verdict === "answered" ? "chip good" : "chip"}>
          {word("verdict", answer.verdict ?? "none")}
          {answer.probability !== undefined && ` ${number(answer.probability, 2)}`}
        </li>
      ))}
    </ul>
  );
}

function Cited(props: { draft: Draft; citation: Citation; pieces: EvidencePiece[] }): JSX.Element {
  const { citation } = props;
  const sentence = slice(props.draft.text ?? "", citation.start ?? 0, citation.end ?? 0).trim();
  return (
    <li>
      <p dir="auto">
        <q>{sentence}</q>{" "}
        <span class={citation.supported ? "tag good" : "tag bad"}>{t(citation.supported ? "supported" : "unsupported")}</span>
      </p>
      {citation.passage && <PassageText id={citation.passage.id} pieces={props.pieces} sentence={sentence} />}
      {citation.fact && <FactText id={citation.fact.id} revision={citation.fact.revision} />}
      {!citation.passage && !citation.fact && <p class="muted">{t("why.unknownMark", { mark: citation.mark ?? "" })}</p>}
    </li>
  );
}

const SENTENCES = /[^.!?。！？\n]+[.!?。！？]*/gu;
const MARKS = /\s*\[\d+\]\s*/g;

/** Where the quoted words stand in a passage: its sentences that the draft's has, or else what the evidence names. */
function spansOf(text: string, id: string, pieces: EvidencePiece[], sentence: string): { start: number; end: number }[] {
  const said = sentence.replace(MARKS, "");
  const shared = [...text.matchAll(SENTENCES)].flatMap((match) => {
    const found = match[0].trim();
    if (!said || found.length < 3 || !(said.includes(found) || found.includes(said))) return [];
    const start = length(text.slice(0, match.index)) + length(match[0]) - length(match[0].trimStart());
    return [{ start, end: start + length(found) }];
  });
  if (shared.length) return shared;
  return pieces
    .filter((piece) => piece.passage?.id === id)
    .map((piece) => ({ start: piece.start ?? 0, end: piece.end ?? 0 }));
}

function PassageText(props: { id: string; pieces: EvidencePiece[]; sentence: string }): JSX.Element {
  const passage = passages.value[props.id];
  if (!passage) return <p class="muted code">{t("why.passageGone", { id: props.id })}</p>;
  const spans = spansOf(passage.text, props.id, props.pieces, props.sentence);
  return (
    <blockquote>
      <p class="source muted">
        <bdi>{[passage.documentName, ...(passage.headings ?? [])].join(" › ")}</bdi>
      </p>
      <p dir="auto">
        {marked(passage.text, spans).map((piece, index) => (piece.marked ? <mark key={index}>{piece.text}</mark> : piece.text))}
      </p>
    </blockquote>
  );
}

function FactText(props: { id: string; revision: string | undefined }): JSX.Element {
  const fact = facts.value[factKey(props.id, props.revision)];
  if (!fact) return <p class="muted code">{t("why.factGone", { id: props.id })}</p>;
  const by = fact.provenance?.author ?? "";
  return (
    <blockquote>
      <p class="source muted">
        {t("fact")} · {when(fact.createTime)} {by && `· ${by}`}
      </p>
      <p dir="auto">
        <mark>{fact.text || `${fact.entity}: ${fact.slot} = ${fact.value}`}</mark>
      </p>
    </blockquote>
  );
}

/** What stood in the prompt and is cited by no sentence. */
function AlsoRead(props: { draft: Draft; pieces: EvidencePiece[] }): JSX.Element | null {
  const cited = new Set(props.draft.citations?.map((citation) => citation.passage?.id ?? citation.fact?.id ?? ""));
  const all = named(props.draft);
  const rest = all.passages.filter((id) => !cited.has(id));
  const restFacts = all.facts.filter((ref) => !cited.has(ref.id));
  const count = rest.length + restFacts.length;
  if (!count) return null;
  return (
    <details>
      <summary>{t("why.alsoRead", { n: count })}</summary>
      {rest.map((id) => (
        <PassageText key={id} id={id} pieces={props.pieces} sentence="" />
      ))}
      {restFacts.map((ref) => (
        <FactText key={ref.id} id={ref.id} revision={ref.revision} />
      ))}
    </details>
  );
}

function Row(props: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </>
  );
}

function Making(props: { draft: Draft; manifest: Manifest }): JSX.Element {
  const { manifest, draft } = props;
  const { correction, dropped } = manifest;
  const usage = draft.usage;
  return (
    <>
      <h3>{t("why.making")}</h3>
      <dl>
        <Row name={t("why.version")}>
          <span class="code">{manifest.versionId}</span>
        </Row>
        {manifest.layersVersionId && manifest.layersVersionId !== manifest.versionId && (
          <Row name={t("why.layers")}>
            <span class="code">{manifest.layersVersionId}</span>
          </Row>
        )}
        {manifest.composedBy && <Row name={t("why.composed")}>{word("composed", manifest.composedBy)}</Row>}
        {correction?.exampleId && (
          <Row name={t("why.correction")}>
            <span class="code">{correction.exampleId}</span> {word("correction", short(correction.kind, "CORRECTION_USE_KIND_"))}{" "}
            {percent(correction.probability ?? 0)}
          </Row>
        )}
        <Row name={t("why.memory")}>
          {t("why.memory.drafts", { n: manifest.historyDraftIds?.length ?? 0 })}
          {dropped && ` · ${t("why.memory.dropped", { first: dropped.first ?? 0, last: dropped.last ?? 0 })}`}
        </Row>
        {manifest.stateRevision && <Row name={t("why.state")}>{manifest.stateRevision}</Row>}
        {usage && (
          <Row name={t("why.tokens")}>
            {t("why.tokens.of", { prompt: usage.promptTokens ?? 0, reused: usage.reusedTokens ?? 0, reply: usage.replyTokens ?? 0 })}
          </Row>
        )}
        {usage?.generationTime && (
          <Row name={t("why.time")}>{t("seconds", { n: number(Number.parseFloat(usage.generationTime), 2) })}</Row>
        )}
        <Row name={t("why.engine")}>{[manifest.engine, manifest.dtype].filter(Boolean).join(", ")}</Row>
        <Row name={t("why.draftId")}>
          <span class="code">{draft.id}</span>
        </Row>
      </dl>
    </>
  );
}
