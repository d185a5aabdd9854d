"""check.py CORPUS --nqcli BIN --conformance BIN [--only REGEX]: what nqcli makes of every model of the corpus.

Per model: PyTorch's outputs, the number of layers found, a W8A8 calibration whose file passes the ONNX checker, loads
in ONNX Runtime and agrees with `nqcli run`. Ends with a table of families; exit 1 when anything failed.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from PIL import Image

MIN_DB = 40
# Between two runtimes float16 rounds differently already in the float model (54 dB on a small ViT); codes on an edge flip.
MIN_DB_HALF = 30
# A code on an edge also flips between ONNX Runtime with its optimizations off and on (docs/adr/0008): no more is asked than
# what it has in common with itself, but for this much.
CHANCE_DB = 3

LEVELS = (onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)


def run(*command):
    done = subprocess.run([str(item) for item in command], capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"{pathlib.Path(command[0]).name} {command[1]}: exit {done.returncode}: {' | '.join(lines[-3:])}")
    return done.stdout


def read_tensor(path):
    return onnx.numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


def make_images(folder, size):
    folder.mkdir(exist_ok=True)
    random = numpy.random.default_rng(2)
    for index in range(6):
        coarse = random.integers(0, 256, size=(9, 9, 3), dtype=numpy.uint8)
        Image.fromarray(coarse).resize((size, size), Image.BICUBIC).save(folder / f"{index}.png")


def sqnr_db(expected, actual):
    expected = expected.astype("f8")
    noise = float(((expected - actual.astype("f8")) ** 2).sum())
    return float("inf") if noise == 0 else 10 * float(numpy.log10((expected**2).sum() / noise))


def agreement(expected, actual):
    """The least over all outputs, in dB; NaN when any is."""
    ratios = [sqnr_db(expected[name], actual[name]) for name in expected]
    return float("nan") if numpy.isnan(ratios).any() else min(ratios)


class Checker:
    def __init__(self, arguments, scratch):
        self.nqcli = arguments.nqcli
        self.conformance = arguments.conformance
        self.scratch = scratch

    def check(self, folder):
        expect = json.loads((folder / "expect.json").read_text())
        model, images = folder / "model.onnx", read_tensor(folder / "test_data_set_0/input_0.pb")
        size = images.shape[2]  # images are square, so that this holds for both layouts
        shape = ["--input-shape", ",".join(map(str, (1, *images.shape[1:])))] if "size" in folder.name else []
        run(self.conformance, folder, "--rtol", expect["rtol"], "--atol", expect["atol"])
        sites = self.check_sites(model, expect, shape)
        db = self.check_quantized(model, images, size, shape, MIN_DB_HALF if expect["half"] else MIN_DB)
        text = f"{sites[0]} linear + {sites[1]} patch layers; W8A8 agrees to {db:.0f} dB"
        if expect["half"]:
            db = self.check_quantized(model, images.astype("f4"), size, [*shape, "--float32"], MIN_DB)
            text += f", as float32 to {db:.0f} dB"
        return text, expect

    def check_sites(self, model, expect, shape):
        report = json.loads(run(self.nqcli, "inspect", model, "--json", *shape))
        patches = sum(site["kind"] == "conv_patch" for site in report["sites"])
        found = len(report["sites"]) - patches, patches
        wanted = expect["linear"], expect["patch_conv"]
        if found != wanted:
            raise RuntimeError(f"found {found} linear and patch layers instead of {wanted}; rejected: {report['rejected']}")
        return found

    def check_quantized(self, model, images, size, options, min_db):
        make_images(self.scratch / f"images{size}", size)
        sidecar, target = self.scratch / "preprocess.json", self.scratch / "quantized.onnx"
        sidecar.write_text(json.dumps({"schema": 1, "input_size": [size, size], "resize": "none", "mean": [0.5] * 3,
                                       "std": [0.25] * 3, "channels": "RGB"}))
        run(self.nqcli, "calibrate", model, "--images", self.scratch / f"images{size}", "--preprocess", sidecar, "--head",
            "--patch-embed", "-o", target, "--recipe-out", self.scratch / "recipe.json", "-q", *options)
        onnx.checker.check_model(str(target), full_check=True)
        numpy.save(self.scratch / "input.npy", images)
        run(self.nqcli, "run", target, "--input", self.scratch / "input.npy", "--output-dir", self.scratch / "out", "-q")
        off, on = (self.outputs(target, images, level) for level in LEVELS)
        own = {name: numpy.load(self.scratch / "out" / f"{name}.npy") for name in off}
        worst, itself = numpy.min([agreement(off, own), agreement(on, own)]), agreement(off, on)
        if not worst >= min(min_db, itself - CHANCE_DB):
            raise RuntimeError(f"ONNX Runtime and nqcli agree to {worst:.1f} dB only, ONNX Runtime with itself to {itself:.1f}")
        return worst

    def outputs(self, target, images, level):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, {session.get_inputs()[0].name: images})))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--nqcli", required=True)
    parser.add_argument("--conformance", required=True)
    parser.add_argument("--only", default="", help="regular expression that names must match")
    arguments = parser.parse_args()
    failed, exporters = [], collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        checker = Checker(arguments, pathlib.Path(name))
        for folder in sorted(item for item in arguments.corpus.iterdir() if (item / "expect.json").exists()):
            if not re.search(arguments.only, folder.name):
                continue
            try:
                text, expect = checker.check(folder)
                exporters[expect["exporter"]] += 1
                print(f"{folder.name}: {text}", flush=True)
            except Exception as error:  # every model is reported
                failed.append(folder.name)
                print(f"{folder.name}: FAILED: {error}", flush=True)
    print(f"{sum(exporters.values())} models green, {len(failed)} failed: " + ", ".join(f"{n} by {e}" for e, n in sorted(exporters.items())))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
