// Generated from nbpipe/views/protocol.py and answers.py; renew with `make protocol`.

export const PROTOCOL = 1;

export const COMM_TARGET = "nbpipe-steps";

export const VIEW_MIME = "application/vnd.nbpipe.view+json";

export type Hue = "done" | "run" | "fail" | "maybe" | "warn" | "idle";

export interface Look { glyph: string; hue: Hue; planned: boolean; border: 'line' | 'dashed' | 'hue'; muted: boolean }

/** Every state by its word, what asks for attention first. */
export const LOOKS: Readonly<Record<string, Look>> = {
  "failed": {
    "glyph": "x",
    "hue": "fail",
    "planned": false,
    "border": "hue",
    "muted": false
  },
  "running": {
    "glyph": "*",
    "hue": "run",
    "planned": false,
    "border": "hue",
    "muted": false
  },
  "queued": {
    "glyph": ":",
    "hue": "run",
    "planned": false,
    "border": "line",
    "muted": false
  },
  "blocked": {
    "glyph": "-",
    "hue": "idle",
    "planned": false,
    "border": "dashed",
    "muted": true
  },
  "cancelled": {
    "glyph": "o",
    "hue": "idle",
    "planned": false,
    "border": "line",
    "muted": true
  },
  "edited": {
    "glyph": "~",
    "hue": "warn",
    "planned": true,
    "border": "line",
    "muted": false
  },
  "new": {
    "glyph": "+",
    "hue": "run",
    "planned": true,
    "border": "line",
    "muted": false
  },
  "will run": {
    "glyph": ">",
    "hue": "run",
    "planned": true,
    "border": "line",
    "muted": false
  },
  "maybe": {
    "glyph": "?",
    "hue": "maybe",
    "planned": true,
    "border": "dashed",
    "muted": false
  },
  "done": {
    "glyph": "v",
    "hue": "done",
    "planned": false,
    "border": "line",
    "muted": false
  },
  "reused": {
    "glyph": "=",
    "hue": "done",
    "planned": false,
    "border": "line",
    "muted": false
  },
  "will reuse": {
    "glyph": "=",
    "hue": "done",
    "planned": true,
    "border": "line",
    "muted": false
  }
};

export const SETTLED: readonly string[] = [
  "blocked",
  "cancelled",
  "done",
  "failed",
  "reused"
];

/** Status word -> SVG around the origin, 16 by 16, in the current colour. */
export const GLYPHS: Readonly<Record<string, string>> = {
  "failed": "<path d=\"M-3.3 -8H3.3L8 -3.3V3.3L3.3 8H-3.3L-8 3.3V-3.3Z\" fill=\"currentColor\" stroke=\"none\"/><path class=\"nbp-cut\" d=\"M-2.8 -2.8 2.8 2.8M2.8 -2.8 -2.8 2.8\" stroke-width=\"2\"/>",
  "running": "<circle r=\"7\" stroke-opacity=\".28\"/><path d=\"M0 -7A7 7 0 0 1 6.1 3.5\"/><circle r=\"2.6\" fill=\"currentColor\" stroke=\"none\"/>",
  "queued": "<circle r=\"7\"/><path d=\"M0 -3.6V.4L2.8 2\"/>",
  "blocked": "<circle r=\"7\"/><path d=\"M-3.4 0H3.4\" stroke-width=\"2.2\"/>",
  "cancelled": "<circle r=\"7\"/><rect x=\"-2.6\" y=\"-2.6\" width=\"5.2\" height=\"5.2\" fill=\"currentColor\" stroke=\"none\"/>",
  "edited": "<path d=\"M-6.4 6.4 -5.4 2.6 3 -5.8A1.9 1.9 0 0 1 5.8 -3L-2.6 5.4Z\"/>",
  "new": "<circle r=\"7\"/><path d=\"M-3.4 0H3.4M0 -3.4V3.4\"/>",
  "will run": "<path d=\"M-4.2 -6 6 0 -4.2 6Z\" fill=\"currentColor\"/>",
  "maybe": "<circle r=\"7\" stroke-dasharray=\"3.1 2.4\"/><path d=\"M-2.2 -1.8A2.2 2.2 0 1 1 0 .9V1.6\"/><circle cy=\"4\" r=\".6\" fill=\"currentColor\"/>",
  "done": "<circle r=\"8\" fill=\"currentColor\" stroke=\"none\"/><path class=\"nbp-cut\" d=\"M-3.6 .2 -1 2.8 3.8 -2.6\" stroke-width=\"2\"/>",
  "reused": "<path d=\"M5.9 -3.6A7 7 0 1 0 7 1.2\"/><path d=\"M6.9 -7 6.3 -3 2.4 -3.6\"/>",
  "will reuse": "<path d=\"M5.9 -3.6A7 7 0 1 0 7 1.2\"/><path d=\"M6.9 -7 6.3 -3 2.4 -3.6\"/>"
};

