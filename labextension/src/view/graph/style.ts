// How the graph looks; view/style.ts takes it into the view's one style sheet.

export const GRAPH_STYLE = `
.nbpipe-stage { position: relative; flex: 1 1 auto; min-height: 160px; overflow: hidden; }
[data-hosted=cell] > .nbpipe-stage { flex: none; }
.nbpipe-canvas {
  display: block; width: 100%; height: 100%; cursor: grab; user-select: none; -webkit-user-select: none;
}
[data-hosted=panel] .nbpipe-canvas { touch-action: none; }
[data-hosted=cell] .nbpipe-canvas { touch-action: pan-y; }
.nbpipe-dragged .nbpipe-canvas { cursor: grabbing; }
.nbpipe-view text { font-family: var(--nbpipe-sans); font-variant-numeric: tabular-nums; unicode-bidi: isolate; }
.nbpipe-view text.nbpipe-mono { font-family: var(--nbpipe-mono); }
.nbpipe-view text.nbpipe-b { font-weight: 600; }
.nbpipe-view text.nbpipe-fg { fill: var(--nbpipe-fg); }
.nbpipe-view text.nbpipe-fg2, .nbpipe-muted text.nbpipe-fg { fill: var(--nbpipe-fg2); }
.nbpipe-view text.nbpipe-word { fill: currentColor; }
.nbpipe-view .nbpipe-hue-idle text.nbpipe-word { fill: var(--nbpipe-fg2); }
.nbpipe-view .nbpipe-glyph {
  fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round;
}
.nbpipe-view .nbp-cut { stroke: var(--nbpipe-node); }
.nbpipe-form-XS .nbp-cut { stroke: var(--nbpipe-canvas); }
.nbpipe-status-chip .nbp-cut { stroke: var(--nbpipe-tint); }
.nbpipe-node { cursor: pointer; }
.nbpipe-moves .nbpipe-node { transition: color 150ms; }
.nbpipe-body { transform-box: fill-box; transform-origin: center; }
.nbpipe-hit { fill: transparent; outline: none; }
.nbpipe-hit:focus-visible { outline: 2px solid var(--nbpipe-fg); outline-offset: 3px; border-radius: 8px; }
.nbpipe-view .nbpipe-card { fill: var(--nbpipe-node); stroke: var(--nbpipe-line); stroke-width: 1.25; }
.nbpipe-node:hover .nbpipe-card { stroke: var(--nbpipe-edge); }
.nbpipe-view .nbpipe-card.nbpipe-own { stroke: currentColor; }
.nbpipe-view .nbpipe-card.nbpipe-dashed { stroke-dasharray: 5 4; }
.nbpipe-shade { fill: #000; opacity: .05; }
.nbpipe-rail { fill: none; stroke: currentColor; stroke-width: 3; stroke-linecap: round; }
.nbpipe-rail.nbpipe-dotted { stroke-dasharray: 3 5; }
.nbpipe-chosen { fill: none; stroke: var(--nbpipe-run); stroke-width: 2.5; }
.nbpipe-stack { fill: none; stroke: currentColor; stroke-width: 1.2; stroke-dasharray: 2 2; }
.nbpipe-strip rect { fill: currentColor; }
.nbpipe-sign { fill: none; stroke: var(--nbpipe-fg2); stroke-width: 1.4; stroke-linejoin: round; }
.nbpipe-port { fill: var(--nbpipe-node); stroke: var(--nbpipe-edge); stroke-width: 1.5; }
.nbpipe-track { fill: none; stroke: var(--nbpipe-run-tint); stroke-width: 3; }
.nbpipe-view .nbpipe-stage path.nbpipe-bar {
  fill: none; stroke: currentColor; stroke-width: 3; transition: transform 250ms ease-out;
}
.nbpipe-view .nbpipe-stage path.nbpipe-guessed { stroke-dasharray: 5 3; opacity: .7; }
.nbpipe-stage text.nbpipe-key { cursor: copy; }
.nbpipe-stage text.nbpipe-key:hover { text-decoration: underline; }
.nbpipe-stage .nbpipe-tag rect { fill: var(--nbpipe-warn-tint); }
.nbpipe-label rect { fill: var(--nbpipe-canvas); fill-opacity: .92; }
.nbpipe-hair { fill: none; stroke: var(--nbpipe-edge); stroke-width: 1.2; }
.nbpipe-edge { fill: none; stroke: var(--nbpipe-edge); stroke-width: 1.5; }
.nbpipe-head { fill: var(--nbpipe-edge); }
.nbpipe-edge.nbpipe-pending, .nbpipe-edge.nbpipe-stopped { stroke-dasharray: 4 4; }
.nbpipe-edge.nbpipe-order { stroke-width: 1.2; stroke-dasharray: .1 4; stroke-linecap: round; }
.nbpipe-edge.nbpipe-stopped { stroke: var(--nbpipe-fail); }
.nbpipe-head.nbpipe-stopped { fill: var(--nbpipe-fail); }
.nbpipe-edge.nbpipe-reading { stroke: var(--nbpipe-run); stroke-width: 2; stroke-dasharray: 7 5; }
.nbpipe-head.nbpipe-reading { fill: var(--nbpipe-run); }
.nbpipe-edge.nbpipe-trail { stroke: var(--nbpipe-run); stroke-width: 2.5; }
.nbpipe-head.nbpipe-trail { fill: var(--nbpipe-run); }
.nbpipe-dim :is(.nbpipe-node, .nbpipe-edge, .nbpipe-head, .nbpipe-pill):not(.nbpipe-lit),
.nbpipe-dim :is(.nbpipe-label, .nbpipe-tag, .nbpipe-hair) { opacity: .35; }
.nbpipe-away :is(.nbpipe-label, .nbpipe-tag text, .nbpipe-pill text) { display: none; }
.nbpipe-view[data-mode=last] .nbpipe-world { opacity: .6; }
.nbpipe-moves [data-status=running] .nbpipe-shape { animation: nbpipe-turn 1.1s linear infinite; }
.nbpipe-moves .nbpipe-edge.nbpipe-reading { animation: nbpipe-flow .8s linear infinite; }
[data-mode=last] .nbpipe-moves * { animation: none !important; }
@keyframes nbpipe-turn { to { transform: rotate(360deg); } }
@keyframes nbpipe-flow { to { stroke-dashoffset: -24; } }
@media (prefers-reduced-motion: reduce) {
  .nbpipe-view *, .nbpipe-view *::before { animation: none !important; transition: none !important; }
}
.nbpipe-minimap {
  position: absolute; right: 12px; bottom: 12px; padding: 4px; border: 1px solid var(--nbpipe-line);
  border-radius: 6px;
  background: var(--nbpipe-node); background-clip: padding-box; cursor: crosshair; touch-action: none;
}
.nbpipe-tip {
  position: fixed; inset: auto; margin: 0; padding: 0; border: 0; background: none; overflow: visible;
  pointer-events: none; color: var(--nbpipe-fg); filter: drop-shadow(0 4px 12px rgb(0 0 0 / .18));
}
.nbpipe-tip > svg { display: block; overflow: visible; }
.nbpipe-on-step {
  position: absolute; top: 0; left: 0; width: 56px; display: flex; justify-content: flex-end; gap: 4px; z-index: 1;
}
.nbpipe-on-step.nbpipe-out { visibility: hidden; }
.nbpipe-view .nbpipe-small-button {
  display: inline-flex; align-items: center; justify-content: center; width: 26px; height: 22px; padding: 0;
  margin: 0;
  color: var(--nbpipe-fg); background: var(--nbpipe-node); border: 1px solid var(--nbpipe-line); border-radius: 11px;
  cursor: pointer;
}
.nbpipe-view .nbpipe-small-button:hover { border-color: var(--nbpipe-edge); }
.nbpipe-menu {
  position: fixed; inset: auto; margin: 0; min-width: 190px; padding: 4px; overflow: auto;
  color: var(--nbpipe-fg); background: var(--nbpipe-node); border: 1px solid var(--nbpipe-line); border-radius: 8px;
  box-shadow: 0 6px 20px rgb(0 0 0 / .16);
}
.nbpipe-view .nbpipe-menu-item {
  display: block; width: 100%; padding: 6px 10px; margin: 0; border: 0; border-radius: 5px; background: none;
  color: inherit;
  font: inherit; text-align: start; cursor: pointer;
}
.nbpipe-view .nbpipe-menu-item:is(:hover, :focus) { background: var(--nbpipe-run-tint); outline: none; }
.nbpipe-find-step {
  position: absolute; top: 8px; right: 12px; display: flex; align-items: center; gap: 2px; padding: 3px 4px;
  z-index: 2;
  background: var(--nbpipe-node); border: 1px solid var(--nbpipe-line); border-radius: 8px;
  box-shadow: 0 4px 14px rgb(0 0 0 / .12); max-width: calc(100% - 24px); box-sizing: border-box;
}
.nbpipe-view .nbpipe-find-field {
  width: 170px; min-width: 60px; padding: 4px 6px; border: 0; border-radius: 5px; background: none;
  color: var(--nbpipe-fg);
  font: inherit;
}
.nbpipe-find-told { color: var(--nbpipe-fg2); font-size: 12px; padding: 0 6px; white-space: nowrap; }
.nbpipe-view .nbpipe-find-button {
  display: inline-flex; padding: 5px; margin: 0; border: 0; border-radius: 5px; background: none;
  color: var(--nbpipe-fg2);
  cursor: pointer;
}
.nbpipe-view .nbpipe-find-button:hover { background: var(--nbpipe-idle-tint); }
[data-mode=empty] .nbpipe-canvas, [data-mode=empty] :is(.nbpipe-buttons, .nbpipe-progress) { display: none; }
[data-mode=empty][data-hosted=cell] > .nbpipe-stage { height: auto !important; }
.nbpipe-empty { display: flex; flex-direction: column; align-items: center; gap: 12px; padding: 28px 20px; }
.nbpipe-ghost { width: min(480px, 100%); height: auto; }
.nbpipe-ghost > * { fill: none; stroke: var(--nbpipe-edge); stroke-width: 1.25; stroke-dasharray: 5 4; }
.nbpipe-empty-said { margin: 0; font-size: 14px; font-weight: 600; }
.nbpipe-view .nbpipe-empty-cell {
  margin: 0; padding: 10px 14px; max-width: 100%; box-sizing: border-box; overflow: auto;
  font: 12px/1.5 var(--nbpipe-mono);
  color: var(--nbpipe-fg); background: var(--nbpipe-node); border: 1px solid var(--nbpipe-line); border-radius: 8px;
}
.nbpipe-empty-buttons { display: flex; flex-wrap: wrap; gap: 8px; justify-content: center; }
`;
