#!/usr/bin/env python3
"""bench_vs_ort.py NQCLI MODEL...: images per second of nqcli and of ONNX Runtime on the same files, side by side.

The two engines take turns, round by round, so that a slow moment of the machine hits both; a row gives the medians over
the rounds and the ratio. Prints Markdown; --json FILE writes the same figures with every round.
"""

import argparse
import json
import platform
import statistics
import subprocess
import time
from pathlib import Path

import numpy
import onnxruntime


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("nqcli", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=1.0, help="of inference in one turn")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def nqcli_latency(binary, model, batch, threads, repeat):
    """Median milliseconds of one run."""
    done = subprocess.run([binary, "bench", model, "--batch", str(batch), "--threads", str(threads), "--repeat", str(repeat),
                           "--warmup", "2", "-q", "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["latency_ms"]["median"]


class OnnxRuntime:
    def __init__(self, model, batch, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        entry = self.session.get_inputs()[0]
        shape = [batch if not isinstance(size, int) else size for size in entry.shape]
        if shape[0] != batch:
            raise SystemExit(f"{model} takes batches of {shape[0]} only")
        self.feed = {entry.name: numpy.random.default_rng(0).normal(size=shape).astype(numpy.float32)}

    def latency(self, repeat):
        """Median milliseconds of one run."""
        for _ in range(2):
            self.session.run(None, self.feed)
        times = []
        for _ in range(repeat):
            start = time.perf_counter()
            self.session.run(None, self.feed)
            times.append(1000 * (time.perf_counter() - start))
        return statistics.median(times)


def measure(args, model, batch, threads):
    # A session that waits would keep its threads spinning beside nqcli's, so each turn makes its own.
    first = OnnxRuntime(model, batch, threads).latency(1)
    repeat = max(3, round(args.seconds * 1000 / first))
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(nqcli_latency(args.nqcli, model, batch, threads, repeat))
        theirs.append(OnnxRuntime(model, batch, threads).latency(repeat))
    rate = {"nqcli": 1000 * batch / statistics.median(ours), "onnxruntime": 1000 * batch / statistics.median(theirs)}
    ratios = [b / a for a, b in zip(ours, theirs)]
    return {"model": model.name, "batch": batch, "threads": threads, "images_per_s": rate, "ratio": statistics.median(ratios),
            "ratios": ratios, "latency_ms": {"nqcli": ours, "onnxruntime": theirs}}


def main():
    args = parse_args()
    print(f"ONNX Runtime {onnxruntime.__version__}, {args.rounds} turns each, {platform.machine()}\n")
    print("| model | batch | threads | nqcli, images/s | ONNX Runtime, images/s | ratio (least to largest of the turns) |")
    print("|---|---|---|---|---|---|", flush=True)
    rows = []
    for model in args.models:
        for batch in args.batch:
            for threads in args.threads:
                row = measure(args, model, batch, threads)
                rows.append(row)
                rate, ratios = row["images_per_s"], row["ratios"]
                print(f"| {row['model']} | {batch} | {threads} | {rate['nqcli']:.1f} | {rate['onnxruntime']:.1f} | "
                      f"{row['ratio']:.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |", flush=True)
    if args.json:
        args.json.write_text(json.dumps({"schema": 1, "onnxruntime": onnxruntime.__version__, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
