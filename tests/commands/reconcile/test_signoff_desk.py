"""The checklist's issue beside a reconcile: heard, judged, answered, and kept as recorded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.reconcile.report import Report
from rollout.commands.reconcile.signoff_comments import MOST_LOOKUPS, Listener, SignoffDesk
from rollout.commands.reconcile.signoff_issue import SignoffIssue, open_issue
from rollout.commands.verify import verify
from rollout.commands.withdraw import withdraw
from rollout.core.contract import Roles
from rollout.core.decorations import Decorations
from rollout.core.issue import Issue, IssueState
from rollout.core.signoff.evidence import LookedUpEvidence
from rollout.core.signoff.window import IssueText, sealed
from rollout.core.state import CommitMessage, StateChange, TrainState, Verdict
from rollout.errors import RefusedError
from rollout.ports import Permission, Reaction
from rollout.rendering.advice import to_do
from tests.world import TAU, World, promotion_body

ITEM = "rollback-rehearsed"
PATH = "docs/rehearsal.md"


class Desk(World):
    """A world whose reconcile hears people."""

    def __init__(self) -> None:
        super().__init__()
        self.decorations = Decorations()

    def copy(self) -> Desk:
        """The same desk, from here on apart."""
        other = object.__new__(Desk)
        vars(other).update(vars(super().copy()))
        other.decorations = Decorations()
        return other

    def reconciler(self, *, dry_run: bool = False) -> Reconciler:
        issue = self.window(dry_run=dry_run)
        desk = SignoffDesk(Listener(self.issues, self.evidence, at=self.now), issue, self.decorations)
        return Reconciler(
            self.store,
            self.forge,
            self.clock,
            promotion_body,
            desk=desk,
            decorations=self.decorations,
            dry_run=dry_run,
        )

    def window(self, *, dry_run: bool = False) -> SignoffIssue:
        return SignoffIssue(self.issues, shown, lambda by, why: f"{by}: {why}", at=self.now, dry_run=dry_run)

    @property
    def issue(self) -> Issue:
        return self.issues.issues[-1]

    def say(self, who: str, text: str) -> str:
        at = self.clock.forward(minutes=1)
        return self.issues.comment(self.issue.number, who, text, at=at)

    def hear(self) -> Report:
        return self.reconciler().run(TAU, [])

    def standing(self, item: str = ITEM) -> list[str]:
        signoff = self.state.signoff
        found = signoff.items.get(item) if signoff else None
        return [one.by for one in found.signatures if one.ended is None] if found else []


def shown(state: TrainState) -> IssueText:
    assert state.signoff is not None
    signed = sorted(state.signoff.items)
    return IssueText("Sign-off", sealed(f"signed: {signed}"), f"missing beside {signed}", "Over.")


@pytest.fixture
def world() -> Desk:
    world = Desk()
    world.start()
    world.hear()
    return world


def test_the_issue_opens_itself_and_stays_as_it_is(world: Desk) -> None:
    assert (world.issue.key, world.issue.title) == ("signoff/tau/v0.1.5", "Sign-off")
    assert world.issue.labels == {"rollout", "rollout-signoff"}
    done = list(world.writes.done)
    assert world.hear().rows() == []
    assert world.writes.done == done


def test_a_withdrawn_release_closes_its_issue_and_a_new_start_opens_it_again(world: Desk) -> None:
    world.say("bob", f"/signoff {ITEM} {PATH}")
    world.hear()
    withdraw(world.store, world.clock, TAU, "a wrong tag", "ada")
    world.hear()
    assert world.issue.state is IssueState.CLOSED
    world.clock.forward(minutes=1)
    world.start()
    world.hear()
    assert (len(world.issues.issues), world.issue.state) == (1, IssueState.OPEN)
    assert world.standing() == [], "what was signed before counts no more"
    assert verify(world.store, TAU, None).findings == ()


def test_a_comment_signs_and_is_answered_once(world: Desk) -> None:
    comment = world.say("bob", f"/signoff {ITEM} {PATH}")
    rows = world.hear().rows()
    assert [row["kind"] for row in rows] == ["commit", "update_issue", "answer_comment"]
    assert (rows[0]["event"], rows[0]["detail"]) == ("signoff", f"{ITEM} by bob")
    assert world.issues.reactions[comment] == [Reaction.ACCEPTED]
    assert world.standing() == ["bob"]
    assert world.hear().rows() == []
    assert verify(world.store, TAU, None).problems == []


def test_a_run_that_died_before_it_answered_answers_in_the_next(world: Desk) -> None:
    comment = world.say("bob", f"/signoff {ITEM} {PATH}")
    heard = Listener(world.issues, world.evidence, at=world.now).hear(world.state)
    assert heard is not None
    message = CommitMessage(subject="x", body="", trailers=(("Rollout-Event", "signoff"),))
    change = StateChange(signoff=heard.signoff)
    world.store.commit(TAU, change, message, parent=world.store.head(), at=world.now)
    world.hear()
    assert world.issues.reactions[comment] == [Reaction.ACCEPTED]


def test_a_refusal_says_why_and_is_not_looked_up_again(world: Desk) -> None:
    comment = world.say("bob", f"/signoff {ITEM} see logs")
    world.hear()
    assert world.issues.reactions[comment] == [Reaction.REFUSED]
    (reply,) = world.issues.replies.values()
    assert "see logs is no evidence" in reply
    world.issues.asked.clear()
    assert world.hear().rows() == []
    assert world.issues.asked == []


def test_people_whom_the_contract_does_not_name_cost_nothing(world: Desk) -> None:
    policy = world.state.contract.signoff
    roles = Roles(owner=("bob",), reviewer=("bob",), approver=("bob",))
    world.edit_contract(signoff=policy.model_copy(update={"roles": roles}))
    world.hear()
    for number in range(30):
        world.say(f"stranger{number}", f"/signoff {ITEM} {PATH}")
    assert world.hear().rows() == []
    assert world.issues.asked == []


def test_a_crowd_is_dealt_with_bit_by_bit(world: Desk) -> None:
    for number in range(MOST_LOOKUPS + 5):
        world.say(f"stranger{number}", f"/signoff {ITEM} {PATH}")
    comment = world.say("bob", f"/signoff {ITEM} {PATH}")
    assert len(world.hear().signoff_effects) == MOST_LOOKUPS
    world.hear()
    assert world.issues.reactions[comment] == [Reaction.ACCEPTED]


def test_what_cannot_be_looked_up_waits(world: Desk) -> None:
    world.evidence.is_down = True
    comment = world.say("bob", f"/signoff {ITEM} {PATH}")
    report = world.hear()
    assert report.notes == ["a comment of bob waits: the forge is down"]
    assert comment not in world.issues.reactions
    world.evidence.is_down = False
    world.hear()
    assert world.standing() == ["bob"]


def test_a_hidden_comment_signs_nothing(world: Desk) -> None:
    world.issues.hide(world.say("bob", f"/signoff {ITEM} {PATH}"))
    assert world.hear().rows() == []
    assert world.standing() == []


def test_a_signature_ends_when_its_comment_is_hidden(world: Desk) -> None:
    comment = world.say("bob", f"/signoff {ITEM} {PATH}")
    world.hear()
    world.issues.hide(comment)
    world.hear()
    assert world.state.signoff is not None
    (signature,) = world.state.signoff.items[ITEM].signatures
    assert signature.ended is not None
    assert (world.standing(), signature.ended.reason) == ([], "its comment was hidden")
    assert verify(world.store, TAU, None).problems == []


RUN = "actions/runs/42"
LAST = "trigger-matrix-reviewed"


def nothing_happens(world: Desk, comment: str) -> None:
    """All stays as it was signed."""


def comment_hidden(world: Desk, comment: str) -> None:
    world.issues.hide(comment)


def comment_deleted(world: Desk, comment: str) -> None:
    world.issues.delete(comment)


def run_deleted(world: Desk, comment: str) -> None:
    world.evidence.objects.clear()


def run_repeated(world: Desk, comment: str) -> None:
    link = f"{world.evidence.server}/acme/tau/{RUN}"
    world.evidence.objects[link] = LookedUpEvidence(of_release=True, ended="failure", digest="two")


MEANWHILE = pytest.mark.parametrize(
    ("happened", "why"),
    [
        (nothing_happens, ""),
        (comment_hidden, "its comment was hidden"),
        (comment_deleted, "its comment was deleted"),
        (run_deleted, "its evidence counts no more: there is no run 42"),
        (run_repeated, "its evidence counts no more: run 42 has not succeeded: failure"),
    ],
)


def signed_long_ago(world: Desk) -> str:
    """The comment by which bob has signed ITEM, with a run, before many others."""
    link = f"{world.evidence.server}/acme/tau/{RUN}"
    world.evidence.objects[link] = LookedUpEvidence(of_release=True, ended="success", digest="one")
    comment = world.say("bob", f"/signoff {ITEM} {link}")
    world.hear()
    assert world.standing() == ["bob"]
    for number in range(110):
        world.say(f"p{number}", "nice")
    return comment


def why_ended(world: Desk) -> str:
    assert world.state.signoff is not None
    (signature,) = world.state.signoff.items[ITEM].signatures
    return signature.ended.reason if signature.ended else ""


@cache
def in_phase(phase: str) -> tuple[Desk, str]:
    """A release in the phase that ITEM was signed for long ago; and bob's comment."""
    world = Desk()
    world.evidence.server = "http://ghes.example:8080"
    world.play_to(phase)
    comment = signed_long_ago(world)
    for _ in range(8):
        world.tick()
    return world, comment


