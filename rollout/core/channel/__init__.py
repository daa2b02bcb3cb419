"""The release channel: its rollback hints, and what plan, apply and lookups decide.

Only the hints are given here. The rest is for the channel's own commands, and importing this package, as
`advance` does, must not bring it along.
"""

from rollout.core.channel.hints import applied, completed, rolled_back, started, switch, target_for

__all__ = ["applied", "completed", "rolled_back", "started", "switch", "target_for"]
