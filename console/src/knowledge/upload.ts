// Uploading a document: a header, then its bytes in envelopes of one body.
import { requestId, stream } from "../api/connect";
import type { Ingestion } from "../api/contract";

const CHUNK = 256 * 1024;
const STEP = 0x8000;

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += STEP) {
    binary += String.fromCharCode(...bytes.subarray(start, start + STEP));
  }
  return btoa(binary);
}

/** Uploads a file under its name. Throws CallError. */
export async function upload(file: File): Promise<Ingestion> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const parts: object[] = [{ header: { name: file.name, requestId: requestId() } }];
  for (let start = 0; start < bytes.length; start += CHUNK) {
    parts.push({ chunk: base64(bytes.subarray(start, start + CHUNK)) });
  }
  for await (const answer of stream<{ ingestion: Ingestion }>("KnowledgeService/IngestDocument", parts)) return answer.ingestion;
  throw new Error("no answer");
}

/** Follows an ingestion until it ends. Throws CallError. */
export async function watch(ingestionId: string, show: (ingestion: Ingestion) => void, signal: AbortSignal): Promise<void> {
  const path = "KnowledgeService/WatchIngestion";
  for await (const answer of stream<{ ingestion: Ingestion }>(path, [{ ingestionId }], { signal })) show(answer.ingestion);
}
