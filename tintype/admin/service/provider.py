"""The flags of this server for whoever asks through OpenFeature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider
from openfeature.provider.metadata import Metadata

from tintype.admin.errors import FlagNotFound
from tintype.admin.service.flags import Flags

_numbers = count(1)


class DatabaseProvider(AbstractProvider):
    """Resolves the declared flags from what this process holds: no evaluation waits or asks.

    Every flag is a boolean. An evaluation context changes nothing: a flag is for the whole server.
    """

    def __init__(self, flags: Flags) -> None:
        super().__init__()
        self._flags = flags

    def get_metadata(self) -> Metadata:
        return Metadata(name="tintype-database")

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001 - the signature of the SDK
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        del default_value, evaluation_context
        try:
            return FlagResolutionDetails(value=self._flags.is_on(flag_key), reason=Reason.CACHED)
        except FlagNotFound as error:
            raise FlagNotFoundError(error.detail) from error

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        raise _no_boolean(flag_key, default_value, evaluation_context)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        raise _no_boolean(flag_key, default_value, evaluation_context)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        raise _no_boolean(flag_key, default_value, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        raise _no_boolean(flag_key, default_value, evaluation_context)


def offer(flags: Flags) -> OpenFeatureClient:
    """A client of the SDK that is answered by these flags, under a domain of its own."""
    domain = f"tintype-{next(_numbers)}"
    api.set_provider_and_wait(DatabaseProvider(flags), domain=domain)
    return api.get_client(domain)


def _no_boolean(name: str, *_: object) -> TypeMismatchError:
    return TypeMismatchError(f"{name} is a boolean, as all flags of Tintype are")
