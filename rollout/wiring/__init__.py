"""The only place where adapters are made and put together."""

from rollout.wiring.workspace import ForgeKind as ForgeKind
from rollout.wiring.workspace import Workspace as Workspace
