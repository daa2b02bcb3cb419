"""Issues over GitHub's API: PyGithub and HTTP as they are, the fake hub, and people beside the tool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from fakehub import faults
from fakehub.entities import Access, Token
from fakehub.fixtures import hub
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.forge import GitHubForge
from rollout.adapters.github.issues import GitHubIssues
from rollout.adapters.github.listing import Listing
from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.issue import Issue, IssueState
from rollout.errors import OutsideError
from rollout.ports import Permission, Reaction, answer_key
from tests.adapters.github.world import WaitingClock

__all__ = ["hub"]

KEY = "signoff/tau/v0.1.5"
MARKER = "<!-- rollout:issue signoff%2Ftau%2Fv0.1.5 -->"
CREATE = "POST /repos/acme/tau/issues"


class Town:
    """A repository, the App that the tool acts as, and people."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.repo: Repo = hub.repo("acme/tau")
        self.app = hub.app_token(self.repo)
        self.ada = hub.person("ada", self.repo)

    def run(self, token: Token | None = None) -> GitHubIssues:
        """Adapters for one more run."""
        return self.both(token)[0]

    def both(self, token: Token | None = None) -> tuple[GitHubIssues, GitHubForge]:
        api = self.api(token)
        listing = Listing(api, lambda: "main")
        return GitHubIssues(api, listing), GitHubForge(api, listing)

    def api(self, token: Token | None = None) -> Api:
        address = Address("acme/tau", self.hub.url, f"{self.hub.url}/graphql")
        return Api(address, (token or self.app).value, WaitingClock(self.hub.clock), timeout=20)

    def opened(self, body: str = "The body.", key: str = KEY) -> Issue:
        new = OpenIssue(key, "Sign-off", body, ("rollout-signoff",), ("ada", "nobody"))
        return self.run().open(new, at=self.hub.clock.now())

    def say(self, number: int, body: str, by: Token | None = None) -> str:
        self.hub.clock.forward(minutes=1)
        return str(self.repo.comment(by or self.ada, number, body).id)

    def threads(self) -> list[tuple[int, str, list[str]]]:
        """(number, state, comments) of each issue."""
        return [
            (thread.number, thread.state, [comment.body for comment in thread.comments])
            for thread in self.repo.threads.values()
        ]

    def calls(self) -> list[str]:
        return [str(call) for call in self.hub.calls()]


@pytest.fixture
def town(hub: Hub) -> Town:
    return Town(hub)


# --- finding -----------------------------------------------------------------------------------------------


def test_issues_pull_requests_and_statuses_are_one_request(town: Town) -> None:
    town.opened()
    town.hub.forget_calls()
    issues, forge = town.both()
    found = issues.find_open(KEY)
    assert found is not None
    assert issues.comments(found.number).whole
    assert forge.pull_requests("rollout/") == []
    assert len(town.calls()) == 1


@pytest.mark.parametrize("state", IssueState)
def test_an_issue_whose_label_was_taken_off_gets_it_back(town: Town, state: IssueState) -> None:
    opened, opened_at = town.opened(), town.hub.clock.now()
    thread = town.repo.threads[opened.number]
    thread.labels, thread.state = ["rollout-signoff", "triage"], state.value
    comment = town.say(opened.number, "/signoff a b")
    town.hub.forget_calls()
    run = town.run()
    found = run.find(KEY)
    assert found is not None
    assert (found.number, found.title, found.state) == (opened.number, "", state), "so that it is updated"
    assert run.find(KEY) == found
    assert [one.id for one in run.comments(found.number).comments] == [comment]
    run.update(UpdateIssue(found.number, "Sign-off", "The body.", ("rollout-signoff",)), at=opened_at)
    assert len(town.calls()) == 4, "the list, what is not in it, its comments, the update"
    assert sorted(thread.labels) == ["rollout", "rollout-signoff", "triage"]
    assert town.run().find(KEY) == replace(opened, labels=frozenset({*opened.labels, "triage"}), state=state)


def test_a_marker_that_somebody_else_wrote_finds_nothing(town: Town) -> None:
    town.repo.open_thread(town.ada, "Sign-off", f"The body.\n\n{MARKER}")
    assert town.run().find(KEY) is None


