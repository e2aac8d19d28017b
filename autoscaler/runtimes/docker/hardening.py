"""What a replica may do: less than Docker's own default, enough for ordinary web images, and each part can be undone.

Kept of Docker's 14 default capabilities are the seven that servers and their entry scripts use:

    CHOWN DAC_OVERRIDE FOWNER   an entry script that starts as root makes its cache, log and socket folders ready
    SETUID SETGID               and changes to its user (nginx, Apache, php-fpm, gunicorn --user, gosu, su-exec)
    KILL                        a root master signals workers that run as that user
    NET_BIND_SERVICE            ports below 1024

Left out are MKNOD, NET_RAW (spoofed packets on the bridge), SETFCAP, SETPCAP, FSETID, SYS_CHROOT and AUDIT_WRITE;
`cap_add` gives each back. Source: capabilities(7), moby `oci/caps/defaults.go`.
"""

from collections.abc import Sequence

KEPT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
NO_NEW_PRIVILEGES = "no-new-privileges"
ALL = "ALL"


def capabilities(add: Sequence[str], drop: Sequence[str]) -> tuple[list[str], list[str]]:
    """CapAdd and CapDrop: our few, the user's added, the user's dropped. What is named in both is added, as in Docker."""
    added, dropped = {_plain(name) for name in add}, {_plain(name) for name in drop}
    if ALL in added:
        return [ALL], sorted(dropped - {ALL})
    kept = set() if ALL in dropped else set(KEPT_CAPABILITIES) - dropped
    return sorted(kept | added), [ALL]


def security_options(given: Sequence[str]) -> list[str]:
    """SecurityOpt: the user's, and no-new-privileges where they say nothing of it."""
    silent = not any(option.startswith(NO_NEW_PRIVILEGES) for option in given)
    return [*given, NO_NEW_PRIVILEGES] if silent else [*given]


def _plain(capability: str) -> str:
    return capability.strip().upper().removeprefix("CAP_")
