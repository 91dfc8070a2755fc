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
  /** Send new values for some fields of some steps and edges. */
  patch: (nodes, { skip = 0, edges = [] } = {}) => {
    const { store } = page.view;
    const whole = (changed, known) => changed.map(({ id, ...fields }) => ({ ...known.get(id), ...fields }));
    page.kernel.say({
      type: 'patch',
      revision: store.graph.revision + 1 + skip,
      head: null,
      nodes: whole(nodes, store.nodes),
      edges: whole(edges, store.edges),
      data: [],
      parameters: null
    });
  }
};

window.page = page;
