"""The state of a run: whatever happens in whatever order, every step is settled once and the run closes once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nbpipe.core.events import (
    Event,
    RunFinished,
    RunStarted,
    StepBlocked,
    StepCancelled,
    StepFailed,
    StepFinished,
    StepLogged,
    StepMoved,
    StepNoted,
    StepQueued,
    StepReused,
    StepStarted,
    StopRequested,
)
from nbpipe.core.run_state import (
    OUTCOMES,
    Block,
    Cancel,
    Close,
    IllegalEvent,
    Instruction,
    Kill,
    Resolve,
    RunState,
    Status,
)

NOT_STARTED = {Status.WAITING, Status.QUEUED}


def started(node: str, attempt: int = 1) -> StepStarted:
    return StepStarted(0.0, node, attempt, "key", "fingerprint", [])


def finished(node: str, attempt: int = 1) -> StepFinished:
    return StepFinished(0.0, node, attempt, {}, 1.0, 1.0, 1)


def failed(node: str, attempt: int = 1, *, will_retry: bool = False) -> StepFailed:
    return StepFailed(0.0, node, attempt, "exit", "exit code 1", code=1, will_retry=will_retry)


def reused(node: str) -> StepReused:
    return StepReused(0.0, node, "key", "1", 0.0, {}, 2.0)


def cancelled(node: str, by: str = "you") -> StepCancelled:
    return StepCancelled(0.0, node, by)


class Runner(RuleBasedStateMachine):
    """A runner that carries instructions out late and in any order, while anything may happen meanwhile."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        names = "abcdefg"[: data.draw(st.integers(1, 7))]
        self.parents = {
            name: data.draw(st.lists(st.sampled_from(names[:place]), unique=True, max_size=3))
            if place
            else []
            for place, name in enumerate(names)
        }
        self.goes_on = data.draw(st.booleans())
        self.state = RunState(
            self.parents,
            retries={name: data.draw(st.integers(0, 2)) for name in names},
            continue_on_step_failure=self.goes_on,
        )
        self.todo: list[Instruction] = self.state.begin()
        self.given: list[Instruction] = list(self.todo)
        self.killed: dict[str, str] = {}
        self.resolved: set[str] = set()
        self.story: list[Event] = []
        self.closed = 0
        self.stopped = False

    def status(self, node: str) -> Status:
        return self.state.steps[node].status

    def some(self, data: st.DataObject, wanted: Callable[[str], bool]) -> str | None:
        nodes = [node for node in self.parents if wanted(node)]
        return data.draw(st.sampled_from(nodes)) if nodes else None

    def tell(self, event: Event) -> None:
        before = {node: step.status for node, step in self.state.steps.items()}
        added = self.state.handle(event)
        for node, status in before.items():
            if status.settled:
                assert self.status(node) is status, "a settled step never changes"
        if isinstance(event, StepFailed) and event.will_retry:
            self.resolved.discard(event.node)
        self.story.append(event)
        self.todo += added
        self.given += added

    def carry_out(self, instruction: Instruction) -> None:
        """Every instruction can be carried out, however late."""
        match instruction:
            case Resolve(node):
                assert node not in self.resolved
                self.resolved.add(node)
            case Kill(node, by):
                self.killed[node] = by
            case Cancel(node, by):
                assert self.status(node) in NOT_STARTED
                self.resolved.discard(node)
                self.tell(cancelled(node, by))
            case Block(node, because):
                assert self.status(node) is Status.WAITING
                self.tell(StepBlocked(0.0, node, because))
            case Close(status):
                words = {node: OUTCOMES[step.status] for node, step in self.state.steps.items()}
                self.tell(RunFinished(0.0, "1", status, words))
                self.closed += 1

    @rule(data=st.data())
    def carry_out_some(self, data: st.DataObject) -> None:
        if self.todo:
            self.carry_out(self.todo.pop(data.draw(st.integers(0, len(self.todo) - 1))))

    @rule(data=st.data())
    def a_resolved_step_is_reused_queued_or_started(self, data: st.DataObject) -> None:
        doomed = {each.node for each in self.todo if isinstance(each, Cancel | Block)}
        node = self.some(
            data, lambda node: node in self.resolved - doomed and self.status(node) in NOT_STARTED
        )
        if node is not None:
            number = self.state.steps[node].attempts + 1
            options = [reused(node), StepQueued(0.0, node, "a slot"), started(node, number), failed(node, 0)]
            event = data.draw(st.sampled_from(options))
            assert all(self.status(parent).good for parent in self.parents[node]), (
                "no child before its parents"
            )
            self.tell(event)

    @rule(data=st.data())
    def a_running_step_ends(self, data: st.DataObject) -> None:
        node = self.some(data, lambda node: self.status(node) is Status.RUNNING)
        if node is not None:
            number = self.state.steps[node].attempts
            again = self.state.may_retry(node, number)
            ends = [
                finished(node, number),
                failed(node, number, will_retry=again),
                cancelled(node, "time-out"),
            ]
            self.tell(data.draw(st.sampled_from(ends)))
            self.killed.pop(node, None)

    @rule(data=st.data())
    def a_killed_step_ends(self, data: st.DataObject) -> None:
        node = self.some(data, lambda node: node in self.killed and self.status(node) is Status.RUNNING)
        if node is not None:
            self.tell(cancelled(node, self.killed.pop(node)))

    @rule(data=st.data())
    def a_running_step_tells_something(self, data: st.DataObject) -> None:
        node = self.some(data, lambda node: self.status(node) is Status.RUNNING)
        if node is not None:
            self.tell(
                data.draw(st.sampled_from([StepNoted(0.0, node, "hm"), StepLogged(0.0, node, {"lr": 1})]))
            )

    @precondition(lambda self: not self.closed)
    @rule(data=st.data())
    def somebody_stops_a_step(self, data: st.DataObject) -> None:
        self.tell(StopRequested(0.0, data.draw(st.sampled_from([*self.parents, "nobody"]))))

    @precondition(lambda self: not self.closed)
    @rule()
    def somebody_stops_the_run(self) -> None:
        self.stopped = True
        self.tell(StopRequested(0.0))

    @invariant()
    def no_instruction_is_given_twice(self) -> None:
        ends = [each.node for each in self.given if isinstance(each, Cancel | Block)]
        assert len(ends) == len(set(ends))
        kills = [each.node for each in self.given if isinstance(each, Kill)]
        assert len(kills) == len(set(kills))

    @invariant()
    def the_run_closes_once_when_all_is_settled(self) -> None:
        closes = sum(isinstance(each, Close) for each in self.given)
        assert closes == all(step.status.settled for step in self.state.steps.values())
        assert self.closed <= closes

    @invariant()
    def nothing_is_left_hanging(self) -> None:
        """A step that has not started is resolved, to be resolved, given up, or waits for one that is not settled."""
        expected = {
            each.node for each in self.todo if isinstance(each, Resolve | Cancel | Block)
        } | self.resolved
        for node, step in self.state.steps.items():
            if step.status is Status.WAITING and node not in expected:
                assert any(not self.status(parent).settled for parent in self.parents[node])

    @invariant()
    def a_reader_of_the_story_sees_the_same(self) -> None:
        reader = RunState(self.parents)
        for event in self.story:
            reader.apply(event)
        assert reader.steps == self.state.steps

    def teardown(self) -> None:
        """Let everything come to its end."""
        if not hasattr(self, "state"):
            return
        for _ in range(200):
            if self.todo:
                self.carry_out(self.todo.pop(0))
                continue
            going = [node for node in self.parents if not self.status(node).settled and node in self.resolved]
            if not going:
                break
            node = going[0]
            if self.status(node) is Status.RUNNING:
                by = self.killed.pop(node, None)
                self.tell(cancelled(node, by) if by else finished(node, self.state.steps[node].attempts))
            else:
                self.tell(reused(node))
        assert self.closed == 1
        assert self.state.finished is not None
        statuses = {step.status for step in self.state.steps.values()}
        assert (self.state.outcome == "Finished") == all(status.good for status in statuses)
        if Status.FAILED in statuses:
            assert self.state.outcome == "Failed"
        elif self.stopped and self.state.outcome != "Finished":
            assert self.state.outcome == "Canceled"


