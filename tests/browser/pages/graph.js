// A page with one view of the graph, beside a kernel of the page's own that sends what a test gives.

import { mountView } from './widget.js';
import { Kernel } from './kernel.js';

const page = {
  kernel: null,
  view: null,
  /** Mount a view that is shown this graph, in place of the one before. */
  mount: (graph, { hosted = 'cell' } = {}) => {
    document.body.className = hosted;
    page.view?.dispose();
    page.kernel = new Kernel(graph);
    page.view = mountView(document.getElementById('view'), page.kernel, { hosted });
  },
  /** What the view asked with a verb, in order. */
  asked: verb => page.kernel.requests.filter(each => each.verb === verb).map(each => each.args),
  /** Send new values for some fields of some steps. */
  patch: (nodes, { skip = 0 } = {}) => {
    const { graph, nodes: known } = page.view.store;
    const cards = nodes.map(({ id, ...changed }) => ({ ...known.get(id), ...changed }));
    const none = { head: null, edges: [], data: [], parameters: null };
    page.kernel.say({ type: 'patch', revision: graph.revision + 1 + skip, nodes: cards, ...none });
  }
};

window.page = page;
