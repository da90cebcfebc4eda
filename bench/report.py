"""The report as one page of HTML."""

import html
import io
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from matplotlib import pyplot
from matplotlib.axes import Axes

import peers
from results import Aim, Results

pyplot.switch_backend("svg")

THOUSANDS, LINES, SECONDS = "thousand instructions per call", "lines of 64 bytes per call", "seconds"


def plot(draw: Callable[[Axes], None], alternative: str, width: float = 7.5) -> str:
    """What is drawn, as SVG to stand in a page of any colour; text stays text, and the same is drawn alike."""
    with pyplot.rc_context({"svg.fonttype": "none", "svg.hashsalt": "crm_concurrency", "font.size": 10,
                            "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = pyplot.subplots(figsize=(width, 4))
        draw(axes)
        output = io.StringIO()
        figure.savefig(output, bbox_inches="tight", transparent=True, metadata={"Date": None})
        pyplot.close(figure)
    svg = output.getvalue()[output.getvalue().index("<svg"):]
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alternative)}" fill="currentColor" ', 1
                       ).replace("#000000", "currentColor")


def told(values: Iterable[tuple[str, str]]) -> str:
    """Figures in words, for who does not see them drawn."""
    return "; ".join(f"{label.replace(chr(10), ' ')}: {value}" for label, value in values)


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
    return plot(draw, f"{unit}, by clients: " + told(
        (label, ", ".join(f"{value:.0f} at {clients}" for clients, value in each.items()))
        for label, each in values.items()))


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
    return plot(draw, "milliseconds that half of the saves did not exceed: " + told(
        (labels[name], f"{statistics.median(values):.1f}") for name, values in results.latencies.items()))


def cost(results: Results) -> str:
    """Instructions per call, by the size of the database."""
    return bars({f"{label}\n{size} database": value
                 for size, costs in results.instructions.items() for label, value in costs.items()}, THOUSANDS)


def bars(values: dict[str, float], unit: str) -> str:
    """One bar for each value."""
    shown = [value / (1000 if unit == THOUSANDS else 1) for value in values.values()]
    form = "%.2f" if unit == SECONDS else "%.0f"

    def draw(axes: Axes) -> None:
        axes.bar_label(axes.barh(list(values), shown), fmt=form, padding=3)
        axes.invert_yaxis()
        axes.set_xlabel(unit)
    return plot(draw, f"{unit}: " + told((label, form % value) for label, value in zip(values, shown)))


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


def beside_peers(measures: dict[str, dict[str, float]]) -> str:
    """A group of bars for each measure, by peer."""
    shares = {measure: {label: 100 * cost for label, cost in costs.items()} for measure, costs in measures.items()}
    return grouped(shares, [peer.label for peer in (peers.CRM, peers.CTE, peers.PLPGSQL, peers.FLOOR)],
                   "% of (a); less is better")


def grouped(groups: dict[str, dict[str, float]], shown: Sequence[str], unit: str, width: float = 7.5) -> str:
    """Bars by group and label."""
    space = 0.8 / len(shown)

    def draw(axes: Axes) -> None:
        for i, label in enumerate(shown):
            places = [j for j, values in enumerate(groups.values()) if label in values]
            heights = [values[label] for values in groups.values() if label in values]
            offset = (i - (len(shown) - 1) / 2) * space
            axes.bar_label(axes.bar([place + offset for place in places], heights, space, label=label),
                           fmt="%.0f", padding=2)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.set_ylabel(unit)
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=1 if width < 6 else 2)
    return plot(draw, f"{unit}; " + told(
        (group, ", ".join(f"{label} {values[label]:.0f}" for label in shown if label in values))
        for group, values in groups.items()), width)


@dataclass
class Headline:
    """What a report says first: in words, and drawn."""

    title: str
    words: str
    plot: str


def headline(results: Results) -> Headline | None:
    """How much of what a plain UPDATE gets done a checked save gets done: in words, and drawn."""
    shown = (peers.CRM, peers.PLPGSQL, peers.BLIND)
    groups = {
        f"synchronous_commit\n{commit}": {peer.label: statistics.median(rates[peer.name]) for peer in shown}
        for commit in ("off", "on") if (rates := results.rates.get(f"spread, synchronous_commit {commit}"))}
    if not groups:
        return None
    shares = " and ".join(f"{100 * rates[peers.CRM.label] / rates[peers.BLIND.label]:.0f} % with {group}"
                          for group, rates in groups.items()).replace("\n", " ")
    return Headline(
        "A save against a plain UPDATE",
        f"Accepted saves of 30 clients per second, as a share of plain UPDATEs of one row: {shares}. "
        "A plain UPDATE checks no version, and leaves no comment and no history.",
        grouped(groups, [peer.label for peer in shown], "per second; more is better", width=4.5))


def write(path: Path, results: Results, about: dict[str, str], labels: dict[str, str], warning: str | None) -> None:
    """Writes the report of bench/run."""
    plots = {}
    if measures := against_plpgsql(results):
        plots["What a save costs beside its peers"] = beside_peers(measures)
        path.with_name("save.svg").write_text(
            plots["What a save costs beside its peers"].replace("<svg ", '<svg style="background: #fff" ', 1))
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
    write_page(path, results.aims, about, headline(results), plots, rates, warning)


def write_page(path: Path, aims: Sequence[Aim], about: dict[str, str], first: Headline | None, plots: dict[str, str],
               rates: dict[str, list[tuple[str, float, float, float]]], warning: str | None) -> None:
    """Writes the page, which needs no other file; a warning stands first."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True)
    path.write_text(environment.get_template("report.html.j2").render(
        aims=aims, about=about, warning=warning, headline=first, plots=plots, rates=rates))