export const DATA_GLYPH = "<ellipse cy=\"-6\" rx=\"7\" ry=\"2.8\"/><path d=\"M-7 -6V5c0 1.6 3 2.8 7 2.8s7 -1.2 7 -2.8v-11M-7 -.5c0 1.6 3 2.8 7 2.8s7 -1.2 7 -2.8\"/>";
export const SCREEN_GLYPH = "<path d=\"M-4 -3.5h8v5h-8zM-1.5 3.5h3\"/>";

export const LIGHT: Readonly<Record<string, string>> = {
  "canvas": "#F7F8FA",
  "node": "#FFFFFF",
  "fg": "#1B1F24",
  "fg2": "#57606C",
  "line": "#D5DAE1",
  "edge": "#A3ACB8",
  "done": "#00695C",
  "run": "#1266D6",
  "fail": "#B3261E",
  "maybe": "#6B3FA0",
  "warn": "#9A6B00",
  "idle": "#76808E",
  "done-tint": "#E3F4F0",
  "run-tint": "#E4EFFD",
  "fail-tint": "#FDE9E6",
  "maybe-tint": "#F0E9FA",
  "warn-tint": "#FBF1D9",
  "idle-tint": "#EEF0F3"
};

export const DARK: Readonly<Record<string, string>> = {
  "canvas": "#15181D",
  "node": "#22272E",
  "fg": "#E8ECF1",
  "fg2": "#A4AFBC",
  "line": "#3A424D",
  "edge": "#5C6774",
  "done": "#3DDBB4",
  "run": "#4C9DFF",
  "fail": "#FF7A5C",
  "maybe": "#D9BBFF",
  "warn": "#F2CC60",
  "idle": "#8A95A3",
  "done-tint": "#16352F",
  "run-tint": "#172F4D",
  "fail-tint": "#43221D",
  "maybe-tint": "#33294A",
  "warn-tint": "#3D3419",
  "idle-tint": "#2B313A"
};

/** An input, output or parameter on the large card of a step: its name, and a value or note. */
export interface PortCard {
  name: string;
  note: string;
}

/** One step as a view draws it. */
export interface NodeCard {
  id: string;
  name: string;
  status: string;
  detail: string;
  why: string;
  advice: string;
  key: string;
  target: string;
  seconds: number | null;
  estimate: number | null;
  started: number | null;
  reused_at: number | null;
  before: string;
  progress: number | null;
  last_line: string;
  metric: string;
  inputs: readonly PortCard[];
  outputs: readonly PortCard[];
  parameters: readonly PortCard[];
  cell: string;
  cell_label: string;
  cell_gone: boolean;
  first: number;
  digest: string;
  script: string;
  badge: string;
  cause: readonly string[];
  line: number | null;
  members: readonly string[];
  counts: Readonly<Record<string, number>>;
  parents: readonly string[];
}

/** The name of data on an edge, and what is known of it. */
export interface LabelCard {
  name: string;
  note: string;
}

/** Data, or order, from one node or data source to a step. */
export interface EdgeCard {
  id: string;
  source: string;
  dest: string;
  state: "there" | "pending" | "stopped" | "order";
  reading: boolean;
  labels: readonly LabelCard[];
}

/** Data that no step makes. */
export interface DataCard {
  id: string;
  name: string;
  note: string;
}