@MEANWHILE
def test_the_last_signature_has_all_the_older_ones_looked_at_again(
    happened: Callable[[Desk, str], None], why: str
) -> None:
    begun, comment = in_phase("canary-3")
    world = begun.copy()
    assert world.forge.open_pulls() == []
    happened(world, comment)
    world.say("bob", f"/signoff {LAST} {PATH}")
    report = world.hear()
    assert why_ended(world) == why
    assert [step.step.event for step in report.steps][:2] == ["signoff", "signoff" if why else "decide"]
    assert len(world.forge.open_pulls()) == (0 if why else 1)
    assert verify(world.store, TAU, None).problems == []


@MEANWHILE
def test_a_phase_that_waits_for_people_has_them_looked_at_as_it_begins(
    happened: Callable[[Desk, str], None], why: str
) -> None:
    begun, comment = in_phase("canary-2")
    world = begun.copy()
    world.sign(LAST)
    world.merge()
    happened(world, comment)
    world.clock.forward(minutes=1)
    report = world.hear()
    assert (world.status.phase, why_ended(world)) == ("canary-3", why)
    assert [step.step.event for step in report.steps][:2] == ["enter", *(["signoff"] if why else [])]


def comments_down(world: Desk) -> None:
    world.issues.is_down = True


def evidence_down(world: Desk) -> None:
    world.evidence.is_down = True


