"""`metric:` as a mapping: a number that another system knows, asked for again and again.

A number asked for `interval` ago stands until the next one, three intervals at most. It is the whole service's.
Source: CONTRACT, "Metrics"; the keys of `tls` are Prometheus' own (`tls_config`).
"""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from autoscaler.spec.fields import Duration, PositiveDuration
from autoscaler.spec.models.base import Model, at_key
from autoscaler.spec.models.metrics import MetricName
from autoscaler.spec.models.replica import Secret
from autoscaler.spec.urls import server_url

STANDS_INTERVALS = 3  # so long a number stands while no new one comes
METRIC_NAME = r"[A-Za-z_][A-Za-z0-9_.:-]{0,59}"


def _own_name(given: str) -> str:
    if given in get_args(MetricName):
        raise ValueError(f"{given} is a built-in metric; choose another name")
    return given


def _server(given: str) -> str:
    address = server_url(given)
    if address.endswith("/api/v1"):
        raise ValueError(f"found {given!r}; leave out /api/v1, which is put after it")
    return address


def _query(given: str) -> str:
    if not given.strip():
        raise ValueError("is empty; write a query for one number, such as 'sum(queue_depth)'")
    if len(given) > 4000:
        raise ValueError(f"has {len(given)} characters; write 4000 at most, and a recording rule for more")
    return given


OwnName = Annotated[str, StringConstraints(pattern=f"^{METRIC_NAME}$"), AfterValidator(_own_name)]


class Auth(Model):
    """Who asks: a bearer token, or a user with a password."""

    bearer_token: Secret | None = None
    username: Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f\x7f]{1,200}$")] | None = None
    password: Secret | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Auth":
        if (self.bearer_token is None) == (self.username is None):
            raise ValueError("is either a token or a user; write {bearer_token: {env: NAME}} or {username, password}")
        if self.username is not None and self.password is None:
            raise at_key("password", "is missing beside `username`; write `password: {env: NAME}` or `{file: PATH}`")
        if self.username is None and self.password is not None:
            raise at_key("password", "can't go with `bearer_token`; write `username` and `password`, or the token alone")
        return self


class Tls(Model):
    """How an https server is known, and how we are known to it. Files of PEM, relative to the policy file."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    insecure_skip_verify: bool = False

    @model_validator(mode="after")
    def _pair(self) -> "Tls":
        if self.key_file is not None and self.cert_file is None:
            raise at_key("key_file", "needs the certificate too; write `cert_file: PATH`")
        if self.insecure_skip_verify and self.ca_file is not None:
            raise at_key("insecure_skip_verify", "makes `ca_file` useless; keep one of the two")
        return self


class PrometheusMetric(Model):
    """One number that a Prometheus server answers to a query."""

    source: Literal["prometheus"]
    name: OwnName = "prometheus"
    server: Annotated[str, AfterValidator(_server)]
    query: Annotated[str, AfterValidator(_query)]
    interval: Annotated[PositiveDuration, Field(ge=0.1, le=3600)] = 5.0
    timeout: Annotated[PositiveDuration, Field(le=60)] = 2.0
    window: Annotated[Duration, Field(le=3600)] | None = None
    auth: Auth | None = None
    tls: Tls | None = None
    trust_zero: bool = False

    @model_validator(mode="after")
    def _safe(self) -> "PrometheusMetric":
        if self.tls is not None and not self.server.startswith("https://"):
            raise at_key("tls", "goes with https alone; write `server: https://...`, or remove it")
        return self


SourceMetric = PrometheusMetric
