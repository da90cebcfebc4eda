"""The report as one page of HTML."""

import io
import statistics
from collections.abc import Callable
from pathlib import Path

import jinja2
from matplotlib import pyplot
from matplotlib.axes import Axes

import peers
from results import Results

pyplot.switch_backend("svg")

THOUSANDS, LINES, SECONDS = "thousand instructions per call", "lines of 64 bytes per call", "seconds"


def plot(draw: Callable[[Axes], None]) -> str:
    """What is drawn, as SVG to stand in a page of any colour; text stays text, and the same is drawn alike."""
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "crm_concurrency", "font.size": 10,
                            "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = pyplot.subplots(figsize=(7.5, 4))
        draw(axes)
        output = io.StringIO()
        figure.savefig(output, bbox_inches="tight", metadata={"Date": None})
        pyplot.close(figure)
    return output.getvalue()[output.getvalue().index("<svg"):]


def by_clients(values: dict[str, dict[int, float]], unit: str) -> str:
    """A line for each peer."""
    def draw(axes: Axes) -> None:
        for label, each in values.items():
            axes.plot(list(each), list(each.values()), marker="o", label=label)
        axes.set_xscale("log")
        ticks = sorted({clients for each in values.values() for clients in each})
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("clients")
        axes.set_ylabel(unit)
        axes.legend(frameon=False)
    return plot(draw)


def latency(results: Results, labels: dict[str, str]) -> str:
    """Which share of the saves took how long."""
    def draw(axes: Axes) -> None:
        for name, values in results.latencies.items():
            points = statistics.quantiles(values, n=200)
            axes.plot(points, [(i + 1) / 2 for i in range(len(points))], label=labels[name])
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds, 30 clients, spread load, synchronous_commit on")
        axes.set_ylabel("% of the saves took no longer")
        axes.legend(frameon=False)
    return plot(draw)


def cost(results: Results) -> str:
    """Instructions per call, by the size of the database."""
    return bars({f"{label}\n{size} database": value
                 for size, costs in results.instructions.items() for label, value in costs.items()}, THOUSANDS)


def bars(values: dict[str, float], unit: str) -> str:
    """One bar for each value."""
    def draw(axes: Axes) -> None:
        container = axes.barh(list(values), [value / (1000 if unit == THOUSANDS else 1) for value in values.values()])
        axes.bar_label(container, fmt="%.2f" if unit == SECONDS else "%.0f", padding=3)
        axes.invert_yaxis()
        axes.set_xlabel(unit)
    return plot(draw)


def against_plpgsql(results: Results) -> dict[str, dict[str, float]]:
    """What an accepted save costs by measure and peer, as shares of what it costs (a)."""
    measures = {
        "instructions": results.instructions.get("small", {}),
        "lines of a cold cache": {label: costs["all"] for label, costs in results.cold.items()},
        "processor time,\n30 clients": {label: costs[30] for label, costs in results.processor.items() if 30 in costs},
        "time between saves,\n30 clients": {
            peer.label: 1 / statistics.median(results.rates.get("spread, synchronous_commit off", {})[peer.name])
            for peer in (peers.CRM, peers.PLPGSQL, peers.CTE)
            if peer.name in results.rates.get("spread, synchronous_commit off", {})},
    }
    return {measure: {label: cost / costs[peers.PLPGSQL.label] for label, cost in costs.items()}
            for measure, costs in measures.items() if peers.PLPGSQL.label in costs}


def headline(measures: dict[str, dict[str, float]]) -> str:
    """A group of bars for each measure, by peer."""
    shown = (peers.CRM, peers.CTE, peers.PLPGSQL, peers.FLOOR)
    width = 0.8 / len(shown)

    def draw(axes: Axes) -> None:
        for i, peer in enumerate(shown):
            places = [j for j, costs in enumerate(measures.values()) if peer.label in costs]
            shares = [100 * costs[peer.label] for costs in measures.values() if peer.label in costs]
            axes.bar_label(axes.bar([j + (i - 1.5) * width for j in places], shares, width, label=peer.label),
                           fmt="%.0f", padding=2)
        axes.set_xticks(range(len(measures)), list(measures))
        axes.set_ylabel("% of (a); less is better")
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    return plot(draw)


def write(path: Path, results: Results, machine: dict[str, str], labels: dict[str, str]) -> None:
    """Writes the page, which needs no other file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True)
    plots = {}
    if measures := against_plpgsql(results):
        plots["What a save costs beside its peers"] = headline(measures)
        path.with_name("save.svg").write_text(plots["What a save costs beside its peers"])
    if results.by_clients:
        plots["Throughput by clients"] = by_clients(results.by_clients, "accepted saves per second")
    if results.processor:
        plots["Processor time by clients"] = by_clients(results.processor, "microseconds per accepted save")
    if results.latencies:
        plots["Latency"] = latency(results, labels)
    if results.instructions:
        plots["Cost by size of the database"] = cost(results)
    if results.shares:
        plots["Where the instructions of an accepted save go"] = bars(results.shares, THOUSANDS)
    if results.cold:
        plots["What a call fetches into a cold cache"] = bars(
            {label: costs["all"] for label, costs in results.cold.items()}, LINES)
    if results.cold_shares:
        plots["Where the cold lines of an accepted save go"] = bars(results.cold_shares, LINES)
    if results.plain:
        plots["Cost of a plain UPDATE of one row"] = bars(results.plain, THOUSANDS)
    if results.bulk:
        plots["Time of statements of many rows"] = bars(
            {f"{statement}\n{label}": costs["seconds"] for statement, by_contender in results.bulk.items()
             for label, costs in by_contender.items()}, SECONDS)
    if results.verify:
        plots["Time to check all customers"] = bars(
            {label: costs["seconds"] for label, costs in results.verify.items()}, SECONDS)
    rates = {
        experiment: [(labels[name], statistics.median(each), min(each), max(each)) for name, each in by_peer.items()]
        for experiment, by_peer in results.rates.items()
    }
    path.write_text(environment.get_template("report.html.j2").render(
        aims=results.aims, machine=machine, plots=plots, rates=rates))
