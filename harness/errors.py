"""The errors a user can meet.

    HarnessError
      CardError                the card cannot be read            path, line
      RecipeError              a stage cannot be built            stage, field
      DataError                missing, malformed or other data   data
      ModelError               a model folder cannot be used      model
      PredictionsError         ids missing, extra or repeated     ids
      RecordError              a run record or folder is unusable path
        NoEvidenceError        no run speaks for a card           stale
      TemplateError            a template cannot be used          path, line
      HubError                 fetch or publish failed            repo_id, revision
        HubNameError           no name of a repository or revision
      RunError                 training or prediction failed      stage; cause kept
      MissingDependencyError   an extra is not installed          command

Every message says where, what was found, what was expected and what to do. A questionable card is not an
error but a `Finding`.
"""

from __future__ import annotations

from collections.abc import Sequence


class HarnessError(Exception):
    """Base of all errors raised on purpose; ``exit_code`` is what the command line returns for it."""

    exit_code = 2


class CardError(HarnessError):
    """A model card cannot be read."""

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class RecipeError(HarnessError):
    """A recipe names an unknown field, has an impossible value, or lacks one that it needs."""

    def __init__(self, message: str, *, stage: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.stage = stage
        self.field = field


class DataError(HarnessError):
    """A data set is missing, malformed, or not the one that was expected."""

    def __init__(self, message: str, *, data: str | None = None) -> None:
        super().__init__(message)
        self.data = data


class ModelError(HarnessError):
    """A model or tokenizer folder cannot be used."""

    def __init__(self, message: str, *, model: str | None = None) -> None:
        super().__init__(message)
        self.model = model


class PredictionsError(HarnessError):
    """Predictions do not cover exactly the questions of the data."""

    def __init__(self, message: str, *, ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.ids = tuple(ids)


class RecordError(HarnessError):
    """A run record, or the folder it should be in, cannot be read or written."""

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class NoEvidenceError(RecordError):
    """There is no recorded run to check a card with; ``stale``: only one of what the card said before."""

    def __init__(self, message: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.stale = stale


class TemplateError(HarnessError):
    """A template is broken, reaches for what it may not have, or takes too much."""

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.line = line


class HubError(HarnessError):
    """A card cannot be fetched from the Hub, or not be published there."""

    exit_code = 3

    def __init__(self, message: str, *, repo_id: str | None = None, revision: str | None = None) -> None:
        super().__init__(message)
        self.repo_id = repo_id
        self.revision = revision


class HubNameError(HubError):
    """The Hub cannot have a repository or a revision of this name."""

    exit_code = 2


class HubAddressError(HubError):
    """The address of the Hub cannot be used."""

    exit_code = 2


class RunError(HarnessError):
    """Training or prediction failed; the original error is the cause."""

    exit_code = 3

    def __init__(self, message: str, *, stage: str | None = None) -> None:
        super().__init__(message)
        self.stage = stage


class MissingDependencyError(HarnessError):
    """A feature needs a package that is not installed; ``command`` installs it."""

    def __init__(self, message: str, *, command: str) -> None:
        super().__init__(message)
        self.command = command
