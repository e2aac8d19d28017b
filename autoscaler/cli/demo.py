"""`autoscaler demo`: from nothing to a scaled service under a wave of traffic, and a summary."""

from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.policy_files import RuntimeName

if TYPE_CHECKING:
    from autoscaler.demo.scene import Scene
    from autoscaler.demo.show import Moment
    from autoscaler.load import Live, Summary

LOW_RPS = 6.0
HIGH_RPS = 110.0
EDGE_S = 4.0
AFTER_S = 12.0  # low again, for the last replicas to go
LOOK_EACH_S = 0.5
LINE_EACH_S = 2.0
SERVING_WITHIN_S = 90.0


def demo(
    runtime: Annotated[
        RuntimeName | None, typer.Option("--runtime", help="Docker where it can be had, else local processes.")
    ] = None,
    seconds: Annotated[int, typer.Option("--seconds", min=20, max=600, help="How long the wave takes.")] = 60,
) -> None:
    """Watch a small web app being scaled under a wave of traffic.

    The talk's Flask app is started behind HAProxy under a policy of a few lines, gets from few to many requests a second and
    back, and everything but the image it built is removed again. Exit status 1 where a request failed.

    Examples:
      autoscaler demo
      autoscaler demo --runtime process --seconds 30
    """
    import asyncio

    raise typer.Exit(asyncio.run(_demo(runtime, float(seconds))))


async def _demo(runtime: str | None, seconds: float) -> int:
    import asyncio
    import os

    from autoscaler.demo.scene import Scene
    from autoscaler.demo.show import summary
    from autoscaler.wiring.demo import choose_ground

    ground = await choose_ground(os.environ, runtime)
    typer.echo(f"runtime {ground.runtime}: {ground.why}")
    async with Scene(ground) as scene:
        try:
            typer.echo("starting the first replica" + (" (building its image)" if ground.runtime == "docker" else ""))
            await scene.until_serving(SERVING_WITHIN_S)
            typer.echo(f"http://127.0.0.1:{scene.port}/ serves; {LOW_RPS:g} to {HIGH_RPS:g} requests/s and back\n")
            done, moments = await _wave(scene, seconds)
        except asyncio.CancelledError:
            typer.echo("\ninterrupted")
            raise
        finally:
            typer.echo("taking it down")
    typer.echo("\n" + summary(done, moments))
    return 1 if done.failed_total or not done.requests else 0


async def _wave(scene: "Scene", seconds: float) -> "tuple[Summary, list[Moment]]":
    import asyncio

    from autoscaler.load import Kind, Live, Load, run, wave

    kinds = (Kind("/work?ms=2", 0.9), Kind("/", 0.09), Kind("/wait?ms=1000", 0.01))
    load = Load(
        port=scene.port, rate=wave(LOW_RPS, HIGH_RPS, seconds, EDGE_S), duration_s=seconds, kinds=kinds, connections=32
    )
    live, moments = Live(), list["Moment"]()
    watching = asyncio.create_task(_watch(scene, live, moments))
    try:
        done = await run(load, live, asyncio.Event())
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return done, moments


async def _watch(scene: "Scene", live: "Live", moments: "list[Moment]") -> None:
    """Look for ever, and show what there is to see."""
    import asyncio

    from autoscaler.cli.terminal import console, is_terminal
    from autoscaler.demo.show import line, picture

    if not is_terminal():
        told_at = -LINE_EACH_S
        while True:
            moment = await _look(scene, live)
            moments.append(moment)
            if moment.t - told_at >= LINE_EACH_S:
                told_at = moment.t
                typer.echo(line(moment))
            await asyncio.sleep(LOOK_EACH_S)

    from rich.live import Live as View
    from rich.text import Text

    with View(console=console(), auto_refresh=False) as view:
        while True:
            moments.append(await _look(scene, live))
            view.update(Text(picture(moments, sum(live.failed.values()))), refresh=True)
            await asyncio.sleep(LOOK_EACH_S)


async def _look(scene: "Scene", live: "Live") -> "Moment":
    from collections import Counter

    from autoscaler.demo.scene import SERVICE
    from autoscaler.demo.show import Moment

    async with scene.client() as client:
        service = await client.service(SERVICE)
    states = Counter(replica.state for replica in service.replicas)
    why = service.last_decision.reason if service.last_decision else ""
    return Moment(live.t, live.recent(3.0), states["ready"], states["starting"], states["draining"], service.desired, why)
