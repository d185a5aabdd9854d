"""layer_agreement.py NQCLI SOURCE: on trained models every quantized layer agrees, and the network as well as ONNX Runtime with itself.

Over a whole trained network one code that lies on a rounding boundary moves the codes after it (docs/adr/0008), so two
runtimes agree to less than 40 dB there, ONNX Runtime with itself too. Two checks are free of that: every quantized
product, fed with the values that ONNX Runtime itself gave it, agrees to the last bits of float with optimizations off
and on; and the logits agree with ONNX Runtime's as well as ONNX Runtime's do with optimizations off and on.
"""

import json
import pathlib
import sys
import tempfile

import numpy
import onnx
from PIL import Image

import oracle

MIN_LAYER_DB = 100
MIN_NETWORK_DB = 40
# Which codes flip is chance; over the images used here the figure moves by about 2 dB.
CHANCE_DB = 3
BITS = (8, 6)


class Products:
    """The quantized products of an emitted file as a model of their own: inputs of the quantizers -> products."""

    def __init__(self, model):
        self.graph = model.graph
        self.producers = {name: node for node in model.graph.node for name in node.output}
        self.constants = {tensor.name for tensor in model.graph.initializer}
        self.inputs, self.outputs, self.nodes = [], [], set()
        for node in model.graph.node:
            if node.op_type in ("MatMul", "Gemm") and self._is_quantized(node):
                self._take(node)

    def cut(self, model, values):
        """`values`: arrays by name, for the types and shapes of inputs and outputs."""

        def info(name):
            array = values[name]
            kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
            return onnx.helper.make_tensor_value_info(name, kind, array.shape)

        nodes = [node for node in self.graph.node if node.output[0] in self.nodes]
        graph = onnx.helper.make_graph(nodes, "products", [info(n) for n in self.inputs], [info(n) for n in self.outputs],
                                       [tensor for tensor in self.graph.initializer])
        return onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)

    def _is_quantized(self, node):
        return all(self._source(name) == "DequantizeLinear" for name in node.input[:2])

    def _source(self, name):
        return self.producers[name].op_type if name in self.producers else ""

    def _take(self, product):
        self.outputs.append(product.output[0])
        self.nodes.add(product.output[0])
        pending = [name for name in product.input if name]
        while pending:
            name = pending.pop()
            if name in self.constants or name in self.nodes:
                continue
            node = self.producers[name]
            self.nodes.add(name)
            first_of_quantizer = node.op_type == "Clip" or (
                node.op_type == "QuantizeLinear" and self._source(node.input[0]) != "Clip")
            if first_of_quantizer:
                if node.input[0] not in self.inputs:
                    self.inputs.append(node.input[0])
                pending += node.input[1:]
            else:
                pending += node.input


def with_outputs(model, names):
    """The model with further values as outputs; ONNX Runtime infers their types."""
    wider = onnx.ModelProto()
    wider.CopyFrom(model)
    present = {output.name for output in wider.graph.output}
    for name in names:
        if name not in present:
            wider.graph.output.append(onnx.ValueInfoProto(name=name))
    return wider


def check_layers(binary, model_path, images, folder):
    """The least agreement over all products, in dB."""
    model = onnx.load(model_path)
    products = Products(model)
    names = products.inputs + products.outputs
    onnx.save(with_outputs(model, names), folder / "wide.onnx")
    running = oracle.session(folder / "wide.onnx", "off")
    values = dict(zip(names, running.run(names, {running.get_inputs()[0].name: images})))
    onnx.save(products.cut(model, values), folder / "products.onnx")
    feeds = {name: values[name] for name in products.inputs}
    actual = run_nqcli(binary, folder, feeds, products.outputs)
    worst = numpy.inf
    for level in oracle.LEVELS:
        expected = oracle.session(folder / "products.onnx", level).run(products.outputs, feeds)
        worst = min(worst, *(oracle.sqnr_db(e, a) for e, a in zip(expected, actual)))
    return len(products.outputs), worst


def run_nqcli(binary, folder, feeds, outputs):
    arguments = []
    for index, (name, array) in enumerate(feeds.items()):
        numpy.save(folder / f"in{index}.npy", array)
        arguments += ["--input", f"{name}={folder / f'in{index}.npy'}"]
    done = oracle.nqcli(binary, "run", folder / "products.onnx", *arguments, "--output-dir", folder / "products", "--json")
    files = {item["name"]: item["file"] for item in json.loads(done)["outputs"]}
    return [numpy.load(files[name]) for name in outputs]


def check_network(binary, model, float_model, images, folder):
    """Agreement with ONNX Runtime, and how far the quantization moves the logits, in dB."""
    actual = oracle.run_nqcli(binary, model, images, folder)
    runtime = {level: oracle.run_onnxruntime(model, images, level) for level in oracle.LEVELS}
    agreement = min(oracle.sqnr_db(logits, actual) for logits in runtime.values())
    itself = oracle.sqnr_db(runtime["off"], runtime["all"])
    quantization = oracle.sqnr_db(oracle.run_onnxruntime(float_model, images), runtime["all"])
    return agreement, itself, quantization


def load_images(folder, size, mean, std, count):
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg"))[:count]
    pixels = [numpy.asarray(Image.open(path).convert("RGB").resize((size, size), Image.BICUBIC)) for path in files]
    return ((numpy.stack(pixels) / 255 - mean) / std).astype(numpy.float32).transpose(0, 3, 1, 2)


def main():
    binary, source = sys.argv[1:3]
    bundled = pathlib.Path(source) / "models"
    shared = oracle.SHARED
    cases = [
        ("demo", bundled / "demo_vit.onnx", bundled / "images/calib", bundled / "images/test", [], ("noisyquant", "best"), 64),
        ("vit_tiny", shared / "vit_tiny/model.onnx", shared / "images/calib", shared / "images/eval",
         ["--preprocess", "inception"], ("noisyquant",), 8),
    ]
    failed = False
    for label, model, calib, test, options, methods, count in cases:
        images = load_images(test, oracle.input_shape(model, 1)[2], 0.5, 0.5, count)
        for method in methods:
            for bits in BITS:
                with tempfile.TemporaryDirectory() as name:
                    folder = pathlib.Path(name)
                    oracle.nqcli(binary, "calibrate", model, "--images", calib, "--num-images", 16, *options, "--method", method,
                                 "--wbits", bits, "--abits", bits, "-o", folder / "q.onnx")
                    layers, layer_db = check_layers(binary, folder / "q.onnx", images, folder)
                    agreement, itself, quantization = check_network(binary, folder / "q.onnx", model, images, folder)
                print(f"{label} {method} W{bits}A{bits}: {layers} layers, at least {layer_db:.1f} dB each; logits {agreement:.1f} dB, "
                      f"ONNX Runtime with itself {itself:.1f} dB, quantization {quantization:.1f} dB", flush=True)
                failed |= layers == 0 or layer_db < MIN_LAYER_DB or agreement < min(MIN_NETWORK_DB, itself - CHANCE_DB)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
