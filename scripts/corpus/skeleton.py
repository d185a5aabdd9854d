"""Graphs of the corpus without their weights: a few KiB each, so that a test suite can hold them.

    skeleton.py pack CORPUS ARCHIVE      the models marked small, weights taken out
    skeleton.py fill ARCHIVE CORPUS      weights drawn again from a seed, outputs by ONNX Runtime
"""

import io
import json
import pathlib
import sys
import tarfile
import zlib

import numpy
import onnx
import onnxruntime

# Smaller constants steer shapes and scales; they stay as they are.
MIN_ELEMENTS = 65
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
SPREAD, CENTRE = "spread", "centre"


def tensors(model):
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def strip(model):
    """Drops notes, and the values of large float tensors; their mean and deviation stay."""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    for node in [node for graph in (model.graph, *model.functions) for node in graph.node]:
        del node.metadata_props[:]
        node.doc_string = ""
    for number, tensor in enumerate(tensors(model)):
        values = onnx.numpy_helper.to_array(tensor)
        # An attention mask is large too, but holds no noise.
        if tensor.data_type not in FLOATS or values.size < MIN_ELEMENTS or numpy.unique(values).size < 8:
            continue
        name, kind, dims = tensor.name, tensor.data_type, list(tensor.dims)
        tensor.Clear()
        tensor.name, tensor.data_type = name, kind
        tensor.dims.extend(dims)
        tensor.doc_string = f"{SPREAD}={values.std():.5g} {CENTRE}={values.mean():.5g} seed={number}"
    return model


def fill(model):
    for tensor in tensors(model):
        if SPREAD not in tensor.doc_string:
            continue
        notes = dict(item.split("=") for item in tensor.doc_string.split())
        random = numpy.random.default_rng([zlib.crc32(tensor.name.encode()), int(notes["seed"])])
        values = random.standard_normal(list(tensor.dims)) * float(notes[SPREAD]) + float(notes[CENTRE])
        filled = onnx.numpy_helper.from_array(values.astype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)), tensor.name)
        tensor.CopyFrom(filled)
    return model


def pack(corpus, archive):
    with tarfile.open(archive, "w:xz", preset=9) as target:
        for folder in sorted(corpus.iterdir()):
            expect = json.loads((folder / "expect.json").read_text())
            if not expect["small"]:
                continue
            image = onnx.TensorProto.FromString((folder / "test_data_set_0/input_0.pb").read_bytes())
            expect["image"] = list(image.dims)
            model = strip(onnx.load(folder / "model.onnx"))
            for name, content in (("model.onnx", model.SerializeToString(deterministic=True)), ("expect.json", json.dumps(expect).encode())):
                entry = tarfile.TarInfo(f"{folder.name}/{name}")
                entry.size = len(content)
                target.addfile(entry, io.BytesIO(content))


def restore(archive, corpus):
    with tarfile.open(archive) as source:
        source.extractall(corpus, filter="data")
    for folder in sorted(item for item in corpus.iterdir() if item.is_dir()):
        model = fill(onnx.load(folder / "model.onnx"))
        onnx.save(model, folder / "model.onnx")
        expect = json.loads((folder / "expect.json").read_text())
        kind = onnx.helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
        images = numpy.random.default_rng(9).standard_normal(expect["image"]).astype(kind)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        outputs = session.run(None, {session.get_inputs()[0].name: images})
        expect["atol"] = expect["rtol"] * max(float(abs(array).max()) for array in outputs)
        (folder / "expect.json").write_text(json.dumps(expect))
        (folder / "test_data_set_0").mkdir()
        for kind, arrays in (("input", [images]), ("output", outputs)):
            for index, array in enumerate(arrays):
                (folder / f"test_data_set_0/{kind}_{index}.pb").write_bytes(onnx.numpy_helper.from_array(array).SerializeToString())


if __name__ == "__main__":
    {"pack": pack, "fill": restore}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