/** A pipeline parameter, its value as text, and the ids of the steps that take it. */
export interface ParameterCard {
  name: string;
  value: string;
  takers: readonly string[];
}

/** Where a card stands: its top left corner and its size, in pixels. */
export interface BoxCard {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where an edge's labels stand: their middle, in pixels. */
export interface TextCard {
  x: number;
  y: number;
}

/** Where everything stands when data go one way. */
export interface LayoutCard {
  direction: "right" | "down";
  size: "M" | "S" | "XS";
  width: number;
  height: number;
  boxes: Readonly<Record<string, BoxCard>>;
  paths: Readonly<Record<string, string>>;
  heads: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, TextCard>>;
  tags: Readonly<Record<string, BoxCard>>;
  hairs: Readonly<Record<string, string>>;
}

/** The run that a view shows. */
export interface RunCard {
  id: string;
  status: string;
  live: boolean;
  started: number | null;
  finished: number | null;
  left: number | null;
  settled: number;
}

/** A button: its word, the verb that it asks for and the words behind it. */
export interface ButtonCard {
  label: string;
  verb: string;
  args: Readonly<Record<string, unknown>>;
  title: string;
}

/** A line above the graph, with buttons: "Kernel restarted. Run 14 goes on (3 of 7)", for example. */
export interface BarCard {
  text: string;
  hue: "done" | "run" | "fail" | "maybe" | "warn" | "idle";
  buttons: readonly ButtonCard[];
}

/** What stands around the graph. */
export interface HeadCard {
  pipeline: string;
  mode: "plan" | "run" | "last" | "empty" | "broken";
  summary: string;
  run: RunCard | null;
  primary: ButtonCard;
  stop: boolean;
  saved: number;
  bar: BarCard | null;
  problems: readonly string[];
  sample: string;
}

/** The first message on the door. */
export interface Hello {
  protocol: number;
  version: string;
  pipelines: readonly string[];
  type: "hello";
}

/** A graph, whole. `revision` counts upward; patches follow it without a gap. */
export interface GraphMessage {
  view: string;
  revision: number;
  head: HeadCard;
  nodes: readonly NodeCard[];
  edges: readonly EdgeCard[];
  data: readonly DataCard[];
  parameters: readonly ParameterCard[];
  layouts: readonly LayoutCard[];
  now: number;
  type: "graph";
}

/** What changed since revision `revision - 1`: whole cards in place of those of the same id. */
export interface PatchMessage {
  view: string;
  revision: number;
  head: HeadCard | null;
  nodes: readonly NodeCard[];
  edges: readonly EdgeCard[];
  data: readonly DataCard[];
  parameters: readonly ParameterCard[] | null;
  now: number;
  type: "patch";
}

/** A log that a view follows has grown: how long it is now; the view asks for the lines that it shows. */
export interface LogMessage {
  view: string;
  number: number;
  step: string;
  run: string;
  attempt: number;
  lines: number;
  size: number;
  errors: number;
  ended: boolean;
  dropped: number;
  traceback: number | null;
  type: "log";
}

/** An error as people read it. */
export interface ErrorCard {
  fact: string;
  place: string;
  remedy: string;
}

/** The answer to a request: a value, or an error. */
export interface AnswerMessage {
  id: string;
  value: unknown;
  error: ErrorCard | null;
  type: "answer";
}

/** What the kernel asks the page to do with the notebook: put a cell in place of one, or below the active one. */
export interface HostMessage {
  cell: string;
  text: string;
  type: "host";
}

/** What a view asks for; every request is answered. */
export interface Request {
  id: string;
  view: string;
  verb: string;
  args: Readonly<Record<string, unknown>>;
  type: "request";
}

/** A line of a diff: `+`, `-`, blank for what stays, `@` for a place. */
export interface DiffLine {
  mark: "+" | "-" | " " | "@";
  text: string;
}

/** What changed in one text. */
export interface DiffCard {
  title: string;
  lines: readonly DiffLine[];
}

/** One ingredient of a fingerprint, and what it was before where that differs. */
export interface IngredientCard {
  kind: string;
  name: string;
  value: string;
  before: string | null;
}

/** A failed step's card. */
export interface FailureCard {
  title: string;
  place: string;
  remedy: string;
  differs: readonly string[];
  line: number | null;
  cell_line: number | null;
  kept: string;
}

/** Why a step runs, ran or is reused (verb `why`). */
export interface WhyAnswer {
  step: string;
  sentences: readonly string[];
  diffs: readonly DiffCard[];
  key: string;
  ingredients: readonly IngredientCard[];
  compared_run: string;
  cause: readonly string[];
  failure: FailureCard | null;
}

/** A line of a log: its text may have SGR colour sequences, and no other control. */
export interface LogLine {
  number: number;
  error: boolean;
  text: string;
  cut: number;
}

/** Lines of a log from a number on (verb `log_page`). */
export interface LogPage {
  first: number;
  lines: readonly LogLine[];
  total: number;
}

/** Numbers of the lines that hold a text (verb `log_find`). */
export interface LogHits {
  numbers: readonly number[];
  more: boolean;
  next: number;
}

/** What can be shown of some data without running anything. */
export interface PreviewCard {
  kind: "table" | "image" | "text" | "json" | "folder" | "binary";
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  first: number;
  total: number | null;
  text: string;
  image: string;
  entries: readonly (readonly string[])[];
  cut: boolean;
  note: string;
}

/** An input or output of a step. */
export interface DataItem {
  name: string;
  role: "input" | "output" | "files";
  note: string;
  digest: string;
  code: string;
  there: boolean;
}

/** What a step reads and writes (verb `data`). */
export interface DataAnswer {
  items: readonly DataItem[];
}

/** A metric: its values in order; an image or a table where it is one. */
export interface SeriesCard {
  name: string;
  values: readonly number[];
  text: string;
  image: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
  earlier: number | null;
}

/** What a step logged (verb `metrics`). */
export interface MetricsAnswer {
  series: readonly SeriesCard[];
}

/** An earlier run of a step, newest first. */
export interface HistoryItem {
  run: string;
  status: string;
  why: string;
  key: string;
  seconds: number | null;
  time: number | null;
  same: boolean;
}

/** Earlier runs of a step (verb `history`). */
export interface HistoryAnswer {
  items: readonly HistoryItem[];
}

/** A step's script (verb `script`), as it is now or as it was in a run. */
export interface ScriptAnswer {
  file: string;
  text: string;
  cell: string;
  first: number;
  changed: readonly number[];
}

/** A run of the workspace (verb `runs`), newest first. */
export interface RunItem {
  id: string;
  pipeline: string;
  status: string;
  summary: string;
  live: boolean;
  started: number | null;
  finished: number | null;
}

/** Runs of the workspace. */
export interface RunsAnswer {
  items: readonly RunItem[];
}

/** A cell that the host inserts, and what is worth saying about it (verbs `extract`, `edit`, `restore`). */
export interface CellText {
  text: string;
  name: string;
  notes: readonly string[];
  questions: readonly string[];
}

/** A parameter that may be set. */
export interface ParamItem {
  name: string;
  value: unknown;
  options: readonly unknown[];
  low: number | null;
  high: number | null;
  step: number | null;
}

/** The parameters of the pipeline (verb `params`). */
export interface ParamsAnswer {
  items: readonly ParamItem[];
}

/** The run that was started (verb `run`); empty where none was, since a notebook is only read. */
export interface RunAnswer {
  run: string;
}

export type Message = Hello | GraphMessage | PatchMessage | LogMessage | AnswerMessage | HostMessage;

/** Verb -> what its answer holds. */
export interface Answers {
  why: WhyAnswer;
  log_page: LogPage;
  log_find: LogHits;
  data: DataAnswer;
  preview: PreviewCard;
  metrics: MetricsAnswer;
  history: HistoryAnswer;
  compare: WhyAnswer;
  script: ScriptAnswer;
  runs: RunsAnswer;
  extract: CellText;
  restore: CellText;
  params: ParamsAnswer;
  run: RunAnswer;
}
