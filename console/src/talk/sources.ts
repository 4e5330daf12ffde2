// The text of what a reply was made from: passages and facts by their ids, each read once.
import { signal } from "@preact/signals";
import { CallError, call } from "../api/connect";
import type { Draft, Fact, Passage } from "../api/contract";

export const passages = signal<Record<string, Passage>>({});
export const facts = signal<Record<string, Fact>>({});
export const sourcesError = signal<unknown>(null);

const MOST = 100;
const HISTORY = 50;

/** What a fact's revision is kept under. */
export function factKey(id: string, revision: string | undefined): string {
  return `${id}/${revision ?? "0"}`;
}

/** The passages and facts that a draft names, each once. */
export function named(draft: Draft): { passages: string[]; facts: { id: string; revision?: string }[] } {
  const { manifest, citations = [] } = draft;
  const pieces = manifest?.evidence?.answers?.flatMap((answer) => answer.pieces ?? []) ?? [];
  const refs = [...citations, ...pieces];
  const ids = [...refs.map((ref) => ref.passage?.id ?? ""), ...(manifest?.passages ?? []).map((ref) => ref.id)];
  const known = [...refs.map((ref) => ref.fact), ...(manifest?.facts ?? [])].filter((ref) => ref !== undefined);
  return {
    passages: [...new Set(ids.filter(Boolean))].slice(0, MOST),
    facts: [...new Map(known.map((ref) => [factKey(ref.id, ref.revision), ref])).values()],
  };
}

/** Reads what a draft names and is not known yet. */
export async function readSources(draft: Draft): Promise<void> {
  const wanted = named(draft);
  sourcesError.value = null;
  try {
    const passageIds = wanted.passages.filter((id) => !(id in passages.value));
    const missing = wanted.facts.filter((ref) => !(factKey(ref.id, ref.revision) in facts.value));
    await Promise.all([passageIds.length ? readPassages(passageIds) : null, ...missing.map((ref) => readFact(ref.id))]);
  } catch (error) {
    sourcesError.value = error;
  }
}

async function readPassages(passageIds: string[]): Promise<void> {
  const answer = await call<{ passages?: Passage[] }>("KnowledgeService/GetPassages", { passageIds });
  const read = (answer.passages ?? []).map((passage) => [passage.id, passage] as const);
  passages.value = { ...passages.value, ...Object.fromEntries(read) };
}

async function readFact(factId: string): Promise<void> {
  try {
    const answer = await call<{ revisions?: Fact[] }>("KnowledgeService/FactHistory", { factId, pageSize: HISTORY });
    const read = (answer.revisions ?? []).map((fact) => [factKey(fact.id, fact.revision), fact] as const);
    facts.value = { ...facts.value, ...Object.fromEntries(read) };
  } catch (error) {
    if (!(error instanceof CallError) || error.code !== "not_found") throw error;
  }
}