DOWN = pytest.mark.parametrize(
    ("down", "unseen"),
    [(comments_down, "comments"), (evidence_down, f"the evidence of {ITEM} by bob")],
)


def all_signed() -> Desk:
    """The last signature has come, and the promotion is open and green."""
    begun, _ = in_phase("canary-3")
    world = begun.copy()
    world.say("bob", f"/signoff {LAST} {PATH}")
    world.hear()
    assert shown_on_promotions(world) == ["success"]
    return world


def shown_on_promotions(world: Desk) -> list[str]:
    """The status of each that is open."""
    statuses = (world.forge.shown[pull.head_sha] for pull in world.forge.open_pulls())
    return [status["rollout/tau"][0].value for status in statuses]


def comment_on(world: Desk, item: str) -> str:
    """The id of the one comment that names the item."""
    (found,) = [each.comment.id for each in world.issues.said if item in each.comment.body]
    return found


def healed(world: Desk) -> None:
    world.issues.is_down = world.evidence.is_down = False


@DOWN
def test_what_cannot_be_looked_at_holds_the_promotion(down: Callable[[Desk], None], unseen: str) -> None:
    world = all_signed()
    down(world)
    world.hear()
    assert shown_on_promotions(world) == ["failure"]
    assert world.verdict is Verdict.HOLD
    (why,) = world.status.decision.reasons
    assert f"all signed, and {unseen} cannot be read now" in why
    assert (world.standing(), world.standing(LAST)) == (["bob"], ["bob"]), "nothing ends"
    assert f"make {unseen} readable" in " ".join(to_do(world.state, now=world.now, pull_request=None))
    head = world.store.head()
    world.hear()
    assert world.store.head() == head, "the next run says nothing new"
    healed(world)
    world.hear()
    assert shown_on_promotions(world) == ["success"]
    assert verify(world.store, TAU, None).problems == []