def test_an_opened_issue_is_found_again_with_all_that_is_known(town: Town) -> None:
    opened = town.opened()
    assert town.run().find(KEY) == opened
    assert opened == Issue(
        number=1,
        key=KEY,
        title="Sign-off",
        body="The body.",
        state=IssueState.OPEN,
        labels=frozenset({"rollout", "rollout-signoff"}),
        assignees=("ada",),
        locked=False,
        url=opened.url,
    )
    assert opened.url.endswith("/acme/tau/issues/1")
    assert town.repo.threads[1].body == f"The body.\n\n{MARKER}"
    assert town.opened().number == 1
    assert set(town.repo.labels) == {"rollout", "rollout-signoff"}


def test_what_somebody_else_made_look_alike_is_not_found(town: Town) -> None:
    town.repo.open_thread(town.ada, "Sign-off", MARKER)
    assert town.run().find(KEY) is None


def test_a_mangled_body_is_still_found_by_the_tools_comment(town: Town) -> None:
    number = town.opened().number
    town.run().stick(number, KEY, "Two missing.", at=town.hub.clock.now())
    town.repo.threads[number].body = "\r\n".join(["all", "mine"])
    found = town.run().find_open(KEY)
    assert found is not None
    assert found.body == "all\nmine"
    town.run().update(UpdateIssue(number, "Sign-off", "The body.", ()), at=town.hub.clock.now())
    assert town.repo.threads[number].body == f"The body.\n\n{MARKER}"


def test_a_key_that_a_person_writes_in_a_comment_is_not_the_tools(town: Town) -> None:
    number = town.opened(key="incident/1").number
    town.repo.threads[number].body = "mine"
    town.say(number, MARKER.replace("issue", "sticky"))
    assert town.run().find_open(KEY) is None


def test_closed_ones_are_looked_for_only_when_asked(town: Town) -> None:
    number = town.opened().number
    town.run().close(number, "Done.", at=town.hub.clock.now())
    town.hub.forget_calls()
    run = town.run()
    assert run.find_open(KEY) is None
    assert len(town.calls()) == 1
    found = run.find(KEY)
    assert found is not None
    assert (found.number, found.state) == (number, IssueState.CLOSED)
    run.reopen(number, at=town.hub.clock.now())
    run.reopen(number, at=town.hub.clock.now())
    assert town.threads() == [(number, "open", ["Done.\n\n<!-- rollout:closed -->"])]


def test_more_open_issues_than_a_page_holds_are_all_seen(town: Town) -> None:
    number = town.opened().number
    for count in range(25):
        town.opened(key=f"incident/{count}")
    found = town.run().find_open(KEY)
    assert found is not None
    assert found.number == number


@pytest.mark.parametrize("how", ["deleted", "transferred"])
def test_one_that_is_gone_is_not_found_and_another_can_be_opened(town: Town, how: str) -> None:
    town.repo.take_away(town.ada, town.opened().number, how)  # type: ignore[arg-type]
    assert town.run().find(KEY) is None
    assert town.opened().number == 2


# --- opening and changing ----------------------------------------------------------------------------------


def test_a_lost_answer_opens_no_second_issue(town: Town) -> None:
    town.hub.fail(CREATE, faults.DROPPED_AFTER)
    assert town.opened().number == 1
    assert len(town.threads()) == 1


def test_of_two_that_were_opened_at_once_the_later_is_closed(town: Town) -> None:
    town.hub.before(CREATE, lambda: town.opened())
    assert town.opened().number == 1
    assert town.threads() == [
        (1, "open", []),
        (2, "closed", ["Opened twice at once; it goes on at #1.\n\n<!-- rollout:closed -->"]),
    ]


def test_labels_of_the_tool_are_made_so_and_others_stay(town: Town) -> None:
    number = town.opened().number
    town.repo.label("team-a")
    town.repo.threads[number].labels.append("team-a")
    town.run().update(UpdateIssue(number, "T", "B", ("rollout-blocked",)), at=town.hub.clock.now())
    found = town.run().find_open(KEY)
    assert found is not None
    assert (found.title, found.body) == ("T", "B")
    assert found.labels == {"rollout", "rollout-blocked", "team-a"}


