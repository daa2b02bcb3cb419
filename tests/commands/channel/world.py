"""The world of a rollout, with a list of releases and a desk for the channel's commands."""

from __future__ import annotations

from typing import Any

from rollout.adapters.channel_files import YamlFiles
from rollout.commands.channel.record import Desk
from rollout.commands.quarantine import held_back
from rollout.core.contract import ChannelPolicy
from rollout.core.files import QUARANTINE
from rollout.core.forge import PullRequestKind
from rollout.core.state import Channel, Quarantine, QuarantinedRelease
from rollout.core.state.release_cache import FILE
from tests.fakes.releases import FakeReleases
from tests.world import OTHER_COMMIT, TAU, World


class ChannelWorld(World):
    def __init__(self, *tags: str, **policy: Any) -> None:
        super().__init__()
        self.releases = FakeReleases(*tags)
        if policy:
            self.edit_contract(channel=ChannelPolicy(**policy))

    @property
    def desk(self) -> Desk:
        return Desk(
            self.store,
            self.forge,
            self.releases,
            YamlFiles(),
            self.clock,
            body=lambda before, after: f"{before.current_version} -> {after.current_version}",
            held_back=lambda state, version: held_back(state, self.history, self.reverter, version),
        )

    @property
    def channel(self) -> Channel:
        channel = self.state.channel
        assert channel is not None
        return channel

    @property
    def cache(self) -> bytes | None:
        """What release-cache.yaml holds."""
        return self.store.text(TAU, FILE, self.store.head())

    def quarantine(self, *versions: str) -> None:
        releases = (
            QuarantinedRelease(commit=OTHER_COMMIT, version=version, incident="bad", at=self.now)
            for version in versions
        )
        self.store.edit(TAU, {QUARANTINE: Quarantine(train=TAU, releases=tuple(releases))}, at=self.now)

    def keep(self, text: bytes) -> None:
        """Somebody writes this into release-cache.yaml."""
        self.store.edit(TAU, {FILE: text}, at=self.now)

    def open_channel_pulls(self) -> list[str]:
        return [pull.head for pull in self.forge.open_pulls() if pull.kind is PullRequestKind.CHANNEL]
