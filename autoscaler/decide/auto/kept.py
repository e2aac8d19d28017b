"""What `auto` keeps from tick to tick, and how it stands among what decisions remember: numbers and tables of numbers."""

from dataclasses import dataclass

from autoscaler.decide.auto.band import COUNT, Band, Made
from autoscaler.decide.auto.capacity import Capacity
from autoscaler.decide.auto.forecasts import HALF_LIVES_S
from autoscaler.decide.auto.hold import Held
from autoscaler.decide.memory import PolicyMemory, PolicyTables

MARGINS = 2 * COUNT


@dataclass(frozen=True, slots=True)
class Kept:
    """`t` and `count` are of the tick before; `held` and `spared` what was asked for lately."""

    t: float
    count: int
    held: Held
    spared: Held
    capacity: Capacity
    band: Band


def written(kept: Kept) -> tuple[PolicyMemory, PolicyTables]:
    """As numbers and tables."""
    known, band = kept.capacity, kept.band
    numbers = {
        "t_at": kept.t,
        "count": float(kept.count),
        "ready": float(known.ready),
        "ready_at": known.ready_at,
        "piece_at": known.piece_at,
        "busy_s": known.busy_s,
        "done": known.done,
        "carried": known.carried,
        "starting_s": known.starting_s,
        "started": known.started,
        "band_at": band.t,
        "steps": float(band.steps),
    }
    if known.mean_s is not None:
        numbers |= {"mean_s": known.mean_s, "pieces": float(known.pieces)}
    if known.bent is not None:
        numbers["bent"] = known.bent
    if band.upper is not None:
        numbers |= {"upper": band.upper, "by": float(band.by)}
    tables = {
        "held_at": kept.held,
        "spared_at": kept.spared,
        "aside": (known.aside,),
        "levels": (band.levels,),
        "margins": (band.margins,),
        "scales": (band.scales,),
        "losses": (band.losses,),
        "made_at": tuple((made.t, made.peak, *made.values) for made in band.made),
    }
    return numbers, tables


def read(numbers: PolicyMemory, tables: PolicyTables) -> Kept | None:
    """What was written; None where nothing was, or where it has another shape."""
    try:
        return _read(numbers, tables)
    except (KeyError, IndexError, ValueError):
        return None


def _read(numbers: PolicyMemory, tables: PolicyTables) -> Kept:
    capacity = Capacity(
        ready=int(numbers["ready"]),
        ready_at=numbers["ready_at"],
        piece_at=numbers["piece_at"],
        busy_s=numbers["busy_s"],
        done=numbers["done"],
        mean_s=numbers.get("mean_s"),
        pieces=int(numbers.get("pieces", 0.0)),
        aside=tables["aside"][0],
        carried=numbers["carried"],
        bent=numbers.get("bent"),
        starting_s=numbers["starting_s"],
        started=numbers["started"],
    )
    band = Band(
        t=numbers["band_at"],
        levels=_row(tables, "levels", len(HALF_LIVES_S)),
        steps=int(numbers["steps"]),
        margins=_row(tables, "margins", MARGINS),
        scales=_row(tables, "scales", MARGINS),
        losses=_row(tables, "losses", MARGINS),
        made=tuple(Made(row[0], _of_length(row[2:], COUNT), row[1]) for row in tables["made_at"]),
        upper=numbers.get("upper"),
        by=int(numbers.get("by", 0.0)) % COUNT,
    )
    return Kept(numbers["t_at"], int(numbers["count"]), _held(tables["held_at"]), _held(tables["spared_at"]), capacity, band)


def _held(table: tuple[tuple[float, ...], ...]) -> Held:
    return tuple((t, int(count)) for t, count in table)


def _row(tables: PolicyTables, name: str, length: int) -> tuple[float, ...]:
    return _of_length(tables[name][0], length)


def _of_length(row: tuple[float, ...], length: int) -> tuple[float, ...]:
    if len(row) != length:
        raise ValueError(f"{len(row)} numbers, {length} wanted")
    return row
