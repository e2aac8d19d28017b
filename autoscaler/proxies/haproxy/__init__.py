"""HAProxy 2.6 or later as the proxy in front of all services.

`CAPABILITIES` is what it can do with requests: `queue` those over a replica's share.
"""

from autoscaler.proxies.haproxy.adapter import HAProxy
from autoscaler.proxies.haproxy.binary import find_binary
from autoscaler.proxies.haproxy.reader import HAProxyReader

CAPABILITIES = frozenset({"queue"})

__all__ = ["CAPABILITIES", "HAProxy", "HAProxyReader", "find_binary"]
