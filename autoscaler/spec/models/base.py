"""What all models of a policy file are: frozen, strict, and closed."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """Frozen, strict, and no key that we don't know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def keys_of(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """A model's fields by the keys that a file has for them: `for` is no name that a field can have."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def at_key(key: str, told: str) -> PydanticCustomError:
    """What is wrong with one key of a model, told as `what; fix`, for checks that look at several keys."""
    return PydanticCustomError("key", "{told}", {"key": key, "told": told})
