"""emitted_models.py NQCLI SOURCE: quantized files load in ONNX Runtime, stay on int8 kernels, and mean the same.

For every shared graph (and the bundled model) W8A8 and W6A6 files are calibrated on made-up images, with the layers of
the blocks alone and with everything quantized. Each must pass the ONNX checker and have no float product left in ONNX
Runtime's optimized graph except those that the recipe leaves float and the side paths of outlier channels. On the
shared graphs the median of eight or nine images must agree with nqcli to 40 dB with graph optimizations off and on; for
trained weights layer_agreement.py says what can be asked.
"""

import json
import pathlib
import sys
import tempfile

import numpy
import onnx
from PIL import Image

import oracle

# Of the median image. A code that flips on a rounding boundary costs its image more (docs/adr/0008).
MIN_DB = 40
MIN_DB_OF_AN_IMAGE = 25
# Exported with a batch of 2 baked into their reshapes although the batch is declared open.
BAKED_BATCH = 2
# Static and dynamic batch, ViT and Swin: also written with the noisy bias as nodes of its own.
EXPLICIT_NOISE = {"vit_opset17", "vit_static_batch", "swin_opset17", "swin_static"}
INTEGER_PRODUCTS = {"MatMulIntegerToFloat", "QGemm", "QLinearMatMul", "MatMulInteger", "DynamicQuantizeMatMul"}
# (bits, --quantize, method)
# TensorRT, and so "portable", takes no uint8: neither 8-bit probabilities nor what best chooses behind a GELU where it may.
CASES = ((8, "linear", "best", "portable"), (6, "linear", "noisyquant", "portable"), (8, "all", "noisyquant", "ort-cpu"),
         (6, "all", "best", "ort-cpu"))
FLOAT_PRODUCTS = {"MatMul", "Gemm", "FusedMatMul", "FusedGemm", "MatMulNBits"}


def make_images(folder, height, width, count=8):
    folder.mkdir()
    random = numpy.random.default_rng(2)
    for index in range(count):
        coarse = random.integers(0, 256, size=(7, 7, 3), dtype=numpy.uint8)
        image = Image.fromarray(coarse).resize((width, height), Image.BICUBIC)
        image.save(folder / f"{index}.png")


def write_preprocess(path, height, width):
    path.write_text(json.dumps({
        "schema": 1, "input_size": [height, width], "resize": "none",
        "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "channels": "RGB"}))


def products(model, optimized):
    """Integer products of ONNX Runtime's optimized graph, float ones with a constant weight, and other float ones."""
    oracle.session(model, optimized=optimized)
    graph = onnx.load(optimized).graph
    constants = {tensor.name for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}

    def has_constant_weight(node):
        weight = node.input[1]
        source = producers.get(weight)
        while source is not None and source.op_type in ("Transpose", "DequantizeLinear", "Reshape", "Identity"):
            weight = source.input[0]
            source = producers.get(weight)
        return weight in constants

    integers = [node for node in graph.node if node.op_type in INTEGER_PRODUCTS]
    floats = [node for node in graph.node if node.op_type in FLOAT_PRODUCTS and "_outlier_" not in node.name]
    constant = [node.name for node in floats if has_constant_weight(node)]
    return len(integers), constant, [node.name for node in floats if node.name not in constant]


def verify(binary, model, goal="portable"):
    """The static verdict on every product is ONNX Runtime's, and every quantized one runs on integers."""
    report = json.loads(oracle.nqcli(binary, "verify", model, "--target", goal, "--ort", "--json"))
    if not report["onnxruntime"]["available"]:
        raise SystemExit(report["onnxruntime"]["reason"])
    if report["passed"] and report["int8"] == report["quantized"]:
        return []
    return [f"{model.name}: verify: {report['findings']} {[item for item in report['products'] if item['quantized'] and not item['int8']]}"]


def check_model(binary, label, model, folder):
    failures = []
    folder.mkdir()
    baked = label.startswith("swin_opset")
    batches = [BAKED_BATCH] * 4 if baked else [2, 3, 4]
    _, _, height, width = oracle.input_shape(model, 2)
    make_images(folder / "images", height, width)
    write_preprocess(folder / "preprocess.json", height, width)
    for bits, scope, method, goal in CASES:
        target = folder / f"w{bits}a{bits}_{scope}.onnx"
        oracle.nqcli(binary, "calibrate", model, "--images", folder / "images", "--preprocess", folder / "preprocess.json",
                     "--wbits", bits, "--abits", bits, "--quantize", scope, "--method", method,
                     "--target", goal, "-o", target, "--recipe-out", folder / "recipe.json")
        recipe = json.loads((folder / "recipe.json").read_text())
        failures += verify(binary, target, goal)
        if label in EXPLICIT_NOISE and scope == "linear":
            explicit = folder / f"explicit_w{bits}a{bits}.onnx"
            oracle.nqcli(binary, "calibrate", model, "--images", folder / "images", "--preprocess", folder / "preprocess.json",
                         "--method", "noisyquant", "--candidates", 4, "--noise-candidates", 2, "--no-fold",
                         "--wbits", bits, "--abits", bits, "-o", explicit)
            failures += verify(binary, explicit)
        onnx.checker.check_model(str(target), full_check=True)
        integers, floats, attention = products(target, folder / "optimized.onnx")
        expected = len(recipe["sites"]) + len(recipe["products"])
        left_float = sum("head" in item["reason"] for item in recipe["skipped"])
        if integers < expected or len(floats) > left_float or (scope == "all" and attention):
            failures.append(f"{target.name}: {integers} integer products, not {expected}; float: {floats + attention}")
        ratios = []
        for seed, batch in enumerate(batches):
            shape = oracle.input_shape(model, batch)
            images = numpy.random.default_rng(seed).normal(size=shape).astype(numpy.float32)
            actual = oracle.run_nqcli(binary, target, images, folder)
            for level in oracle.LEVELS:
                expected_logits = oracle.run_onnxruntime(target, images, level)
                ratios += [oracle.sqnr_db(*pair) for pair in zip(expected_logits, actual)]
        if label != "demo" and (numpy.median(ratios) < MIN_DB or min(ratios) < MIN_DB_OF_AN_IMAGE):
            failures.append(f"{target.name}: median image {numpy.median(ratios):.1f} dB, worst {min(ratios):.1f} dB")
        print(f"{label} W{bits}A{bits} {scope}: {expected} layers and products, {integers} integer products, median image "
              f"{numpy.median(ratios):.1f} dB, worst {min(ratios):.1f} dB", flush=True)
    return failures


def main():
    binary, source = sys.argv[1:3]
    models = {folder.name: folder / "model.onnx" for folder in sorted((oracle.SHARED / "graphs").iterdir())}
    demo = pathlib.Path(source) / "models/demo_vit.onnx"
    if demo.exists():
        models["demo"] = demo
    failures = []
    with tempfile.TemporaryDirectory() as name:
        for label, model in models.items():
            failures += [f"{label}: {text}" for text in check_model(binary, label, model, pathlib.Path(name) / label)]
    print("\n".join(failures))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
