"""What all models of a policy file are: frozen, strict, and closed."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """Frozen, strict, and no key that we don't know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def at_key(key: str, told: str) -> PydanticCustomError:
    """What is wrong with one key of a model, told as `what; fix`, for checks that look at several keys."""
    return PydanticCustomError("key", "{told}", {"key": key, "told": told})
