// One typed door to the pipelines of each kernel: it opens by itself, and says calmly where there is nothing behind.

import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel } from '@jupyterlab/services';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { COMM_TARGET, PROTOCOL } from '../protocol';
import type { ErrorCard, Hello, HostMessage, Message } from '../protocol';
import type { Channel } from '../view/link';

/**
 * What is behind a door: nobody answered yet; pipelines; a Python kernel without nbpipe; a kernel of another language;
 * a kernel that another tab of this page speaks for; an nbpipe of another version.
 */
export type DoorState = 'waiting' | 'open' | 'absent' | 'foreign' | 'elsewhere' | 'version';

export interface Door {
  readonly state: DoorState;
  /** One sentence about a door that is not open. */
  readonly sentence: string;
  /** The kernel's greeting, while the door is open. */
  readonly hello: Hello | null;
  /** Stays the same over restarts of the kernel; refuses requests while the door is not open. */
  readonly channel: Channel;
  /** True from a restart of a kernel whose door was open until it is open again. */
  readonly returning: boolean;
  readonly changed: ISignal<Door, DoorState>;
  /** The kernel greeted, for the first time or since it has other pipelines. */
  readonly greeted: ISignal<Door, Hello>;
  /** The kernel asks the page to put a cell into the notebook. */
  readonly asked: ISignal<Door, HostMessage>;
}

/** Gives the door of a notebook's kernel. */
export interface IPipelineDoor {
  of(context: ISessionContext): Door;
}
export const IPipelineDoor = new Token<IPipelineDoor>(
  'nbpipe-labextension:IPipelineDoor',
  'The typed channel to the pipelines of a notebook’s kernel.'
);

const SENTENCES: Readonly<Record<DoorState, string>> = {
  waiting: 'Waiting for the kernel.',
  open: '',
  absent: 'nbpipe is not loaded in this kernel.',
  foreign: 'This kernel is not Python; nbpipe’s steps are made from Python notebooks.',
  elsewhere: 'Another tab of this page speaks with this kernel; its pipeline is shown there.',
  version: 'nbpipe in the kernel and the extension in the browser are of different versions. Reload the page.'
};

type Comm = Kernel.IComm;

class KernelDoor implements Door {
  state: DoorState = 'waiting';
  hello: Hello | null = null;
  returning = false;
  readonly changed = new Signal<this, DoorState>(this);
  readonly greeted = new Signal<this, Hello>(this);
  readonly asked = new Signal<this, HostMessage>(this);
  readonly channel: Channel;
  private readonly listeners = new Set<(message: Message) => void>();
  private readonly unanswered = new Set<string>();
  private kernel: Kernel.IKernelConnection | null = null;
  private comm: Comm | null = null;

  constructor(context: ISessionContext) {
    this.channel = {
      send: message => this.send(message as { id: string; verb: string }),
      listen: hear => {
        this.listeners.add(hear);
        return () => this.listeners.delete(hear);
      }
    };
    context.kernelChanged.connect((_, change) => this.meet(change.newValue));
    context.statusChanged.connect((_, status) => this.follow(status));
    this.meet(context.session?.kernel ?? null);
  }

  get sentence(): string {
    return SENTENCES[this.state];
  }

  private meet(kernel: Kernel.IKernelConnection | null): void {
    this.drop('waiting');
    this.returning = this.returning && kernel?.id === this.kernel?.id; // a restart may bring another connection
    this.kernel = kernel;
    if (kernel) {
      void this.knock(kernel);
    }
  }

  private follow(status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
      this.returning = this.returning || this.state === 'open';
      this.drop('waiting');
    } else if (status === 'idle' && this.state === 'waiting' && this.comm === null && this.kernel) {
      void this.knock(this.kernel);
    }
  }

  /** Ask the kernel for its pipelines; a kernel that has none closes the comm again. */
  private async knock(kernel: Kernel.IKernelConnection): Promise<void> {
    if (!kernel.handleComms) {
      this.become('elsewhere');
      return;
    }
    const info = await kernel.info;
    if (kernel !== this.kernel || kernel.isDisposed || this.comm !== null) {
      return;
    }
    if (info.language_info.name !== 'python') {
      this.become('foreign');
      return;
    }
    kernel.registerCommTarget(COMM_TARGET, () => this.called(kernel));
    this.open(kernel);
  }

  /** The kernel says that nbpipe is loaded now. */
  private called(kernel: Kernel.IKernelConnection): void {
    if (kernel === this.kernel && this.state !== 'open') {
      this.open(kernel);
    }
  }

  private open(kernel: Kernel.IKernelConnection): void {
    const comm = kernel.createComm(COMM_TARGET);
    this.comm = comm;
    comm.onMsg = message => this.hear(message.content.data as unknown as Message);
    comm.onClose = () => {
      if (this.comm === comm) {
        this.drop('absent');
      }
    };
    comm.open({ protocol: PROTOCOL });
  }

  private hear(message: Message): void {
    if (message.type === 'hello') {
      this.hello = message;
      this.returning = false;
      this.become(message.protocol === PROTOCOL ? 'open' : 'version');
      this.greeted.emit(message);
    } else if (message.type === 'host') {
      this.asked.emit(message);
    } else if (message.type === 'answer') {
      this.unanswered.delete(message.id);
    }
    this.listeners.forEach(listener => listener(message));
  }

  private send(message: { id: string; verb: string }): void {
    if (this.state !== 'open' || this.comm === null || this.comm.isDisposed) {
      this.refuse(message.id);
      return;
    }
    if (message.verb !== 'unsubscribe') {
      this.unanswered.add(message.id);
    }
    this.comm.send(message);
  }

  /** Let the kernel go; whoever waits for its answer hears that none comes. */
  private drop(state: DoorState): void {
    const comm = this.comm;
    this.comm = null;
    this.hello = null;
    if (comm && !comm.isDisposed) {
      comm.dispose();
    }
    this.become(state);
    const ids = [...this.unanswered];
    this.unanswered.clear();
    ids.forEach(id => this.refuse(id));
  }

  private refuse(id: string): void {
    const fact = this.sentence || SENTENCES.waiting;
    const remedy = this.state === 'absent' ? '%load_ext nbpipe' : '';
    const error: ErrorCard = { fact, place: '', remedy };
    // Not at once: whoever asks is not ready for the answer before its request is noted.
    queueMicrotask(() => this.listeners.forEach(hear => hear({ type: 'answer', id, value: null, error })));
  }

  private become(state: DoorState): void {
    if (state !== this.state) {
      this.state = state;
      this.changed.emit(state);
    }
  }
}

export const doorPlugin: JupyterFrontEndPlugin<IPipelineDoor> = {
  id: 'nbpipe-labextension:door',
  description: 'Opens a typed channel to the pipelines of every notebook’s kernel.',
  autoStart: true,
  provides: IPipelineDoor,
  activate: () => {
    const doors = new WeakMap<ISessionContext, Door>();
    return {
      of: context => {
        const door = doors.get(context) ?? new KernelDoor(context);
        doors.set(context, door);
        return door;
      }
    };
  }
};
