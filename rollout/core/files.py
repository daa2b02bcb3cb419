"""Names of the files below `state/<train>/`."""

STATE = "state"
"""The folder that all trains are in."""
STATE_BRANCH = "rollout-state"
"""The branch that carries nothing but state, where nobody named another."""
CONTRACT = "contract.yaml"
ROLLOUT = "rollout.yaml"
STATUS = "status.yaml"
CHANNEL = "channel.yaml"
SIGNOFF = "signoff.yaml"
QUARANTINE = "quarantine.yaml"
REHEARSAL = "rehearsal.yaml"
RELEASE_CACHE = "release-cache.yaml"
INCIDENTS = "incidents"
"""A folder with one file an incident."""


def state_path(train: str, *names: str) -> str:
    """`state/<train>/<names>`, relative to the top of the repository."""
    return "/".join((STATE, train, *names))