def test_a_close_that_was_killed_says_why_once(town: Town) -> None:
    number = town.opened().number
    town.hub.fail("PATCH /repos/acme/tau/issues/*", faults.FORBIDDEN)
    with pytest.raises(OutsideError, match="closing issue 1 failed"):
        town.run().close(number, "Done.", at=town.hub.clock.now())
    town.run().close(number, "Done.", at=town.hub.clock.now())
    town.run()
    assert town.threads() == [(number, "closed", ["Done.\n\n<!-- rollout:closed -->"])]


def test_each_end_of_an_issue_that_was_opened_again_has_its_last_words(town: Town) -> None:
    number = town.opened().number
    for words in ("Withdrawn.", "Complete."):
        run = town.run()
        assert run.find(KEY)
        run.reopen(number, at=town.hub.clock.now())
        run.close(number, words, at=town.hub.clock.now())
    assert town.threads() == [
        (
            number,
            "closed",
            ["Withdrawn.\n\n<!-- rollout:closed -->", "Complete.\n\n<!-- rollout:closed -->"],
        )
    ]


# --- comments ----------------------------------------------------------------------------------------------


def test_peoples_comments_come_oldest_first_and_tell_what_became_of_them(town: Town) -> None:
    number = town.opened().number
    first, second = town.say(number, "/signoff a\r\nb"), town.say(number, "well")
    town.say(number, "I am a bot", town.hub.app_token(town.repo, slug="other"))
    town.say(number, "never mind")
    thread, comment = town.repo.find_comment(first)
    town.hub.clock.forward(minutes=1)
    town.repo.edit_comment(town.ada, thread, comment, "/signoff a c")
    town.repo.delete_comment(town.ada, town.repo.threads[number].comments[-1].id)
    town.run().react(second, Reaction.REFUSED)
    talk = town.run().comments(number)
    assert talk.whole
    assert [(one.id, one.author, one.body, one.edited, one.answered) for one in talk.comments] == [
        (first, "ada", "/signoff a c", True, False),
        (second, "ada", "well", False, True),
    ]
    assert talk.comments[0].url.endswith(f"/acme/tau/issues/{number}#issuecomment-{first}")


def test_older_comments_are_read_no_further_back_than_is_asked(town: Town) -> None:
    number = town.opened().number
    town.run().stick(number, KEY, "Missing.", at=town.hub.clock.now())
    for count in range(160):
        town.say(number, f"comment {count}")
    recent = town.hub.clock.now() - timedelta(minutes=30)
    town.hub.forget_calls()
    issues = town.run()
    talk = issues.comments(number, since=recent)
    issues.stick(number, KEY, "Missing.", at=town.hub.clock.now())
    assert (talk.whole, talk.comments[-1].body, len(talk.comments)) == (False, "comment 159", 50)
    assert len(town.calls()) == 1
    talk = issues.comments(number)
    assert talk.whole
    assert [one.body for one in talk.comments] == [f"comment {count}" for count in range(160)]
    assert len(town.calls()) == 4


def test_a_marker_that_a_reply_quotes_is_not_the_tools(town: Town) -> None:
    number = town.opened().number
    quoted = "`<!-- rollout:sticky signoff%2Ftau%2Fv0.1.5 -->` does not count"
    town.run().say_once(number, "answer/1", quoted, at=town.hub.clock.now())
    town.run().say_once(number, "answer/1", quoted, at=town.hub.clock.now())
    town.run().stick(number, KEY, "Missing.", at=town.hub.clock.now())
    assert town.threads()[0][2] == [
        f"{quoted}\n\n<!-- rollout:reply answer%2F1 -->",
        "Missing.\n\n<!-- rollout:sticky signoff%2Ftau%2Fv0.1.5 -->",
    ]


def test_comments_of_the_tool_under_a_former_identity_stay_its_own(town: Town) -> None:
    """It began with the token of a person, who left; now it is an App."""
    ops = town.hub.person("ops", town.repo)
    now = town.hub.clock.now()
    before = town.run(ops)
    number = before.open(OpenIssue(KEY, "Sign-off", "The body.", ()), at=now).number
    before.stick(number, KEY, "Two missing.", at=now)
    refused = town.say(number, "/signoff a b", by=ops)
    before.say_once(number, answer_key(str(refused)), "No: `/signoff ITEM EVIDENCE`.", at=now)
    town.say(number, "/signoff c d", by=ops)
    run = town.run()
    run.stick(number, KEY, "One missing.", at=now)
    run.say_once(number, answer_key(str(refused)), "No: `/signoff ITEM EVIDENCE`.", at=now)
    assert [body.splitlines()[0] for body in town.threads()[0][2]] == [
        "One missing.",
        "/signoff a b",
        "No: `/signoff ITEM EVIDENCE`.",
        "/signoff c d",
    ]
    comments = town.run().comments(number).comments
    assert [(one.body, one.answered) for one in comments] == [("/signoff a b", True), ("/signoff c d", False)]


