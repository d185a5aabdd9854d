"""What the comparisons share: running nqcli, running ONNX Runtime, measuring."""

import os
import pathlib
import subprocess

import numpy
import onnx
import onnxruntime

SHARED = pathlib.Path(os.environ["NQ_SHARED"]) / "data"
LEVELS = {
    "off": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def nqcli(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments), "-q"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"nqcli {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def run_nqcli(binary, model, images, folder, *options):
    """Output 0 of the model, computed by nqcli."""
    numpy.save(folder / "input.npy", images)
    out = folder / "out"
    nqcli(binary, "run", model, "--input", folder / "input.npy", "--output-dir", out, *options)
    name = onnx.load(model, load_external_data=False).graph.output[0].name
    return numpy.load(out / f"{name}.npy")


def session(model, level="all", optimized=None):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS[level]
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if optimized:
        options.optimized_model_filepath = str(optimized)
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def run_onnxruntime(model, images, level="all"):
    running = session(model, level)
    return running.run(None, {running.get_inputs()[0].name: images})[0]


def sqnr_db(expected, actual):
    expected = expected.astype(numpy.float64)
    noise = numpy.sum((expected - actual) ** 2)
    return numpy.inf if noise == 0 else 10 * numpy.log10(numpy.sum(expected**2) / noise)


def input_shape(model, batch):
    graph = onnx.load(model, load_external_data=False).graph
    dims = graph.input[0].type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else batch for dim in dims]
