// What the console reads of the contract, as proto3 JSON writes it: what has its default is left out.

export interface Session {
  id: string;
  userId: string;
  schemaName?: string;
  schemaRevision?: string;
  status: "SESSION_STATUS_OPEN" | "SESSION_STATUS_ENDED";
  versionId?: string;
  lastTurnNumber?: number;
  updateTime?: string;
  mode?: string;
  modeRevision?: string;
  heldBy?: string;
  handoffTime?: string;
  handoffNote?: string;
  lastTurn?: Turn;
}

/** How far a reply in work has come. */
export interface Progress {
  sessionId: string;
  turnId: string;
  length?: number;
  end?: string;
  shadow?: boolean;
}

export interface Position {
  round?: number;
  attempt?: number;
  offset?: number;
  writer?: string;
}

export interface Constraint {
  kind: string;
  value?: string;
  unit?: string;
  min?: number;
  max?: number;
  source?: string;
}

export interface Feedback {
  rating?: number;
  comment?: string;
  editedText?: string;
  constraints?: Constraint[];
}

export interface PassageRef {
  id: string;
  revision?: string;
  score?: number;
  mark?: string;
}

export interface FactRef {
  id: string;
  revision?: string;
  mark?: string;
}

export interface EvidencePiece {
  passage?: PassageRef;
  fact?: FactRef;
  start?: number;
  end?: number;
  probability?: number;
}

export interface EvidenceAnswer {
  kind?: string;
  verdict?: string;
  probability?: number;
  pieces?: EvidencePiece[];
  start?: number;
  end?: number;
}

export interface Evidence {
  language?: string;
  answers?: EvidenceAnswer[];
}

export interface Manifest {
  versionId?: string;
  baseModel?: string;
  historyDraftIds?: string[];
  dropped?: { first?: number; last?: number };
  stateRevision?: string;
  passages?: PassageRef[];
  facts?: FactRef[];
  feedbackIds?: string[];
  dtype?: string;
  seed?: string;
  engine?: string;
  worker?: string;
  correction?: { exampleId?: string; probability?: number; kind?: string; supersededBy?: string };
  layersVersionId?: string;
  evidence?: Evidence;
  composedBy?: string;
}

export interface Citation {
  mark?: string;
  passage?: PassageRef;
  fact?: FactRef;
  start?: number;
  end?: number;
  marked?: boolean;
  supported?: boolean;
}

export interface ConstraintCheck {
  constraint: Constraint;
  met?: boolean;
}

export interface Usage {
  promptTokens?: number;
  reusedTokens?: number;
  replyTokens?: number;
  queueTime?: string;
  firstTokenTime?: string;
  generationTime?: string;
}

export interface Draft {
  id: string;
  round?: number;
  text?: string;
  origin?: string;
  finishReason?: string;
  usage?: Usage;
  manifest?: Manifest;
  feedback?: Feedback;
  constraints?: Constraint[];
  accepted?: boolean;
  createTime?: string;
  checks?: ConstraintCheck[];
  citations?: Citation[];
  handoff?: boolean;
  shadow?: boolean;
}

export interface Understood {
  intents?: Record<string, string>;
  entities?: { text: string; kind: string }[];
  constraints?: Constraint[];
  unparsed?: string[];
}

export interface Ready {
  service: string;
  intent: string;
  values?: Record<string, string>;
  confirmed?: boolean;
}

export interface Turn {
  id: string;
  sessionId: string;
  number: number;
  text: string;
  status: string;
  position?: Position;
  drafts?: Draft[];
  acceptedRound?: number;
  understood?: Understood;
  versionId?: string;
  error?: { reason?: string; message?: string };
  excluded?: boolean;
  createTime?: string;
  ready?: Ready;
  cancelReason?: string;
}

export interface TurnEvent {
  turnId: string;
  position?: Position;
  accepted?: { sessionId: string; turnNumber: number; status?: string; generatorUp?: boolean; versionId?: string };
  queued?: { place?: number };
  understood?: Understood;
  state?: { state?: State; revision?: string };
  grounding?: { passages?: PassageRef[]; facts?: FactRef[]; evidence?: Evidence };
  delta?: { text: string };
  restarted?: { reason?: string };
  completed?: { draft: Draft };
  cancelled?: { reason?: string; draft?: Draft };
  failed?: { error?: { reason?: string; message?: string } };
  ready?: Ready;
}

export interface SlotValue {
  value: string;
  origin?: string;
  turn?: number;
}

export interface ServiceState {
  intent?: string;
  requested?: string[];
  slots?: Record<string, SlotValue>;
}

export interface State {
  services?: Record<string, ServiceState>;
}

export interface StateSnapshot {
  turnNumber?: number;
  revision?: string;
  state?: State;
}

export interface SchemaSlot {
  name: string;
  description?: string;
  values?: { value: string }[];
}

export interface SchemaService {
  name: string;
  description?: string;
  intents?: { name: string; description?: string; requiredSlots?: string[] }[];
  slots?: SchemaSlot[];
}

export interface Schema {
  name: string;
  revision?: string;
  services?: SchemaService[];
}

export interface Passage {
  id: string;
  documentName: string;
  headings?: string[];
  text: string;
}

export interface Fact {
  id: string;
  revision: string;
  entity: string;
  slot: string;
  value: string;
  text: string;
  status?: string;
  operation?: string;
  createTime?: string;
  stale?: boolean;
  provenance?: { turnId?: string; feedbackId?: string; documentName?: string; author?: string; quote?: string };
}

export interface Candidate {
  id: string;
  entity: string;
  slot: string;
  value?: string;
  text?: string;
  question?: string;
  retracts?: string;
  conflictsWith?: Fact;
  createTime?: string;
  provenance?: Fact["provenance"];
}

export interface Ingestion {
  id: string;
  name: string;
  revision?: string;
  status: string;
  passages?: number;
  searchable?: number;
  embedded?: number;
  error?: string;
  updateTime?: string;
  warnings?: string[];
  effective?: string;
}

export interface Measure {
  name: string;
  before?: number;
  after?: number;
  limit?: number;
  passed?: boolean;
  items?: number;
  low?: number;
  high?: number;
}

export interface Version {
  id: string;
  baseModel?: string;
  parentId?: string;
  trainingId?: string;
  status?: string;
  measures?: Measure[];
  trainedOnErased?: boolean;
  sizeBytes?: string;
  createTime?: string;
  kind?: string;
  scope?: { corrections?: number; threshold?: number };
}

export interface VersionPointer {
  currentId?: string;
  previousId?: string;
  canaryId?: string;
  canaryShare?: number;
  epoch?: string;
}

export interface Training {
  id: string;
  status: string;
  versionId?: string;
  newExamples?: string;
  replayExamples?: string;
  step?: number;
  totalSteps?: number;
  loss?: number;
  etaSeconds?: number;
  error?: string;
  createTime?: string;
  kind?: string;
}

export interface FeedbackRecord {
  id: string;
  turnId?: string;
  sessionId?: string;
  round?: number;
  userId?: string;
  feedback?: Feedback;
  prompt?: string;
  reply?: string;
  status?: string;
  refusal?: string;
  createTime?: string;
}