def test_nobody_makes_a_comment_the_tools_by_its_marker(town: Town) -> None:
    number = town.opened().number
    namesake = town.hub.person(town.app.account.login.removesuffix("[bot]"), town.repo)
    text = "/signoff a b\n\n<!-- rollout:sticky signoff%2Ftau%2Fv0.1.5 -->"
    for by in (town.ada, namesake):
        town.say(number, text, by=by)
    assert len(town.run().comments(number).comments) == 2


def test_a_hidden_comment_is_told_apart(town: Town) -> None:
    number = town.opened().number
    comment = town.say(number, "/signoff a b")
    town.repo.find_comment(comment)[1].minimized = True
    (found,) = town.run().comments(number).comments
    assert found.hidden


def test_there_is_one_sticky_comment_and_it_is_kept_current(town: Town) -> None:
    number = town.opened().number
    town.hub.fail("POST /repos/*/comments", faults.DROPPED_AFTER)
    run = town.run()
    run.stick(number, KEY, "Two missing.", at=town.hub.clock.now())
    run.stick(number, KEY, "Two missing.", at=town.hub.clock.now())
    town.run().stick(number, KEY, "One missing.", at=town.hub.clock.now())
    assert town.threads() == [
        (number, "open", ["One missing.\n\n<!-- rollout:sticky signoff%2Ftau%2Fv0.1.5 -->"])
    ]


def test_a_reaction_is_given_once_and_a_deleted_comment_needs_none(town: Town) -> None:
    number = town.opened().number
    comment = town.say(number, "/signoff a b")
    town.run().react(comment, Reaction.ACCEPTED)
    town.run().react(comment, Reaction.ACCEPTED)
    assert [one.content for one in town.repo.find_comment(comment)[1].reactions] == ["+1"]
    town.repo.delete_comment(town.ada, int(comment))
    town.run().react(comment, Reaction.ACCEPTED)


def test_a_page_that_fails_is_said_and_nothing_is_taken_for_gone(town: Town) -> None:
    number = town.opened().number
    for count in range(60):
        town.say(number, f"comment {count}")
    issues = town.run()
    assert issues.find_open(KEY)
    town.repo.take_away(town.ada, number, "deleted")
    with pytest.raises(OutsideError, match="reading comments of issue 1 failed"):
        issues.comments(number)


# --- people ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (Access.NONE, Permission.NONE),
        (Access.READ, Permission.READ),
        (Access.WRITE, Permission.WRITE),
        (Access.ADMIN, Permission.ADMIN),
    ],
)
def test_what_a_person_may_do(town: Town, access: Access, expected: Permission) -> None:
    town.hub.person("bob", town.repo, access)
    run = town.run()
    town.hub.forget_calls()
    assert run.permission("bob") is expected
    assert run.permission("bob") is expected
    assert len(town.calls()) == 1


def test_somebody_unknown_may_nothing(town: Town) -> None:
    assert town.run().permission("who") is Permission.NONE


@pytest.mark.parametrize(
    ("token", "login"), [(lambda town: town.ada, "ada"), (lambda town: town.app, "rollout-app[bot]")]
)
def test_the_tool_knows_who_it_is(town: Town, token: Callable[[Town], Token], login: str) -> None:
    assert town.run(token(town)).myself() == login


def test_a_job_without_the_permission_may_list_pull_requests(town: Town) -> None:
    token = town.hub.run_token(town.repo, {"contents": "read", "pull_requests": "read"})
    forge = GitHubForge(town.api(token), Listing(town.api(token), lambda: "main"))
    assert forge.pull_requests("rollout/") == []
    with pytest.raises(OutsideError, match="listing open pull requests failed"):
        town.run(token).find_open(KEY)
