"""openvino_forms.py NQCLI SOURCE: products that `verify --target openvino` calls int8 are int8 in OpenVINO's compiled graph.

The forms are those of verify_forms.py; then the bundled model as nqcli writes it, whose outputs must agree too.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import openvino
from PIL import Image

import verify_forms
from oracle import nqcli, run_nqcli, sqnr_db

INTEGERS = {"i8", "u8"}
# One code on a rounding edge moves those behind it (docs/adr/0008); the float models agree to 120 dB.
MIN_DB = 25


def text(value):
    return str(getattr(value, "value", value))


def compiled(path):
    core = openvino.Core()
    return core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def precisions(model):
    """Precision of every linear layer that OpenVINO made."""
    infos = [operator.get_rt_info() for operator in model.get_runtime_model().get_ops()]
    return [text(info["runtimePrecision"]) for info in infos if text(info["layerType"]) in ("FullyConnected", "MatMul")]


def verdicts(binary, path):
    done = subprocess.run([binary, "verify", path, "--target", "openvino", "--json", "-q"], capture_output=True, text=True)
    return [product["int8"] for product in json.loads(done.stdout)["products"]]


def check_forms(binary, folder):
    failed = 0
    for label, ((form, out), _) in verify_forms.FORMS.items():
        path = folder / "form.onnx"
        form.save(path, out)
        verdict, found = verdicts(binary, path), precisions(compiled(path))
        # A weight-only product may be int8 too: OpenVINO then quantizes the activation at run time, which the file does not say.
        right = not verdict[0] or (len(found) == 1 and found[0] in INTEGERS)
        failed += not right
        print(f"{'ok' if right else 'WRONG':6}{label:36}{'int8 kernel' if verdict[0] else 'float'}; OpenVINO: {', '.join(found)}")
    return failed


def check_model(binary, source, folder, bits):
    model, images = source / "models/demo_vit.onnx", source / "models/images"
    target = folder / "quantized.onnx"
    nqcli(binary, "calibrate", model, "--images", images / "calib", "--num-images", 8, "--method", "easyquant", "--wbits", bits,
          "--abits", bits, "--no-preprocess-check", "-o", target)
    pixels = numpy.stack([numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float32) for path in sorted(images.rglob("*.png"))[:32]])
    batch = numpy.ascontiguousarray((pixels / 127.5 - 1).transpose(0, 3, 1, 2))
    running = compiled(target)
    db = sqnr_db(run_nqcli(binary, target, batch, folder), running([batch])[0])
    expected, found = sum(verdicts(binary, target)), sum(item in INTEGERS for item in precisions(running))
    right = expected == found > 0 and db >= MIN_DB
    print(f"{'ok' if right else 'WRONG':6}W{bits}A{bits}: {expected} int8 products by nqcli, {found} in OpenVINO; outputs agree to {db:.1f} dB")
    return not right


def main():
    binary, source = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        failed = check_forms(binary, folder) + check_model(binary, source, folder, 8) + check_model(binary, source, folder, 6)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
