// Names of the extension's commands, and of what they stand under.

export const CATEGORY = 'Pipeline';
export const PLUGIN = 'nbpipe-labextension:plugin';

export const OPEN_PANEL = 'nbpipe:open-panel';
export const RUN = 'nbpipe:run';
export const RUN_STEP = 'nbpipe:run-step';
export const STOP = 'nbpipe:stop';
export const PLAN = 'nbpipe:plan';
export const NEXT_FAILED = 'nbpipe:next-failed';
export const MAKE_STEP = 'nbpipe:make-step';
export const RESTORE = 'nbpipe:restore';
export const ATTACH = 'nbpipe:attach';
export const LOAD_NBPIPE = 'nbpipe:load';
export const NEW_NOTEBOOK = 'nbpipe:new-notebook';