Runner.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRunner = Runner.TestCase


CHAIN = {"a": [], "b": ["a"], "c": ["b"], "x": [], "y": ["x"]}


def run(*events: Event, **options: object) -> tuple[RunState, list[Instruction]]:
    state = RunState(CHAIN, **options)
    state.begin()
    told: list[Instruction] = []
    for event in events:
        told = state.handle(event)
    return state, told


def test_a_run_begins_with_what_waits_for_nothing() -> None:
    assert RunState(CHAIN).begin() == [Resolve("a"), Resolve("x")]
    assert RunState({}).begin() == [Close("Finished")]
    assert RunState({}).outcome == "Finished"


def test_a_child_is_resolved_when_its_last_parent_is_good() -> None:
    state = RunState({"a": [], "b": [], "c": ["a", "b", "a"]})
    assert state.handle(reused("a")) == []
    assert state.handle(reused("b")) == [Resolve("c")]


def test_a_failure_blocks_all_below_and_cancels_the_rest() -> None:
    _, told = run(started("a"), failed("a"))
    assert told == [
        Block("b", "a (failed)"), Block("c", "a (failed)"), Cancel("x", "a failed"), Cancel("y", "a failed"),
    ]  # fmt: skip


def test_steps_that_run_already_go_on_after_a_failure() -> None:
    state, told = run(started("x"), started("a"), failed("a"))
    assert [each.node for each in told if isinstance(each, Cancel)] == ["y"]
    assert state.handle(finished("x")) == []


