"""From where upstream a step's reason comes, in a run or in a plan."""

from __future__ import annotations

from nbpipe.core.plan import Plan
from nbpipe.live.causes import cause_paths
from nbpipe.live.log_view import own
from nbpipe.run import StepRun
from nbpipe.views.present import picture_of


def cause_in_run(step: StepRun) -> tuple[str, ...]:
    """Ids from the root cause to a step of a run; nothing where its cause is its own."""
    run = own(step.run)
    wanted = run.graph.ancestors([step.node_id]) | {step.node_id}
    nodes = [each for each in picture_of(run, sizes=False).nodes if each.node_id in wanted]
    reasons = {each.node_id: StepRun(run, each.node_id).reasons for each in nodes}
    return cause_paths(nodes, run.graph, reasons).get(step.node_id, ())


def cause_in_plan(plan: Plan, node_id: str) -> tuple[str, ...]:
    """Ids from the root cause to a step of a plan; nothing where its cause is its own."""
    reasons = {step.node_id: step.reasons for step in plan}
    return cause_paths(picture_of(plan).nodes, plan.graph, reasons).get(node_id, ())
