"""A file of records in the git directory: read whole, replaced whole, by one process at a time."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from rollout.adapters.git import locked
from rollout.core.surfaces.payload import MalformedError, decode
from rollout.core.values import Model
from rollout.errors import InputError, OutsideError

R = TypeVar("R", bound=Model)


class RecordsFile(Generic[R]):
    """Records of one model; a file that is not there holds the model's defaults."""

    def __init__(self, file: Path, model: type[R], hint: str) -> None:
        """`hint` says what to do when the file is broken."""
        self._file = file
        self._model = model
        self._hint = hint

    def locked(self) -> AbstractContextManager[None]:
        return locked(self._file.with_suffix(".lock"))

    def read(self) -> R:
        """Raises OutsideError when it cannot be read, InputError when it does not parse."""
        try:
            text = self._file.read_bytes()
        except FileNotFoundError:
            return self._model()
        except OSError as error:
            raise OutsideError(f"{self._file} cannot be read: {error.strerror}", hint=self._hint) from error
        try:
            return self._model.model_validate(decode(text, limit=len(text)))
        except MalformedError as problem:
            raise InputError(f"{self._file}: {problem}", hint=self._hint) from problem
        except ValidationError as error:
            from rollout.core.contract_check.mistakes import describe

            raise InputError(f"{self._file}: {describe(error, self._model)[0]}", hint=self._hint) from error

    def write(self, records: R) -> None:
        """Replaces the file as a whole, so that a reader or a power cut never meets half of it."""
        draft = self._file.with_suffix(".new")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(records.model_dump_json(by_alias=True, indent=1))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._file)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