def test_a_run_may_go_on_after_a_failure() -> None:
    state, told = run(started("a"), failed("a"), continue_on_step_failure=True)
    assert told == [Block("b", "a (failed)"), Block("c", "a (failed)")]
    assert state.handle(reused("x")) == [Resolve("y")]


def test_a_failure_is_tried_again_as_often_as_asked() -> None:
    state, told = run(started("a"), failed("a", will_retry=True), retries={"a": 2})
    assert told == [Resolve("a")]
    assert state.steps["a"].status is Status.WAITING
    assert [state.may_retry("a", number) for number in (0, 1, 2, 3)] == [False, True, True, False]
    assert not state.may_retry("x", 1)


def test_nothing_is_tried_again_once_the_run_is_to_end() -> None:
    state, _ = run(started("a"), started("x"), failed("x"), retries={"a": 2})
    assert not state.may_retry("a", 1)
    assert state.handle(failed("a", will_retry=True)) == [Cancel("a", "x failed")]


def test_a_step_that_is_being_stopped_is_not_tried_again() -> None:
    state, told = run(started("a"), StopRequested(0.0, "a"), retries={"a": 2})
    assert told == [Kill("a", "you")]
    assert not state.may_retry("a", 1)
    assert state.handle(failed("a", will_retry=True)) == [Cancel("a", "you")]


def test_a_stop_kills_what_runs_and_cancels_the_rest() -> None:
    state, told = run(started("a"), StopRequested(0.0, by="Ann"))
    assert told == [Kill("a", "Ann"), *(Cancel(node, "Ann") for node in "bcxy")]
    assert state.handle(StopRequested(0.0)) == []
    assert state.halted_by == "Ann"


def test_a_step_that_starts_after_the_stop_is_killed() -> None:
    assert run(StopRequested(0.0), started("a"))[1] == [Kill("a", "you")]


def test_a_stop_of_one_step_blocks_what_waits_for_it() -> None:
    state, told = run(StopRequested(0.0, "a"))
    assert told == [Cancel("a", "you")]
    assert state.handle(cancelled("a")) == [Block("b", "a (cancelled)"), Block("c", "a (cancelled)")]
    assert state.handle(reused("x")) == [Resolve("y")]


def test_a_step_that_takes_too_long_halts_the_run_as_a_failed_one_does() -> None:
    late = StepCancelled(0.0, "a", "time-out after 10 s", timed_out=True)
    below = [Block(other, "a (cancelled)") for other in "bc"]
    assert run(started("a"), late)[1] == [
        *below,
        Cancel("x", "a took too long"),
        Cancel("y", "a took too long"),
    ]


