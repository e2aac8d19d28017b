"""Plans of faults that once broke a law, as short as they could be made, in the world of the seed that found them."""

from dataclasses import dataclass

from tests.simulation.faults import Fault


@dataclass(frozen=True, slots=True)
class Kept:
    """What went wrong, where it was found, and what brings it about."""

    what: str
    seed: int
    plan: tuple[Fault, ...]


KEPT = (
    Kept(
        "a replica off its network, found by a daemon that begins, leaves the proxy at once and was never stopped",
        160,
        (Fault(10.0, "kill_daemon", 13.0), Fault(14.79, "take_off_network", 0.3, 1)),
    ),
    Kept(
        "the same, while the proxy can't be seen",
        11,
        (
            Fault(13.15, "proxy observe hangs", 13.0),
            Fault(14.89, "take_off_network", 7.0, 4),
            Fault(16.74, "turn_clock", 7.0, 5),
        ),
    ),
    Kept(
        "a replica that lost its network between its check and the proxy counted as starting for ever",
        482,
        (Fault(0.47, "proxy down", 13.0), Fault(7.79, "take_off_network", 0.3, 3)),
    ),
    Kept(
        "route.drain_timeout ran from the drain's order, before the proxy took it in: requests sent until then were cut",
        3319,
        (Fault(4.36, "proxy assign half", 13.0, 1), Fault(7.75, "down", 3.0, 3)),
    ),
    Kept(
        "the number of a replica that came and went within a second of a kill was used again",
        385,
        (
            Fault(9.27, "restart_proxy", 13.0, 1),
            Fault(12.34, "turn_clock", 7.0, 1),
            Fault(12.46, "kill_replica", 3.0, 0),
            Fault(13.85, "kill_daemon", 3.0, 1),
            Fault(14.63, "kill_replica", 0.3, 1),
            Fault(17.69, "kill_daemon", 0.3, 3),
        ),
    ),
    Kept(
        "a replica that was stopped while it started, found by the next daemon while it ended, came into the proxy",
        1,
        (
            Fault(4.0, "order_count", 0.0, 1),
            Fault(8.0, "order_count", 0.0, 2),
            Fault(8.1, "replicas deaf", 7.0),
            Fault(8.9, "order_count", 0.0, 1),
            Fault(9.2, "kill_replica"),
            Fault(9.2, "kill_daemon", 0.3),
        ),
    ),
    Kept(
        "a replica that the proxy had only in its file leaves it by what it showed before it was adopted",
        5001672,
        (Fault(2.58, "proxy assign hangs", 13.0, 5), Fault(11.97, "turn_clock", 13.0, 2)),
    ),
    Kept(
        "the same of all replicas at once",
        5005325,
        (Fault(2.92, "proxy assign hangs", 13.0), Fault(15.63, "spoil_state", 7.0, 2)),
    ),
    Kept(
        "a drain that was called off while it was being told still came to the proxy",
        5005681,
        (
            Fault(1.81, "traffic", 7.0, 4),
            Fault(6.05, "traffic", 1.2, 1),
            Fault(7.47, "proxy assign hangs", 7.0, 1),
            Fault(10.54, "remove_replica", 0.3, 1),
        ),
    ),
    Kept(
        "the state is lost, and a replica goes before a daemon has seen it: nothing tells that its number was used",
        5003759,
        (
            Fault(6.02, "remove_replica", 1.2, 1),
            Fault(6.32, "freeze_daemon", 7.0),
            Fault(11.4, "spoil_state", 13.0),
            Fault(12.66, "freeze_daemon", 7.0, 4),
            Fault(15.62, "remove_replica", 3.0, 3),
        ),
    ),
    Kept(
        "one that was ill when it was given up is well again when the proxy takes that in",
        5006520,
        (
            Fault(8.05, "proxy assign refused", 3.0, 5),
            Fault(8.31, "pause_replica", 0.3, 5),
            Fault(9.04, "wake_replica", 3.0),
            Fault(10.21, "proxy assign refused", 13.0, 1),
            Fault(15.25, "take_off_network", 13.0, 3),
        ),
    ),
    Kept(
        "the same, and the proxy takes it in from its file when the next daemon begins",
        5007442,
        (
            Fault(6.19, "proxy down", 13.0, 1),
            Fault(7.24, "take_off_network", 7.0),
            Fault(8.99, "wake_replica", 1.2, 1),
            Fault(9.58, "restart_daemon", 1.2, 1),
            Fault(17.08, "restart_daemon", 13.0),
        ),
    ),
    Kept(
        "one that drains is wanted again by an order while the proxy is down, and may still serve there",
        20044856,
        (Fault(5.33, "traffic", 1.2, 2), Fault(7.67, "proxy down", 7.0, 1), Fault(11.11, "order_count", 0.3, 5)),
    ),
    Kept(
        "the same by its traffic, while the proxy restarts",
        20052976,
        (
            Fault(5.05, "traffic", 13.0, 2),
            Fault(5.28, "order_nothing", 3.0, 4),
            Fault(7.01, "traffic", 13.0, 4),
            Fault(7.37, "restart_proxy", 13.0),
        ),
    ),
    Kept(
        "the last one fails while the proxy is down, and three that drain and were well were not taken back in its place",
        20076280,
        (Fault(11.8, "traffic", 1.2), Fault(13.9, "restart_proxy", 13.0, 3), Fault(15.59, "pause_replica", 13.0, 4)),
    ),
    Kept(
        "killed while it removes one whose start was refused, before the disk has that, and the next one starts it",
        40008207,
        (
            Fault(6.35, "turn_clock", 13.0, 5),
            Fault(6.69, "engine start refused", 7.0, 3),
            Fault(9.49, "turn_clock", 3.0, 3),
            Fault(10.08, "turn_clock", 0.3, 4),
        ),
    ),
    Kept(
        "the engine hangs with the removal of one that was never started, which the next daemon, its state lost, starts",
        20013649,
        (
            Fault(5.07, "spoil_state", 3.0, 2),
            Fault(5.58, "engine create unanswered", 7.0, 4),
            Fault(6.03, "leap_counter", 13.0, 1),
            Fault(6.73, "traffic", 0.3, 4),
            Fault(11.96, "engine remove hangs", 13.0),
            Fault(14.15, "spoil_state", 7.0, 1),
        ),
    ),
    Kept(
        "the engine hangs with the stop of one that was starting, the state is lost, and the next daemon lets it serve",
        20056506,
        (
            Fault(6.04, "engine stop hangs", 13.0, 1),
            Fault(6.39, "traffic", 13.0, 5),
            Fault(7.89, "traffic", 3.0),
            Fault(16.19, "spoil_state", 13.0, 2),
        ),
    ),
    Kept(
        "the same of another: nothing is left that tells of an order on its way",
        20069841,
        (
            Fault(2.1, "spoil_state", 0.3, 3),
            Fault(7.99, "engine stop hangs", 13.0, 5),
            Fault(8.26, "traffic", 13.0),
            Fault(10.38, "traffic", 7.0, 5),
            Fault(10.38, "spoil_state", 13.0, 1),
        ),
    ),
)
