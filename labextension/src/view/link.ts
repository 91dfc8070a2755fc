// A view's link to its kernel: requests that are answered, and messages that come by themselves.

import type { Answers, ErrorCard, GraphMessage, LogMessage, Message, PatchMessage } from '../protocol';

/** Carries messages between page and kernel: a comm of the extension, or a widget's model. */
export interface Channel {
  send(message: unknown): void;
  /** Hear every message of the kernel; returns what stops it. */
  listen(hear: (message: Message) => void): () => void;
}

/** An error that the kernel answered with. */
export class Refused extends Error {
  constructor(readonly card: ErrorCard) {
    super(card.fact);
  }
}

type Pushed = GraphMessage | PatchMessage | LogMessage;
type Waiting = { resolve: (value: unknown) => void; reject: (reason: Error) => void };

let views = 0;

/** One view's side of a channel. */
export class Link {
  readonly view = `v${++views}-${Math.random().toString(36).slice(2, 8)}`;
  private readonly waiting = new Map<string, Waiting>();
  private readonly listeners = new Set<(message: Pushed) => void>();
  private readonly stop: () => void;
  private count = 0;

  constructor(private readonly channel: Channel) {
    this.stop = channel.listen(message => this.hear(message));
  }

  /** Ask the kernel for something; rejects with `Refused` where it answers with an error. */
  request<Verb extends keyof Answers>(verb: Verb, args?: Record<string, unknown>): Promise<Answers[Verb]>;
  request(verb: string, args?: Record<string, unknown>): Promise<unknown>;
  request(verb: string, args: Record<string, unknown> = {}): Promise<unknown> {
    const id = `${this.view}-${++this.count}`;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.channel.send({ type: 'request', id, view: this.view, verb, args });
    });
  }

  /** Hear the graphs, patches and logs that are meant for this view; returns what stops it. */
  listen(hear: (message: Pushed) => void): () => void {
    this.listeners.add(hear);
    return () => this.listeners.delete(hear);
  }

  /** End it: whoever still waits is refused. */
  dispose(): void {
    this.channel.send({ type: 'request', id: `${this.view}-end`, view: this.view, verb: 'unsubscribe', args: {} });
    this.stop();
    for (const each of this.waiting.values()) {
      each.reject(new Refused({ fact: 'The view was closed.', place: '', remedy: '' }));
    }
    this.waiting.clear();
    this.listeners.clear();
  }

  private hear(message: Message): void {
    if (message.type === 'answer') {
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) {
        waiting?.reject(new Refused(message.error));
      } else {
        waiting?.resolve(message.value);
      }
    } else if ('view' in message && message.view === this.view) {
      this.listeners.forEach(hear => hear(message));
    }
  }
}
