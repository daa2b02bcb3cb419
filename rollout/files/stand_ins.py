"""The last readable version of each file of a train that cannot be read, so that the brake works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from rollout.core.consistency import why_behind
from rollout.core.files import CHANNEL, INCIDENTS, QUARANTINE, REHEARSAL, ROLLOUT, SIGNOFF, STATUS, state_path
from rollout.core.state import (
    Channel,
    Incident,
    Outcome,
    Quarantine,
    Rehearsal,
    Rollout,
    Signoff,
    Status,
    TrainState,
    UnusableFile,
)
from rollout.errors import InputError
from rollout.files.contract_history import deciding_contract
from rollout.files.state_files import (
    EDITED_HINT,
    UPGRADE,
    FileVersion,
    M,
    TrainFiles,
    check_consistency,
    missing,
    read_model,
)
from rollout.files.way_back import MOST_VERSIONS, last_change, undo_hint, who_changed, with_way_back

_NOT_NEEDED = (CHANNEL, SIGNOFF, QUARANTINE, REHEARSAL)
"""What the brake does without, and leaves as it is while it cannot read it."""
FREEZE_BY_HAND = "meanwhile freeze by hand: edit `frozen` in {file}, as docs/on-call.md of rollout says"


def with_stand_ins(error: InputError, train: str, at: str, files: TrainFiles) -> TrainState:
    """Returns the train with the last readable version of each file that cannot be read, which it names.

    `error` is what reading it without stand-ins raised; it is raised where history has no version either, and
    for one of a newer schema that the brake may have to write: only a newer rollout may do that.
    """
    return _StandIns(error, train, files).read(at)


class _StandIns:
    """One reading of a train of which some file is broken."""

    def __init__(self, error: InputError, train: str, files: TrainFiles) -> None:
        self._error = error
        self._train = train
        self._files = files
        self._broken: list[UnusableFile] = []
        self._history: dict[str, tuple[list[FileVersion], Iterator[FileVersion]]] = {}

    def read(self, at: str) -> TrainState:
        rollout, status = self._desired_and_observed()
        incident = self._incident(rollout)
        if incident is None and rollout.frozen and rollout.frozen.incident and status:
            # Nobody ever wrote that incident: rollout.yaml names what is not there.
            rollout = self._instead(status.legal, ROLLOUT, f"frozen.incident: {rollout.frozen.incident}")
            incident = self._incident(rollout)
        contract, digest, unusable = deciding_contract(self._train, self._files, rollout, status)
        state = TrainState(
            train=self._train,
            head=at,
            contract=contract,
            contract_digest=digest,
            rollout=rollout,
            status=status,
            channel=self._file(Channel, CHANNEL),
            signoff=self._file(Signoff, SIGNOFF),
            quarantine=self._file(Quarantine, QUARANTINE),
            rehearsal=self._file(Rehearsal, REHEARSAL),
            incident=incident,
            unusable=unusable,
            broken=tuple(self._broken),
        )
        try:
            check_consistency(state)
        except InputError as error:
            raise with_way_back(error, self._train, self._files) from error
        return state

    def _desired_and_observed(self) -> tuple[Rollout, Status | None]:
        """Reads rollout.yaml and status.yaml, each by the other where one of them is broken.

        For rollout.yaml the last legal desired state stands in, which status.yaml holds. Where both can be
        read and name two releases, rollout.yaml is broken if no status was ever one of its release.
        """
        rollout, status = self._desired(), self._readable(Status, STATUS)
        if (
            isinstance(rollout, Rollout)
            and isinstance(status, Status)
            and (why := _mismatch(rollout, status))
        ):
            if self._status_of(rollout) is not None:
                status = self._refusal(STATUS, why)
            else:
                rollout = self._refusal(ROLLOUT, f"release: was changed by hand; {STATUS}: {why}")
        incident = self._recorded_rollback(rollout) if isinstance(rollout, Rollout) else None
        if (
            isinstance(rollout, Rollout)
            and isinstance(status, Status)
            and (why := why_behind(rollout, status, incident))
        ):
            status = self._refusal(STATUS, why)
        if status is None and isinstance(rollout, Rollout) and rollout.outcome is not Outcome.IDLE:
            path = state_path(self._train, STATUS)
            status = InputError(f"{path} is missing, and {ROLLOUT} is {rollout.outcome}", file=path)
        if isinstance(status, InputError):
            is_good = _is_of(rollout if isinstance(rollout, Rollout) else None, incident)
            status = self._stand_in(status, Status, STATUS, is_good)
        if isinstance(rollout, Rollout):
            return rollout, status
        if status is not None:
            return self._instead(status.legal, ROLLOUT, rollout), status
        found = self._stand_in(rollout, Rollout, ROLLOUT, _is_whole)
        assert found is not None
        return found, status

    def _desired(self) -> Rollout | InputError:
        found = self._readable(Rollout, ROLLOUT)
        if found is None:
            return missing(self._train, ROLLOUT, "")
        why = _incomplete(found) if isinstance(found, Rollout) else ""
        return self._refusal(ROLLOUT, why) if why else found

    def _status_of(self, rollout: Rollout) -> Status | None:
        return self._newest(Status, STATUS, _is_of(rollout))

    def _incident(self, rollout: Rollout) -> Incident | None:
        named = rollout.frozen.incident if rollout.frozen else None
        if named is None:
            return None
        name = f"{INCIDENTS}/{named}.yaml"
        found = self._readable(Incident, name)
        if isinstance(found, Incident) and found.id == named:
            return found
        error = found if isinstance(found, InputError) else missing(self._train, name, "")
        return self._stand_in(error, Incident, name, lambda one: one.id == named, required=False)

    def _recorded_rollback(self, rollout: Rollout) -> Incident | None:
        """Returns the incident that desired state names; None where no status was ever one of its
        rollback.
        """
        named = rollout.frozen.incident if rollout.frozen else None
        if named is None:
            return None
        incident = self._newest(Incident, f"{INCIDENTS}/{named}.yaml", lambda one: one.id == named)
        is_recorded = self._newest(Status, STATUS, _is_of(rollout, incident)) is not None
        return incident if is_recorded else None

    def _file(self, model: type[M], name: str) -> M | None:
        """Returns the file; its last readable version, or nothing, where it cannot be read."""
        found = self._readable(model, name)
        if not isinstance(found, InputError):
            return found
        return self._stand_in(found, model, name, lambda _: True, required=False)

    def _readable(self, model: type[M], name: str) -> M | InputError | None:
        """Returns the file, why it cannot be used, or None when it is not there."""
        if not self._files.has(name):
            return None
        try:
            found = self._files.model(model, name)
        except InputError as error:
            if error.hint == UPGRADE and name not in _NOT_NEEDED:
                by_hand = FREEZE_BY_HAND.format(file=state_path(self._train, ROLLOUT))
                raise InputError(error.message, hint=f"{UPGRADE}; {by_hand}", file=error.file) from error
            return error
        train = getattr(found, "train", self._train)
        return found if train == self._train else self._refusal(name, f"train: is {train}")

    def _refusal(self, name: str, why: str) -> InputError:
        path = state_path(self._train, name)
        return InputError(f"{path}: {why}", hint=EDITED_HINT.format(file=path), file=path)

    def _stand_in(
        self,
        error: InputError,
        model: type[M],
        name: str,
        is_good: Callable[[M], bool],
        *,
        required: bool = True,
    ) -> M | None:
        """Returns the newest good version. Raises where there is none and one is `required`."""
        found = self._newest(model, name, is_good)
        if found is None and required:
            raise with_way_back(self._error, self._train, self._files)
        if found is not None or not name.startswith(f"{INCIDENTS}/"):
            self._tell(error, name, lambda version: self._good(version, model, name, is_good) is not None)
        return found

    def _instead(self, rollout: Rollout, name: str, why: InputError | str) -> Rollout:
        error = why if isinstance(why, InputError) else self._refusal(name, why)
        self._tell(error, name, lambda version: self._good(version, Rollout, name, _is_whole) is not None)
        return rollout

    def _tell(self, error: InputError, name: str, is_good: Callable[[FileVersion], bool]) -> None:
        path = state_path(self._train, name)
        culprit, good = last_change(self._versions(name), is_good)
        is_newer = error.hint == UPGRADE
        hint = UPGRADE if is_newer else undo_hint(path, culprit, good)
        self._broken.append(UnusableFile(error.message, hint, name, is_newer, who_changed(culprit, good)))

    def _newest(self, model: type[M], name: str, is_good: Callable[[M], bool]) -> M | None:
        found = (self._good(version, model, name, is_good) for version in self._versions(name))
        return next((each for each in found if each is not None), None)

    def _versions(self, name: str) -> Iterator[FileVersion]:
        """Yields what `TrainFiles.versions` does, and requests each once."""
        seen, rest = self._history.setdefault(name, ([], islice(self._files.versions(name), MOST_VERSIONS)))
        yield from seen
        for version in rest:
            seen.append(version)
            yield version

    def _good(
        self, version: FileVersion, model: type[M], name: str, is_good: Callable[[M], bool]
    ) -> M | None:
        if version.text is None:
            return None
        try:
            found = read_model(model, version.text, state_path(self._train, name))
        except InputError:
            return None
        of_train = getattr(found, "train", self._train) == self._train
        return found if of_train and is_good(found) else None


def _incomplete(rollout: Rollout) -> str:
    """Returns what a rollout in progress lacks, as `field: message`; empty when that is nothing."""
    if rollout.outcome is not Outcome.IN_PROGRESS:
        return ""
    if rollout.release is None:
        return "release: is missing from a rollout in progress"
    return "phase: is missing from a rollout in progress" if rollout.phase is None else ""


def _is_whole(rollout: Rollout) -> bool:
    return not _incomplete(rollout)


def _mismatch(rollout: Rollout, status: Status) -> str:
    """Returns how status.yaml is of another release than rollout.yaml, as `field: message`;
    empty when it is not.
    """
    release = rollout.release
    if release is None:
        return ""
    if release.version != status.release:
        return f"release: is {status.release}, and {ROLLOUT} has {release.version}"
    if release.commit != status.commit:
        return f"commit: is {status.commit[:12]}, and {ROLLOUT} has {release.commit[:12]}"
    return ""


def _is_of(rollout: Rollout | None, incident: Incident | None = None) -> Callable[[Status], bool]:
    """Returns whether a status is of the release and rollback of desired state;
    of any where that is not known.
    """
    return lambda status: (
        rollout is None or not (_mismatch(rollout, status) or why_behind(rollout, status, incident))
    )
