"""The checklist by the workflows alone: people comment, and the tool hears, judges and answers."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from fakehub.entities import Access, Comment, Run, Thread, TokenKind
from fakehub.hub import Hub
from tests.workflows.town import CONTRACT, PHASES, VERSION, Town, build, keys

SIGNED = (
    CONTRACT.replace(
        "name: canary-3, canary_percent: 50, soak: {runs: 1}, inherit: canary-1}",
        "name: canary-3, canary_percent: 50, soak: {runs: 1}, inherit: canary-1,"
        " gates: [{kind: signoff, before: general-availability}]}",
    ).replace(
        "name: general-availability, canary_percent: 100, soak: {runs: 1}, inherit: canary-1}",
        "name: general-availability, canary_percent: 100, soak: {runs: 1}, inherit: canary-3,"
        " gates: [{kind: signoff, before: complete}]}",
    )
    + """\
signoff:
  roles: {owner: [olga], reviewer: [rita, rob], approver: [grace]}
  items:
    - id: harness
      section: Preflight
      title: Harness passed
      before: general-availability
      proof: {kind: harness}
    - id: reviewed
      section: Readiness
      title: "Reviewed [x](http://e) <b> @all"
      before: general-availability
      people: 2
    - {id: approved, section: General availability, title: Approved, before: complete, role: approver}
"""
)
_CANARIES = re.compile(r"  - name: canary-1\n.*?(?=  - \{name: general-availability)", re.DOTALL)
_FIRST_GATE = "{kind: signoff, before: general-availability}"
SHORT = (
    _CANARIES.sub("", SIGNED)
    .replace(
        "- {kind: rollback_target}",
        "- {kind: rollback_target}\n      - {kind: signoff, before: general-availability}",
    )
    .replace("inherit: canary-3,", "inherit: preflight,")
    .replace(
        "[{kind: signoff, before: complete}]",
        "[{kind: health_state, is: healthy}, {kind: signoff, before: complete}]",
    )
)
"""The same with two phases: the checklist is all that a release waits for."""
HOSTILE = "/signoff reviewed ](javascript:x)@everyone<!-- rollout:sticky --> `$(id)`"


class Checklist:
    """A release that waits for its checklist, and those who sign."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.people = {login: town.hub.person(login, town.repo) for login in ("olga", "rita", "rob", "grace")}
        self.people["eve"] = town.hub.person("eve", town.repo, Access.READ)
        town.start()
        town.settle()

    @property
    def issue(self) -> Thread:
        (found,) = (one for one in self.town.repo.threads.values() if not one.pull)
        return found

    def say(self, login: str, body: str) -> Comment:
        self.town.hub.clock.forward(minutes=1)
        return self.town.repo.comment(self.people[login], self.issue.number, body)

    def hear(self) -> list[Run]:
        """Runs that people's comments led to; those of the tool's own run nothing."""
        runs = self.town.settle().get("rollout-signoff", [])
        assert all(keys(run) == [] for run in runs if run.actor.type == "Bot")
        return [run for run in runs if run.actor.type != "Bot"]

    def answers(self, comment: Comment) -> list[str]:
        return [reaction.content for reaction in comment.reactions]

    def replies(self) -> list[str]:
        return [one.body for one in self.issue.comments if "rollout:reply" in one.body]

    def signed(self, item: str = "reviewed") -> list[str]:
        """Whose signatures stand."""
        found = self.town.state("signoff")["items"].get(item, {"signatures": []})["signatures"]
        return [one["by"] for one in found if one["ended"] is None]

    def box(self, item: str) -> str:
        (line,) = (text for text in (self.issue.body or "").splitlines() if f" (`{item}`): " in text)
        return line[3]


@pytest.fixture
def checklist(hub: Hub, tmp_path: Path) -> Checklist:
    return Checklist(build(hub, tmp_path, app=True, contract=SHORT))


