"""A rollback, from the freeze to its end: pure transitions of an incident.

`opening` freezes, `machine` says what comes next, `watching` lets others join, `leaving` is a person's
way out. `advance` imports what only a rollback needs when there is one.
"""