def test_stopping_what_is_over_or_unknown_does_nothing() -> None:
    assert run(reused("a"), StopRequested(0.0, "a"))[1] == []
    assert run(StopRequested(0.0, "nobody"))[1] == []


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([], "Running"),
        ([reused("a"), reused("b")], "Finished"),
        ([reused("a"), started("b"), failed("b")], "Failed"),
        ([started("a"), StopRequested(0.0), cancelled("a"), cancelled("b")], "Canceled"),
        ([started("a"), StopRequested(0.0), failed("a"), StepBlocked(0.0, "b", "a")], "Failed"),
        (
            [
                started("a"),
                StepCancelled(0.0, "a", "time-out after 10 s", timed_out=True),
                StepBlocked(0.0, "b", "a"),
            ],
            "Failed",
        ),
        ([reused("a"), reused("b"), RunFinished(0.0, "1", "Canceled", {})], "Canceled"),
    ],
)
def test_the_outcome_is_in_v1s_words(events: list[Event], status: str) -> None:
    state = RunState({"a": [], "b": ["a"]})
    for event in events:
        state.apply(event)
    assert state.outcome == status


@pytest.mark.parametrize(
    "events",
    [
        [finished("a")], [StepQueued(0.0, "a", "a slot"), finished("a")], [reused("a"), started("a")],
        [started("a"), started("a")], [started("a"), reused("a")], [started("a"), StepBlocked(0.0, "a", "x")],
        [started("a"), finished("a"), failed("a")], [cancelled("a"), cancelled("a")], [started("nobody")],
    ],
)  # fmt: skip
def test_what_cannot_happen_is_refused_and_changes_nothing(events: list[Event]) -> None:
    state, mirror = RunState(CHAIN), RunState(CHAIN)
    for event in events[:-1]:
        state.apply(event)
        mirror.apply(event)
    with pytest.raises(IllegalEvent, match=events[-1].kind):
        state.apply(events[-1])
    assert state.steps == mirror.steps


def test_what_a_step_logged_counts_since_it_last_began_from_nothing() -> None:
    state, _ = run(
        started("a"), StepLogged(1.0, "a", {"lr": 1}), failed("a", will_retry=True),
        started("a"), StepLogged(2.0, "a", {"lr": 2}), StepMoved(3.0, "a", "away"),
        StepLogged(4.0, "a", {"lr": 3}),
    )  # fmt: skip
    assert [event.record["lr"] for event in state.steps["a"].logged] == [2, 3]
    state.apply(StepMoved(5.0, "a", "queued", anew=True))
    assert state.steps["a"].logged == []


def test_a_reader_starts_from_the_first_event() -> None:
    first = RunStarted(1.0, "7", "p", "demo", {"a": "prep", "b": "train"}, {"a": [], "b": ["a"]})
    state = RunState.from_started(first)
    state.apply(StepQueued(2.0, "a", "a slot"))
    assert (state.started, state.outcome, state.is_open("a")) == (first, "Running", True)
    assert (state.steps["a"].last.waits_for, state.steps["b"].last) == ("a slot", None)


def test_the_last_event_is_the_one_that_made_the_status() -> None:
    state, _ = run(started("a"), StepLogged(0.0, "a", {}), StepNoted(0.0, "a", "slow"))
    assert isinstance(state.steps["a"].last, StepStarted)
    assert len(state.steps["a"].events) == 3


def test_every_settled_status_has_a_word() -> None:
    assert {status for status in Status if status.settled} == set(OUTCOMES)


@pytest.mark.parametrize("fan", [False, True])
def test_two_thousand_steps_are_given_up_in_one_go(fan: bool) -> None:
    parents = {f"s{n}": [f"s{0 if fan else n - 1}"] if n else [] for n in range(2000)}
    state = RunState(parents)
    state.handle(started("s0"))
    told = state.handle(failed("s0"))
    assert len(told) == 1999
    assert [state.handle(StepBlocked(0.0, each.node, each.because)) for each in told[:-1]] == [[]] * 1998
    assert state.handle(StepBlocked(0.0, "s1999", "s0")) == [Close("Failed")]
