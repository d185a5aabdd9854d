#!/usr/bin/env python3
"""Tables of the measured runs of reproduce.sh, as Markdown and JSON.

Reads FOLDER/<model>/<evaluation>/n<images>_s<seed>/<run>.json (documents of `nqcli eval --json`), where a run is
<method>[+<variant>]_w<W>a<A>, and writes one table: means and standard deviations over the seeds.
"""

import argparse
import json
import pathlib
import re
import statistics

RUN = re.compile(r"(?P<method>[a-z-]+)(?:\+(?P<variant>[a-z0-9_,-]+))?_w(?P<w>\d)a(?P<a>\d)\.json")
SET = re.compile(r"n(?P<images>\d+)_s(?P<seed>\d+)")


def find(document, key):
    """The first value under `key` at any depth."""
    if isinstance(document, dict):
        if key in document:
            return document[key]
        for value in document.values():
            found = find(value, key)
            if found is not None:
                return found
    return None


def read_runs(folder):
    """{(model, evaluation, images, method, variant, bits): {seed: figures}}"""
    runs = {}
    for path in sorted(folder.glob("*/*/n*_s*/*.json")):
        run, chosen = RUN.fullmatch(path.name), SET.fullmatch(path.parent.name)
        if not run or not chosen:
            continue
        document = json.loads(path.read_text())
        key = (path.parts[-4], path.parts[-3], int(chosen["images"]), run["method"], run["variant"] or "",
               f"W{run['w']}A{run['a']}")
        runs.setdefault(key, {})[int(chosen["seed"])] = {
            "logit_mse": find(document, "logit_mse"),
            "agreement": find(document, "agreement"),
            "top1": find(document, "top1"),
        }
    return runs


def summarize(figures):
    """Mean and deviation (of the sample, 0 for one seed) of every figure that all seeds have."""
    summary = {"seeds": sorted(figures)}
    for name in ("logit_mse", "agreement", "top1"):
        values = [item[name] for item in figures.values() if item[name] is not None]
        if len(values) == len(figures):
            deviation = statistics.stdev(values) if len(values) > 1 else 0.0
            summary[name] = {"mean": statistics.fmean(values), "deviation": deviation}
    return summary


def shown(summary, name, scale, digits):
    if name not in summary:
        return "-"
    figure = summary[name]
    if name == "logit_mse":
        return f"{figure['mean']:.4g} ± {figure['deviation']:.2g}"
    return f"{scale * figure['mean']:.{digits}f} ± {scale * figure['deviation']:.{digits}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here too")
    parser.add_argument("--baseline", default="easyquant", help="method that reductions are against")
    arguments = parser.parse_args()

    rows = []
    for key, figures in read_runs(arguments.folder).items():
        row = dict(zip(("model", "evaluation", "images", "method", "variant", "bits"), key))
        rows.append({**row, **summarize(figures)})
    # The row that each reduction is against: same everything but the method, or the variant of the same method.
    baselines = {(r["model"], r["evaluation"], r["images"], r["variant"], r["bits"]): r
                 for r in rows if r["method"] == arguments.baseline}
    rows.sort(key=lambda r: (r["model"], r["evaluation"], r["images"], r["bits"], r["variant"], r["method"]))
    rows.sort(key=lambda r: r["bits"], reverse=True)
    rows.sort(key=lambda r: (r["model"], r["evaluation"], r["images"]))

    print("| model | images | calibration | bits | method | seeds | logit MSE | reduction % | agreement % | top-1 % |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        base = baselines.get((row["model"], row["evaluation"], row["images"], row["variant"], row["bits"]))
        if base and base is not row and "logit_mse" in base and "logit_mse" in row and base["logit_mse"]["mean"] > 0:
            row["reduction"] = 1 - row["logit_mse"]["mean"] / base["logit_mse"]["mean"]
        method = row["method"] + (f" + {row['variant']}" if row["variant"] else "")
        reduction = f"{100 * row['reduction']:.1f}" if "reduction" in row else "-"
        print(f"| {row['model']} | {row['evaluation']} | {row['images'] or 'all'} | {row['bits']} | {method} | "
              f"{len(row['seeds'])} | {shown(row, 'logit_mse', 1, 4)} | {reduction} | "
              f"{shown(row, 'agreement', 100, 2)} | {shown(row, 'top1', 100, 2)} |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"schema": 1, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
