"""No sequence of comments, edits, deletions and withdrawals, by any mix of people, in any order, with lost
and doubled events, completes a checklist without the different people and the live evidence that it needs."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.commands.reconcile.signoff_comments import Listener
from rollout.core import signoff as checklist
from rollout.core.contract import Roles
from rollout.core.effects import OpenIssue
from rollout.core.signoff import transition
from rollout.core.signoff.evidence import LookedUpEvidence
from rollout.core.signoff.window import key_of, waits_on_signatures
from rollout.core.state import TrainState
from rollout.ports import Permission
from tests.examples import examples
from tests.world import COMMIT, TAU, World

PEOPLE = ("ada", "Ada", "bob", "cyd", "olga", "eve", "rollout", "")
ITEMS = ("trigger-matrix-reviewed", "rollback-rehearsed", "unified-harness", "vibes")
RUN = "https://github.com/acme/tau/actions/runs/1"
EVIDENCE = (RUN, "docs/a.md", "TBD", "https://github.com/evil/tau/actions/runs/1")
NEEDED = {"trigger-matrix-reviewed": 2, "rollback-rehearsed": 1}

WHO, WHAT = st.sampled_from(PEOPLE), st.sampled_from(ITEMS)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("sign"), WHO, WHAT, st.sampled_from(EVIDENCE)),
        st.tuples(st.just("withdraw"), WHO, WHAT, st.just("no")),
        st.tuples(st.just("edit"), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("break"), st.booleans()),
        st.tuples(st.just("down"), st.booleans()),
        st.tuples(st.just("hear"), st.integers(1, 3)),
    ),
    max_size=25,
)


def begun() -> World:
    """A release in the phase that waits for people: two for one item, one for the other."""
    world = World().play_to("canary-3")
    contract = world.state.contract
    items = tuple(
        item.model_copy(update={"people": NEEDED.get(item.id, 1)}) for item in contract.signoff.items
    )
    roles = Roles(owner=("ada", "olga"), reviewer=("ada", "bob", "cyd"), approver=("olga",))
    policy = contract.signoff.model_copy(update={"items": items, "roles": roles})
    world.edit_contract(signoff=policy)
    world.reconcile()
    world.issues.may = dict.fromkeys(("ada", "Ada", "bob", "olga"), Permission.WRITE) | {
        "cyd": Permission.READ
    }
    world.evidence.objects[RUN] = LookedUpEvidence(of_release=True, ended="success", digest="one")
    world.issues.open(OpenIssue(key_of(world.rollout), "Sign-off", "", ()), at=world.now)
    return world


BEGUN = begun()


class Play:
    def __init__(self) -> None:
        self.world = BEGUN.copy()
        self.state: TrainState = self.world.state
        self.number = self.world.issues.issues[0].number
        self.comments: list[tuple[str, str, str, str]] = []
        """Id, author, item and evidence of each comment that signs and stands as it was written."""

    def act(self, act: tuple[object, ...]) -> None:
        issues, evidence = self.world.issues, self.world.evidence
        match act:
            case ("sign", str(who), str(item), str(what)):
                at = self.world.clock.forward(minutes=1)
                name = issues.comment(self.number, who, f"/signoff {item} {what}", at=at)
                self.comments.append((name, who, item, what))
            case ("withdraw", str(who), str(item), str(why)):
                at = self.world.clock.forward(minutes=1)
                issues.comment(self.number, who, f"/withdraw {item} {why}", at=at)
            case ("edit", int(nth)) if nth < len(self.comments):
                issues.edit(self.comments.pop(nth)[0], "/signoff rollback-rehearsed docs/b.md")
            case ("delete", int(nth)) if nth < len(self.comments):
                issues.delete(self.comments.pop(nth)[0])
            case ("break", bool(is_broken)):
                ended = "failure" if is_broken else "success"
                evidence.objects[RUN] = LookedUpEvidence(of_release=True, ended=ended, digest=ended)
            case ("down", bool(is_down)):
                evidence.is_down = is_down
            case ("hear", int(times)):
                for _ in range(times):
                    self.hear()
            case _:
                """An edit or a deletion of nothing."""

    def hear(self) -> None:
        before = self.state.signoff
        heard = Listener(self.world.issues, self.world.evidence, at=self.world.now).hear(self.state)
        assert heard is not None
        assert before is not None
        assert transition.problem(before, heard.signoff, self.state.contract, self.state.rollout) == ""
        self.state = TrainState(**{**vars(self.state), "signoff": heard.signoff})

    def settle(self) -> None:
        """All is up, and it is heard until nothing changes: what a decision would rest on."""
        self.world.evidence.is_down = False
        for _ in range(3):
            self.hear()
        again = self.state.signoff
        self.hear()
        assert self.state.signoff == again, "hearing again changes nothing"

    def standing(self, item: str) -> set[str]:
        """Who may have signed it by a comment that stands, with evidence that is good now."""
        good = {"docs/a.md"} | ({RUN} if self.world.evidence.objects[RUN].ended == "success" else set())
        named = {"trigger-matrix-reviewed": {"ada", "bob"}, "rollback-rehearsed": {"ada", "olga"}}[item]
        return {
            who.casefold()
            for _, who, of, what in self.comments
            if of == item and what in good and who.casefold() in named
        }


@settings(max_examples=examples(120), deadline=timedelta(seconds=5))
@given(ACTS)
def test_a_complete_checklist_has_its_people_and_live_evidence(acts: list[tuple[object, ...]]) -> None:
    play = Play()
    for act in acts:
        play.act(act)
    play.settle()
    state = play.state
    for item, people in NEEDED.items():
        found = next(each for each in state.contract.signoff.items if each.id == item)
        signed = checklist.is_signed(found, state.contract, state.signoff, state.rollout)
        counted = checklist.counting(found, state.contract, state.signoff, state.rollout)
        by = {one.by.casefold() for one in counted}
        if waits_on_signatures(state):
            assert by <= play.standing(item), "each rests on a comment and on evidence that stand"
        if signed:
            assert len(by) >= people
            assert by <= {"ada", "bob", "olga"}
    assert state.rollout.release is not None
    assert (state.train, state.rollout.release.commit) == (TAU, COMMIT)
