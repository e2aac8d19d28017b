"""Where a service's clients connect, and how their requests come to its replicas."""

from typing import Annotated, Literal

from pydantic import Field

from autoscaler.spec.fields import Duration, HostName, IpAddress, IpNetwork, Port, PositiveDuration, RoutePath
from autoscaler.spec.models.base import Model


class Bind(Model):
    """Where clients connect, from `127.0.0.1:8080`; `host` is an IP address."""

    host: IpAddress
    port: Port

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Route(Model):
    """How requests come to the service, and how they are dealt out to its replicas."""

    bind: Bind
    host: HostName | None = None
    path: RoutePath = "/"
    balance: Literal["leastconn", "roundrobin", "random"] = "leastconn"
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] = 20
    queue_timeout: PositiveDuration = 10.0
    retries: Literal["safe", "connect", "none"] = "safe"
    slow_start: Duration = 0.0
    drain_timeout: PositiveDuration = 300.0
    timeout_client: PositiveDuration = 60.0
    timeout_server: PositiveDuration = 60.0
    timeout_header: PositiveDuration = 10.0
    timeout_tunnel: PositiveDuration = 3600.0
    trusted_proxies: tuple[IpNetwork, ...] = ()