@DOWN
def test_a_merged_step_waits_for_what_cannot_be_looked_at(down: Callable[[Desk], None], unseen: str) -> None:
    world = all_signed()
    world.merge()
    world.clock.forward(minutes=1)
    down(world)
    world.hear()
    assert world.status.phase == "canary-3"
    assert world.status.merged_step is not None
    healed(world)
    world.hear()
    assert world.status.phase == "general-availability"
    assert verify(world.store, TAU, None).problems == []


def test_what_is_asked_for_twice_in_a_run_is_told_once() -> None:
    begun, _ = in_phase("canary-2")
    world = begun.copy()
    world.sign(LAST)
    world.merge()
    world.clock.forward(minutes=1)
    comments_down(world)
    assert world.hear().notes == ["sign-off comments were not read: the forge is down"]
    assert world.status.phase == "canary-3"


def test_evidence_that_is_away_leaves_comments_heard() -> None:
    world = all_signed()
    evidence_down(world)
    world.say("bob", f"/withdraw {LAST} a mistake")
    world.hear()
    assert world.standing(LAST) == []


def test_comments_of_a_closed_issue_and_their_evidence_are_looked_at() -> None:
    world = all_signed()
    world.issues.change(world.issue.number, state=IssueState.CLOSED)
    world.evidence.objects.clear()
    world.issues.hide(comment_on(world, LAST))
    world.hear()
    assert "there is no run 42" in why_ended(world)
    assert world.standing(LAST) == []
    assert shown_on_promotions(world) == ["failure"]
    assert world.issue.state is IssueState.OPEN


@pytest.mark.parametrize("server", ["https://ghes.example:8080", "http://GHES.example:8080"])
def test_evidence_is_looked_at_under_the_servers_present_address(server: str) -> None:
    world = all_signed()
    found = world.evidence.objects.pop(f"{world.evidence.server}/acme/tau/{RUN}")
    world.evidence.server = server
    world.evidence.objects[f"{server}/acme/tau/{RUN}"] = found
    world.hear()
    assert (world.standing(), shown_on_promotions(world)) == (["bob"], ["success"])
    world.evidence.objects.clear()
    world.hear()
    assert (world.standing(), shown_on_promotions(world)) == ([], ["failure"])


def test_comments_are_judged_though_the_repository_has_another_name() -> None:
    world = all_signed()
    renamed = world.issue.url.replace("acme/tau", "acme/renamed")
    world.issues.change(world.issue.number, url=renamed)
    world.issues.hide(comment_on(world, LAST))
    world.hear()
    assert (world.standing(LAST), shown_on_promotions(world)) == ([], ["failure"])


def test_an_issue_that_cannot_be_reached_stops_nothing(world: Desk) -> None:
    world.issues.is_down = True
    report = world.tick()
    assert [taken.step.event for taken in report.steps][:1] == ["observe"]
    assert report.notes == ["sign-off comments were not read: the forge is down"]
    assert world.decorations.told() == ["the forge is down"]


def test_a_hand_edit_is_answered_once_and_put_back(world: Desk) -> None:
    body = world.issue.body
    world.issues.change(world.issue.number, body="- [x] all mine", labels=frozenset({"rollout", "mine"}))
    (row,) = world.hear().rows()
    assert (row["kind"], row["detail"]) == ("update_issue", "changed by hand")
    assert world.issue.body == body
    assert set(world.issue.labels) == {"rollout", "rollout-signoff", "mine"}
    (reply,) = world.issues.replies.values()
    assert "changed by hand" in reply
    assert world.hear().rows() == []


