// A kernel in the page: it answers a view's requests from fixed values.

const LOG_LINES = [
  'read 266 rows from {train}', ...Array.from({ length: 10 }, (_, at) => `column ${at} ok`),
  'fit: 266 rows, 4 features', 'epoch 1/50  loss 0.6931', 'Traceback (most recent call last):',
  '  File "train_logistic.py", line 31, in <module>', '    model.fit(X, y)', 'ValueError: Input X contains NaN.'
];
const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABgAAAAYCAIAAABvFaqvAAAALklEQVR42mP4dCYBDQmlXUNDxKhhGDWIjgaRpw1TzahB9DRoNGWP5rVRg+hiEADWLNmuRzp2aAAAAABJRU5ErkJggg==';

/** Lines of a log of any length, made when they are asked for. */
export class Log {
  constructor(lines, { errors = 0, traceback = null, text = number => `line ${number}`, error = () => false } = {}) {
    Object.assign(this, { lines, errors, traceback, text, error, ended: true });
  }

  page(first, count) {
    const last = Math.min(this.lines, first + count - 1);
    const lines = [];
    for (let number = first; number <= last; number++) {
      const text = this.text(number);
      const cut = Math.max(0, text.length - 4000);
      lines.push({ number, error: this.error(number), text: text.slice(0, 4000), cut });
    }
    return { first, lines, total: this.lines };
  }

  find(wanted, first) {
    const numbers = [];
    let number = first;
    for (; number <= this.lines && numbers.length < 100; number++) {
      if (this.text(number).toLowerCase().includes(wanted.toLowerCase())) {
        numbers.push(number);
      }
    }
    return { numbers, more: number <= this.lines, next: number };
  }
}

export const FAILED = new Log(LOG_LINES.length, {
  errors: 4, traceback: 14, text: number => LOG_LINES[number - 1], error: number => number > 13
});

const DIFF = {
  title: 'split.py',
  lines: [
    { mark: '@', text: 'line 7' }, { mark: ' ', text: 'import pandas as pd' }, { mark: ' ', text: '' },
    { mark: '-', text: "frame = pd.read_csv(args.clean).dropna()" }, { mark: '+', text: 'frame = pd.read_csv(args.clean)' },
    { mark: ' ', text: 'train = frame.sample(frac=0.8, random_state=7)' }, { mark: ' ', text: 'test = frame.drop(train.index)' }
  ]
};

/** What the kernel knows, by verb; a function gets the request's arguments. */
export function answers() {
  return {
    why: {
      step: '', compared_run: '12', key: 'e07d55c2a91b'.repeat(5), cause: ['split', 'train_logistic'],
      sentences: [
        '{train} has 266 rows, it had 267 in run 12.', 'split ran because split.py line 9 changed.',
        'The script and the arguments of this step are as in run 12.'
      ],
      diffs: [DIFF],
      ingredients: [
        { kind: 'script', name: 'train_logistic.py', value: 'sha256:44be01', before: null },
        { kind: 'input', name: 'train', value: 'sha256:9df1a0', before: 'sha256:0c77e2' },
        { kind: 'argument', name: '--C', value: '1.0', before: null },
        { kind: 'package', name: 'scikit-learn', value: '1.5.2', before: null }
      ],
      failure: {
        title: 'Input X contains NaN', place: 'ValueError in train_logistic.py, line 31 (cell 6, line 32)',
        remedy: 'Fill or drop the missing values in split:\n  frame = frame.dropna()',
        differs: ['New since run 12: {train} has 266 rows, it had 267.', 'Root: split.py line 9 changed, so split and this step ran.'],
        line: 31, cell_line: 32, kept: 'Nothing is lost: prepare and split stay reusable.'
      }
    },
    data: {
      items: [
        { name: 'train', role: 'input', note: '266 rows · 14 KB', digest: '9df1a0', code: "pandas.read_csv('train.csv')", there: true },
        { name: 'model', role: 'output', note: 'not written: the step failed', digest: '', code: '', there: false },
        { name: 'plots', role: 'output', note: '2 files · 80 KB', digest: '0aa7b1', code: '', there: true },
        { name: 'report', role: 'output', note: '1.2 KB', digest: '77aa02', code: "json.load(open('report.json'))", there: true },
        { name: 'outputs', role: 'files', note: 'empty', digest: '', code: '', there: false }
      ]
    },
    preview: ({ name, path, first, count }) => preview(name, path, first, count),
    metrics: {
      series: [
        { name: 'accuracy', values: [0.941], text: '', image: '', columns: [], rows: [], earlier: 0.92 },
        { name: 'solver', values: [], text: 'lbfgs', image: '', columns: [], rows: [], earlier: null },
        {
          name: 'loss', values: Array.from({ length: 50 }, (_, at) => 0.7 / (1 + at / 6) + Math.sin(at) / 60),
          text: '', image: '', columns: [], rows: [], earlier: 0.11
        },
        { name: 'long', values: Array.from({ length: 20000 }, (_, at) => Math.sin(at / 900) * 1e6), text: '', image: '', columns: [], rows: [], earlier: null },
        { name: 'confusion', values: [], text: '', image: PNG, columns: [], rows: [], earlier: null },
        { name: 'scores', values: [], text: '', image: '', columns: ['species', 'f1'], rows: [['Adelie', '0.98'], ['Gentoo', '0.99']], earlier: null }
      ]
    },
    history: () => ({
      items: ['14', '13', '12', '9'].map((run, at) => ({
        run, status: ['failed', 'cancelled', 'done', 'reused'][at], why: ['split changed ← split.py line 9', 'by user', '--C 0.5 → 1.0', 'same as run 8'][at],
        key: 'e07d55', seconds: [2.3, 0.9, 12.4, null][at], time: Date.now() / 1000 - 86400 * at, same: at === 3
      }))
    }),
    compare: ({ run, other }) => ({
      step: '', compared_run: other, key: '', cause: [], failure: null, ingredients: [],
      sentences: [`--C 0.5 → 1.0 between run ${other} and run ${run}.`], diffs: [DIFF]
    }),
    script: {
      file: 'train_logistic.py', cell: 'c6', first: 2, changed: [9, 30],
      text: Array.from({ length: 40 }, (_, at) => (at === 30 ? 'model.fit(X, y)' : `x_${at} = frame["column ${at}"]`)).join('\n')
    }
  };
}