def test_a_release_goes_to_everybody_by_its_signed_checklist(hub: Hub, tmp_path: Path) -> None:
    town = build(hub, tmp_path, app=True, contract=SIGNED)
    checklist = Checklist(town)
    for _ in pairwise(PHASES[:4]):
        town.merge()
        town.settle()
    assert town.phase == "canary-3"
    assert {"rollout", "rollout-signoff"} <= set(checklist.issue.labels)
    assert checklist.issue.assignees == ["olga", "rita", "rob", "grace"]
    assert (checklist.box("harness"), checklist.box("reviewed")) == ("x", " ")
    assert not [pull for pull in town.repo.pulls() if pull.state == "open"]

    # Two at once, and neither is lost.
    rita, rob = (
        checklist.say("rita", "/signoff reviewed probe.sh"),
        checklist.say("rob", f"/signoff reviewed {town.release}"),
    )
    assert [keys(run) for run in checklist.hear()] == [["signoff"], ["signoff"]]
    assert (checklist.answers(rita), checklist.answers(rob)) == (["+1"], ["+1"])
    assert checklist.signed() == ["rita", "rob"]
    assert checklist.box("reviewed") == "x"
    assert "promote" in town.open_pull().title
    town.merge()
    town.settle()
    assert town.phase == "general-availability"

    last = checklist.say("grace", f"It is good.\n\n/signoff approved {town.release}")
    checklist.hear()
    assert checklist.answers(last) == ["+1"]
    sticky = next(one.body for one in checklist.issue.comments if "missing" in one.body)
    assert sticky.count("Nothing is missing before") == 2
    assert town.state()["outcome"] == "complete"
    assert checklist.issue.state == "closed"
    assert f"{VERSION} is complete: 3 of 3 items signed" in checklist.issue.comments[-1].body
    world = town.world(), [one.body for one in checklist.issue.comments]
    town.tick()
    assert (town.world(), [one.body for one in checklist.issue.comments]) == world


def test_who_may_not_sign_is_told_and_outsiders_cost_nothing(checklist: Checklist) -> None:
    wrong = checklist.say("grace", "/signoff reviewed probe.sh")
    checklist.hear()
    assert checklist.answers(wrong) == ["-1"]
    assert "grace, this does not count:" in checklist.replies()[0]
    assert "reviewer of this release: rita, rob" in checklist.replies()[0]
    checklist.town.hub.forget_calls()
    outsider = checklist.say("eve", "/signoff reviewed probe.sh")
    checklist.say("rita", "I will look at it on Monday.")
    assert [keys(run) for run in checklist.hear()] == [["signoff"], []]
    calls = [str(call) for call in checklist.town.hub.calls() if call.token is TokenKind.APP]
    assert not [call for call in calls if "collaborators" in call or "/issues" in call]
    assert (checklist.answers(outsider), checklist.signed()) == ([], [])


def test_a_deleted_or_edited_comment_takes_its_signature_along(checklist: Checklist) -> None:
    town = checklist.town
    rita = checklist.say("rita", "/signoff reviewed probe.sh")
    rob = checklist.say("rob", "/signoff reviewed probe.sh")
    checklist.hear()
    pull = town.open_pull()
    head = town.repo.head_of(pull)
    assert town.status(head) == "success"
    town.repo.edit_comment(checklist.people["rita"], checklist.issue, rita, "/signoff reviewed src.txt")
    town.repo.delete_comment(checklist.people["rob"], rob.id)
    checklist.hear()
    assert checklist.signed() == []
    assert town.status(head) == "failure"
    assert "its comment was deleted" in (checklist.issue.body or "")
    assert "its comment was edited" in (checklist.issue.body or "")


def test_evidence_that_goes_takes_its_signatures_along(checklist: Checklist) -> None:
    town = checklist.town
    passed = town.repo.add_run(town.release, "success", "rita")
    link = f"{town.hub.url}/{town.repo.full_name}/actions/runs/{passed.id}"
    checklist.say("rita", f"/signoff reviewed {link}")
    checklist.say("rob", "/signoff reviewed probe.sh")
    checklist.hear()
    head = town.repo.head_of(town.open_pull())
    assert (checklist.signed(), town.status(head)) == (["rita", "rob"], "success")
    town.repo.runs.remove(passed)
    town.tick()
    assert (checklist.signed(), town.status(head)) == (["rob"], "failure")
    assert f"there is no run {passed.id}" in (checklist.issue.body or "")


def test_what_people_write_and_do_stays_text(checklist: Checklist) -> None:
    before = checklist.issue.body
    comment = checklist.say("rita", HOSTILE)
    checklist.hear()
    assert checklist.answers(comment) == ["-1"]
    (reply,) = checklist.replies()
    assert re.sub("`.*?`", "", reply).count("<!--") == 1, "the tool's own marker"
    assert r"Reviewed \[x\](http:&#8203;//e) \<b> @&#8203;all (`" in (before or "")
    checklist.issue.body = (before or "").replace("- [ ]", "- [x]")
    checklist.town.tick()
    assert checklist.issue.body == before
    assert "changed by hand" in checklist.replies()[-1]
    count = len(checklist.replies())
    checklist.town.tick()
    assert len(checklist.replies()) == count


def test_a_lost_issue_is_opened_again_and_what_was_signed_on_it_stays(checklist: Checklist) -> None:
    checklist.say("rita", "/signoff reviewed probe.sh")
    checklist.hear()
    checklist.town.repo.take_away(checklist.people["olga"], checklist.issue.number, "deleted")
    checklist.town.tick()
    assert checklist.signed() == ["rita"]
    checklist.issue.locked = True
    checklist.say("rob", "/signoff reviewed probe.sh")
    checklist.hear()
    assert checklist.signed() == ["rita", "rob"]