def test_an_issue_that_was_closed_or_deleted_comes_back(world: Desk) -> None:
    world.say("bob", f"/signoff {ITEM} {PATH}")
    world.hear()
    world.issues.change(world.issue.number, state=IssueState.CLOSED)
    world.hear()
    assert world.issue.state is IssueState.OPEN
    world.issues.vanish(world.issue.number)
    assert [row["kind"] for row in world.hear().rows()] == ["open_issue"]
    assert world.standing() == ["bob"], "what was signed on the issue that is gone stays"


def test_a_dry_run_tells_and_does_nothing(world: Desk) -> None:
    world.say("bob", f"/signoff {ITEM} {PATH}")
    done, head = list(world.writes.done), world.store.head()
    told = world.reconciler(dry_run=True).run(TAU, [])
    assert [row["kind"] for row in told.rows()] == ["commit", "update_issue", "answer_comment"]
    assert (world.writes.done, world.store.head()) == (done, head)
    fresh = Desk()
    fresh.start()
    assert [row["kind"] for row in fresh.reconciler(dry_run=True).run(TAU, []).rows()][-1] == "open_issue"
    assert fresh.issues.issues == []


def test_an_incident_blocks_the_issue_and_withdraws() -> None:
    world = Desk()
    world.play_to("canary-1")
    world.say("bob", f"/signoff {ITEM} {PATH}")
    world.hear()
    world.ci("failure")
    world.tick()
    assert "rollout-blocked" in world.issue.labels
    assert world.standing() == []
    comment = world.say("bob", f"/signoff {ITEM} {PATH}")
    world.hear()
    assert comment not in world.issues.reactions
    assert world.issue.state is IssueState.OPEN


def test_two_who_record_at_once_lose_nothing(world: Desk) -> None:
    world.issues.may["ada"] = Permission.WRITE
    world.say("bob", f"/signoff {ITEM} {PATH}")
    world.say("ada", f"/signoff {ITEM} {PATH}")
    world.writes.step_in(1, "before", lambda: world.sign("trigger-matrix-reviewed"))
    world.hear()
    assert world.standing() == ["ada", "bob"]
    assert world.standing("trigger-matrix-reviewed") == ["bob"]


def test_opening_by_command_needs_a_rollout(world: Desk) -> None:
    world.issues.vanish(world.issue.number)
    issue, effects = open_issue(world.window(), world.state)
    assert (issue.title, [effect.kind for effect in effects]) == ("Sign-off", ["open_issue"])
    assert open_issue(world.window(), world.state)[1] == []
    with pytest.raises(RefusedError, match="no rollout in progress that is signed"):
        open_issue(world.window(), Desk().state)


def test_thousands_of_comments_move_the_place_that_is_read_up_to(world: Desk) -> None:
    for number in range(120):
        world.say(f"p{number}", "nice")
    (row,) = world.hear().rows()
    assert row["detail"] == "comments read"
    assert world.state.signoff is not None
    assert world.state.signoff.read_until == world.now
    assert world.hear().rows() == []
    assert verify(world.store, TAU, None).problems == []


@pytest.mark.parametrize("forged", ["by", "blocked", "machine"])
def test_verify_names_a_checklist_that_was_edited_by_hand(world: Desk, forged: str) -> None:
    world.say("bob", f"/signoff {ITEM} {PATH}")
    world.hear()
    signoff = world.state.signoff
    assert signoff is not None
    signature = signoff.items[ITEM].signatures[0]
    changes = {
        "by": {ITEM: signoff.items[ITEM].model_copy(update={"signatures": ()})},
        "blocked": {},
        "machine": {
            "canary-1-soaked": signoff.items[ITEM].model_copy(
                update={"signatures": (signature.model_copy(update={"by": "rollout"}),)}
            )
        },
    }
    edited = signoff.model_copy(
        update={
            "items": {**signoff.items, **changes[forged]},
            "blocked": "mine" if forged == "blocked" else None,
        }
    )
    message = CommitMessage(subject="x", body="", trailers=(("Rollout-Event", "signoff"),))
    change = StateChange(signoff=edited)
    world.store.commit(TAU, change, message, parent=world.store.head(), at=world.now)
    ((_, problem),) = verify(world.store, TAU, None).problems
    assert problem.startswith("signoff.yaml: ")