function preview(name, path, first, count) {
  const card = { columns: [], rows: [], first, total: null, text: '', image: '', entries: [], cut: false, note: '' };
  if (name === 'plots' && path === '') {
    return { ...card, kind: 'folder', entries: [['loss.png', '61 KB'], ['notes.txt', '19 KB']] };
  }
  if (name === 'plots') {
    return path.endsWith('.png') ? { ...card, kind: 'image', image: PNG } : { ...card, kind: 'text', text: 'one\ntwo\n' };
  }
  if (name === 'report') {
    return { ...card, kind: 'json', text: JSON.stringify({ accuracy: 0.941, labels: ['Adelie', 'Gentoo'], model: { solver: 'lbfgs', C: 1 } }) };
  }
  const last = Math.min(266, first + count);
  const rows = Array.from({ length: last - first }, (_, at) => [String(first + at), 'Adelie', (35 + at / 7).toFixed(1), '']);
  return { ...card, kind: 'table', columns: ['id', 'species', 'bill_length_mm', 'note'], rows, total: 266, note: '14 KB' };
}

/** Carries messages between a view and this kernel, as a comm does; `graph` is a GraphMessage. */
export class Kernel {
  constructor(graph) {
    this.graph = graph;
    this.answers = answers();
    this.logs = { train_logistic: FAILED };
    this.requests = [];
    this.ears = new Set();
    this.number = 0;
    this.log = new Log(0);
    this.step = '';
    this.view = '';
    /** Verbs whose answers wait until they are let go: verb -> what lets one go. */
    this.held = new Map();
  }

  listen(hear) {
    this.ears.add(hear);
    return () => this.ears.delete(hear);
  }

  /** What does not survive a comm shall not survive here. */
  say(message) {
    const text = JSON.stringify({ ...message, view: this.view });
    setTimeout(() => this.ears.forEach(hear => hear(JSON.parse(text))));
  }

  send(request) {
    this.requests.push(request);
    this.view = request.view;
    const waiting = this.held.get(request.verb);
    if (waiting) {
      waiting.push(() => this.answer(request));
    } else {
      this.answer(request);
    }
  }

  /** Keep answers back from now on. */
  hold(verb) {
    this.held.set(verb, []);
  }

  /** Give the answers that were kept back, the newest first. */
  release(verb) {
    const waiting = this.held.get(verb);
    this.held.delete(verb);
    waiting.reverse().forEach(each => each());
  }

  answer({ id, verb, args }) {
    const answer = verb in this.answers ? this.answers[verb] : this[verb]?.(args);
    const value = (typeof answer === 'function' ? answer(args) : answer) ?? null;
    const error = value?.fact ? { place: '', remedy: '', ...value } : null;
    this.say({ type: 'answer', id, value: error ? null : value, error });
  }

  subscribe() {
    this.say(this.graph);
  }

  log_open({ step }) {
    this.step = step;
    this.log = this.logs[step] ?? new Log(0);
    this.tellLog();
  }

  log_page({ first, count }) {
    return this.log.page(first, count);
  }

  log_find({ text, first }) {
    return this.log.find(text, first);
  }

  log_chunk({ offset, size }) {
    const whole = Array.from({ length: this.log.lines }, (_, at) => this.log.text(at + 1)).join('\n');
    const next = Math.min(whole.length, offset + size);
    return { data: btoa(whole.slice(offset, next)), next, end: next >= whole.length };
  }

  tellLog(more = {}) {
    const { lines, errors, traceback, ended } = this.log;
    const rest = { step: this.step, run: '14', attempt: 1, size: lines * 10, dropped: 0 };
    this.say({ type: 'log', number: ++this.number, lines, errors, ended, traceback, ...rest, ...more });
  }

  /** Give a step another card. */
  patch(id, change) {
    const nodes = this.graph.nodes.map(each => (each.id === id ? { ...each, ...change } : each));
    this.graph = { ...this.graph, nodes, revision: this.graph.revision + 1 };
    const rest = { head: null, edges: [], data: [], parameters: null };
    this.say({ type: 'patch', revision: this.graph.revision, nodes: nodes.filter(each => each.id === id), ...rest });
  }
}
