"""Findings of `rollout doctor` as a person and a script get them."""

from rollout.core.doctor import Finding, Severity, examine
from rollout.rendering.examination import examination_document, examination_summary, examination_text
from tests.core.doctor.doctor_world import ADMIN_WITHOUT_APP, NOW, ago, world
from tests.rendering.goldens import check_golden

FINDINGS = [
    Finding(
        "state commits", Severity.PROBLEM, "protect | wants\x1b[31m a `pull` request", "add the App, @ada"
    ),
    Finding(
        "token", Severity.WARNING, "jobs use the run's own token, and so each step waits", "a GitHub App"
    ),
    Finding("limits", Severity.CANNOT_TELL, "not asked", "gh api rate_limit"),
    Finding("pins", Severity.OK, "pinned"),
]


def test_worst_first_with_the_fix_below_each() -> None:
    assert examination_text("acme/tau", FINDINGS, columns=60) == (
        "acme/tau\n"
        "\n"
        "✗ state commits  protect | wants a `pull` request\n"
        "                 fix: add the App, @ada\n"
        "! token          jobs use the run's own token, and so each\n"
        "                 step waits\n"
        "                 fix: a GitHub App\n"
        "? limits         not asked\n"
        "                 fix: gh api rate_limit\n"
        "✓ pins           pinned\n"
        "\n"
        "1 problem, 1 warning, 1 cannot be told, 1 fine"
    )


def test_without_a_problem_it_says_so() -> None:
    assert examination_text("acme/tau", FINDINGS[3:], columns=60).endswith("\nno problem, 1 fine")


def test_in_a_summary_nothing_is_markup() -> None:
    assert examination_summary("acme/tau", FINDINGS[:1]).splitlines() == [
        "**1 problem, 0 fine** in `acme/tau`",
        "",
        "| looked at | found | fix |",
        "| --- | --- | --- |",
        "| ✗ state commits | protect \\| wants a `pull` request | `add the App, @ada` |",
    ]


def test_a_document_for_scripts() -> None:
    assert examination_document("acme/tau", FINDINGS[1:2]) == {
        "about": "acme/tau",
        "problems": 0,
        "findings": [
            {
                "topic": "token",
                "severity": "warning",
                "says": "jobs use the run's own token, and so each step waits",
                "fix": "a GitHub App",
            }
        ],
    }


def test_as_a_release_owner_sees_it() -> None:
    found = examine(world({**ADMIN_WITHOUT_APP, "private": True, "runs": ago(5, 52, 62)}), NOW)
    about = "acme/tau, state on main, asked as ada"
    check_golden("doctor.txt", examination_text(about, found, columns=100))
