"""Compares an output of `nqcli run` with ONNX Runtime's: compare_with_onnxruntime.py MODEL INPUT OUTPUT MIN_DB.

Fails when the file is no valid ONNX, or when the signal-to-noise ratio of the output falls below MIN_DB
with or without ONNX Runtime's graph optimizations.
"""

import sys

import numpy
import onnx
import onnxruntime


def load_tensor(path):
    tensor = onnx.TensorProto()
    with open(path, "rb") as file:
        tensor.ParseFromString(file.read())
    return onnx.numpy_helper.to_array(tensor)


def sqnr_db(expected, actual):
    noise = numpy.sum((expected.astype(numpy.float64) - actual) ** 2)
    return numpy.inf if noise == 0 else 10 * numpy.log10(numpy.sum(expected.astype(numpy.float64) ** 2) / noise)


def main():
    model_path, input_path, output_path, min_db = sys.argv[1:]
    onnx.checker.check_model(model_path, full_check=True)
    images, actual = load_tensor(input_path), load_tensor(output_path)
    levels = onnxruntime.GraphOptimizationLevel
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
        expected = session.run(None, {session.get_inputs()[0].name: images})[0]
        ratio = sqnr_db(expected, actual)
        print(f"{model_path}: {level}: {ratio:.1f} dB")
        if expected.shape != actual.shape or ratio < float(min_db):
            sys.exit(f"below {min_db} dB")


main()
