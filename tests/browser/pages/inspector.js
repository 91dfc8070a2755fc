// The view in a bare page, beside a kernel of the page's own; a test begins it with a graph.

import { mountView } from './widget.js';
import { Kernel, Log } from './kernel.js';

window.asked = []; // what the view asked of its host
window.tasks = []; // milliseconds of each long task
window.Log = Log;

window.begin = (graph, host) => {
  window.kernel = new Kernel(graph);
  if (host) {
    document.addEventListener('nbpipe:host', event => {
      window.asked.push(event.detail);
      event.preventDefault();
    });
  }
  new PerformanceObserver(list => list.getEntries().forEach(each => window.tasks.push(each.duration))).observe({
    type: 'longtask'
  });
  window.view = mountView(document.getElementById('root'), window.kernel, { hosted: 'cell' });
};

/** Make every text that the kernel answers with another one, but for words that are its own. */
window.infect = (kernel, text) => {
  const ours = new Set(['mark', 'role', 'kind', 'status', 'image']);
  const infected = value => {
    if (Array.isArray(value)) {
      return value.map(infected);
    }
    if (value && typeof value === 'object') {
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([name, each]) => [name, ours.has(name) ? each : infected(each)]));
    }
    return typeof value === 'string' ? text : value;
  };
  for (const [verb, answer] of Object.entries(kernel.answers)) {
    kernel.answers[verb] = args => infected(typeof answer === 'function' ? answer(args) : answer);
  }
};

/** Names of the attributes below an element that hold code. */
window.handlers = root =>
  [...root.querySelectorAll('*')].flatMap(each => each.getAttributeNames()).filter(each => each.startsWith('on'));

/** Whether a row of a list is in view as a whole. */
window.inView = row => {
  const [mine, list] = [row, row.closest('.nbpipe-rows')].map(each => each.getBoundingClientRect());
  return mine.top >= list.top - 1 && mine.bottom <= list.bottom + 1;
};
