"""make.py OUT [--only REGEX]: writes the corpus in the layout of the ONNX backend tests.

OUT/NAME/model.onnx, test_data_set_0/input_0.pb and output_K.pb (computed by PyTorch), and expect.json with the number
of linear layers and patch convolutions that PyTorch runs. Each file is compared with ONNX Runtime on another batch.
"""

import argparse
import contextlib
import functools
import io
import json
import pathlib
import re
import shutil
import sys

import numpy
import onnx
import onnxruntime
import torch

import exporters
import families
import handmade
import linear_count
from cases import CASES

# Largest accepted |ONNX Runtime - PyTorch| over the largest |output|.
TOLERANCE = {False: 1e-4, True: 2e-2}


def images_of(case, batch, seed):
    size = families.IMAGE_SIZE.get(case.family, 32)
    images = torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(seed))
    images = images.permute(0, 2, 3, 1).contiguous() if case.family.endswith("nhwc") else images
    return images.half() if case.half else images


def outputs_of(model, images):
    with torch.no_grad():
        result = exporters.Flat(model)(images)
    return [tensor.numpy() for tensor in ([result] if isinstance(result, torch.Tensor) else result)]


def write_tensors(folder, inputs, outputs):
    folder.mkdir()
    for kind, arrays in (("input", inputs), ("output", outputs)):
        for index, array in enumerate(arrays):
            (folder / f"{kind}_{index}.pb").write_bytes(onnx.numpy_helper.from_array(array).SerializeToString())


def distance_to_runtime(path, images, expected):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    actual = session.run(None, {session.get_inputs()[0].name: images})
    return max(float(numpy.abs(a.astype("f8") - b).max() / max(numpy.abs(b.astype("f8")).max(), 1e-30)) for a, b in zip(actual, expected))


def make_case(case, folder):
    model = families.build(case.family, seed=1)
    counts = linear_count.count_layers(model, images_of(case, 2, 5).float())
    model = model.half() if case.half else model
    traced = images_of(case, 2, 7)
    folder.mkdir(parents=True)
    path = folder / "model.onnx"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exporters.export(model, traced, path, case.exporter, case.opset, case.dynamic)
    images = images_of(case, 3 if case.dynamic else 2, 9)
    expected = outputs_of(model, images)
    baked = False
    try:
        distance = distance_to_runtime(path, images.numpy(), expected)
    except Exception:  # the runtime refuses the other batch: the exporter baked the traced one
        baked, images = True, traced
        expected = outputs_of(model, images)
        distance = distance_to_runtime(path, images.numpy(), expected)
    write_tensors(folder / "test_data_set_0", [images.numpy()], expected)
    about = {"exporter": case.exporter, "family": case.family, "half": case.half, "small": case.small}
    write_expectation(folder, counts, about, expected)
    if not distance <= TOLERANCE[case.half]:
        raise RuntimeError(f"ONNX Runtime is {distance:.1e} away from PyTorch")
    return f"{counts['linear']} linear layers, {path.stat().st_size >> 10} KiB, {distance:.1e} from PyTorch" + ("; batch baked" if baked else "")


def make_handmade(name, folder):
    folder.mkdir(parents=True)
    path = folder / "model.onnx"
    linear = handmade.HANDMADE[name](path)
    source = folder.parent / name.replace("converter_", "").replace("half", "ts17")
    counts = {"linear": linear, "patch_conv": 1} if linear else json.loads((source / "expect.json").read_text())
    shape = [dim.dim_value or 3 for dim in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]
    images = numpy.random.default_rng(9).standard_normal(shape).astype(numpy.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: images})
    write_tensors(folder / "test_data_set_0", [images], expected)
    write_expectation(folder, counts, {"exporter": name.split("_")[0], "family": name, "half": not linear, "small": True}, expected)
    return f"{counts['linear']} linear layers, {path.stat().st_size >> 10} KiB"


def write_expectation(folder, counts, about, outputs):
    opset = next(item.version for item in onnx.load(folder / "model.onnx").opset_import if item.domain in ("", "ai.onnx"))
    tolerance = TOLERANCE[about["half"]]
    (folder / "expect.json").write_text(json.dumps({
        "linear": counts["linear"], "patch_conv": counts["patch_conv"], "opset": opset, **about, "rtol": tolerance,
        "atol": tolerance * max(float(abs(array).max()) for array in outputs)}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--only", default="", help="regular expression that names must match")
    arguments = parser.parse_args()
    failed = 0
    jobs = {case.name: functools.partial(make_case, case) for case in CASES}
    jobs.update({name: functools.partial(make_handmade, name) for name in handmade.HANDMADE})
    for name, job in jobs.items():
        if not re.search(arguments.only, name):
            continue
        folder = arguments.out / name
        shutil.rmtree(folder, ignore_errors=True)
        try:
            print(f"{name}: {job(folder)}", flush=True)
        except Exception as error:  # one model that an exporter cannot write must not stop the others
            failed += 1
            shutil.rmtree(folder, ignore_errors=True)
            print(f"{name}: FAILED: {type(error).__name__}: {str(error)[:400]}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
