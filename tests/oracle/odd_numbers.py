"""Models with odd numbers: each is refused by name, or quantized with a warning to a finite file that ONNX Runtime runs.

odd_numbers.py NQCLI SOURCE FIXTURES
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

NQCLI, _, FIXTURES = sys.argv[1:]
NAN, INF = numpy.float32("nan"), numpy.float32("inf")
OPTIONS = [("minmax", 8), ("noisyquant", 6), ("best", 8), ("best", 4)]


def change(model, name, edit):
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(edit(numpy_helper.to_array(tensor).copy()).astype(numpy.float32), name))


def put(value, where=3):
    def edit(array):
        array.flat[where] = value
        return array

    return edit


def times(factor):
    return lambda array: array * numpy.float32(factor)


def zero_column(array):
    array[:, 1] = 0
    return array


def zero_row(array):
    array[1, :] = 0
    return array


# name: ([(tensor, edit)], what stderr says, or None for a plain success; refused when the text begins with "error")
CASES = {
    "nan weight": ([("fc1.weight", put(NAN))], "error[input]: layer '/fc1_product/MatMul': the weight"),
    "infinite weight": ([("fc1.weight", put(INF))], "error[input]: layer '/fc1_product/MatMul': the weight"),
    "nan bias": ([("fc1.bias", put(NAN))], "error[input]: layer '/fc1_product/MatMul': the bias"),
    "infinite input": ([("norm.weight", put(INF))], "error[input]: layer '/fc1_product/MatMul': the input"),
    "overflowing input": ([("norm.weight", put(3e38))], "error[input]: layer '/fc1_product/MatMul': the input"),
    "outlier": ([("fc1.weight", put(1e30))], "dwarfs the others"),
    "denormal weights": ([("fc1.weight", times(0)), ("fc1.weight", lambda array: array + numpy.float32(1e-42))], "too small for a scale"),
    "underflowing weights": ([("fc1.weight", times(1e-38))], "too small for a scale"),
    "small weights": ([("fc1.weight", times(1e-33))], None),
    "zero layer": ([("fc1.weight", times(0))], "every weight is zero"),
    "zero output channel": ([("fc1.weight", zero_column)], "1 of 32 output channels have zero weights"),
    "zero input channel": ([("fc1.weight", zero_row)], None),
    "large bias": ([("fc1.bias", put(1e30))], None),
    "constant input": ([("norm.weight", times(0))], "the input is the same in every token"),
    "zero input": ([("norm.weight", times(0)), ("norm.bias", times(0))], "the input is zero in every"),
    "tiny input": ([("norm.weight", times(1e-40)), ("norm.bias", times(1e-40))], "too small for a scale"),
    "large input": ([("norm.weight", put(1e30))], None),
    "large channel": ([("norm.bias", put(1e20))], None),
}


def narrow(tokens, channels):
    """A patch embedding of `tokens` tokens and one channel, and a layer of one input and `channels` output channels."""
    random = numpy.random.RandomState(3)
    patch = 8 // tokens
    weights = {
        "w": random.normal(size=(1, 3, 8, patch)),
        "v": random.normal(size=(1, channels)),
        "u": random.normal(size=(channels, 5)),
        "c": random.normal(size=(5,)),
    }
    initializers = [numpy_helper.from_array(value.astype(numpy.float32), name) for name, value in weights.items()]
    initializers.append(numpy_helper.from_array(numpy.array([0, 1, tokens], dtype=numpy.int64), "rows"))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["p"], kernel_shape=[8, patch], strides=[8, patch]),
        helper.make_node("Reshape", ["p", "rows"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "v"], ["h"], name="one"),
        helper.make_node("Relu", ["h"], ["a"]),
        helper.make_node("ReduceMean", ["a"], ["m"], axes=[1], keepdims=0),
        helper.make_node("Gemm", ["m", "u", "c"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "narrow",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def check_file(name, path):
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != numpy.float32:
            continue
        if not numpy.isfinite(values).all():
            raise SystemExit(f"{name}: '{tensor.name}' of the written file is not finite")
    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            scale = next((numpy_helper.to_array(t) for t in model.graph.initializer if t.name == node.input[1]), None)
            if scale is not None and not (scale >= numpy.finfo(numpy.float32).tiny).all():
                raise SystemExit(f"{name}: a scale of '{node.name}' is no positive normal number")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    images = numpy.random.RandomState(1).uniform(-1, 1, (2, 3, 8, 8)).astype(numpy.float32)
    if not numpy.isfinite(session.run(None, {session.get_inputs()[0].name: images})[0]).all():
        raise SystemExit(f"{name}: the written file gives outputs that are not finite")


def quantize(name, model, expected, method, bits, folder):
    onnx.save(model, folder / "model.onnx")
    out = folder / "q.onnx"
    out.unlink(missing_ok=True)
    command = [NQCLI, "calibrate", folder / "model.onnx", "--images", folder / "images", "--preprocess", "inception",
               "--no-preprocess-check", "--method", method, "--wbits", str(bits), "--abits", str(bits), "-q", "-o", out]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    label = f"{name}, {method} at {bits} bits"
    refused = expected is not None and expected.startswith("error")
    if done.returncode != (3 if refused else 0):
        raise SystemExit(f"{label}: exit {done.returncode}\n{done.stderr}")
    if expected is not None and expected not in done.stderr:
        raise SystemExit(f"{label}: stderr lacks '{expected}'\n{done.stderr}")
    if refused and out.exists():
        raise SystemExit(f"{label}: a file was written")
    if not refused:
        check_file(label, out)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "images").mkdir()
        for index in range(6):
            subprocess.run([FIXTURES, f"image:{index}", folder / "images" / f"{index}.bmp"], check=True)
        subprocess.run([FIXTURES, "tiny_vit", folder / "vit.onnx"], check=True)
        models = {}
        for case, (edits, expected) in CASES.items():
            model = onnx.load(folder / "vit.onnx")
            for tensor, edit in edits:
                change(model, tensor, edit)
            models[case] = (model, expected)
        models["one channel"] = (narrow(4, 6), None)
        models["one token"] = (narrow(1, 6), None)
        models["one token, one channel each way"] = (narrow(1, 1), None)
        for case, (model, expected) in models.items():
            for method, bits in OPTIONS:
                quantize(case, model, expected, method, bits, folder)
        print(f"{len(models)} models with {len(OPTIONS)} methods and bits each")


main()
