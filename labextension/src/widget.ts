// The view as an anywidget: in a cell's output of any notebook, without an extension.

import type { Message } from './protocol';
import type { Channel } from './view/link';
import { mountView } from './view/view';

/** What is used of the model that anywidget hands over. */
interface Model {
  get(name: 'pipeline' | 'run'): string | undefined;
  send(content: unknown): void;
  on(event: 'msg:custom', hear: (content: unknown) => void): void;
  off(event: 'msg:custom', hear: (content: unknown) => void): void;
}

function channelOf(model: Model): Channel {
  return {
    send: message => model.send(message),
    listen: hear => {
      const heard = (content: unknown): void => hear(content as Message);
      model.on('msg:custom', heard);
      return () => model.off('msg:custom', heard);
    }
  };
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const root = document.createElement('div');
  el.append(root);
  const options = { pipeline: model.get('pipeline') ?? '', run: model.get('run') ?? '' };
  const view = mountView(root, channelOf(model), { hosted: 'cell', ...options });
  return () => {
    view.dispose();
    root.remove();
  };
}

export { mountView } from './view/view';
export default { render };
