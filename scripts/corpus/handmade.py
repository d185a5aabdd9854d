"""Models that no PyTorch exporter writes: made node by node, or by a float16 converter.

HANDMADE maps a name to a function (path to write) -> number of linear layers, None when it is
that of the model converted. Expected outputs come from ONNX Runtime.
"""

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

TOKENS, DIM = 16, 32


class Builder:
    """Nodes and seeded weights of one graph over images [N, 3, 32, 32] cut into 16 patches."""

    def __init__(self, seed=1):
        self.random = numpy.random.default_rng(seed)
        self.nodes, self.constants = [], []

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=f"{name}_{op}", **attributes))
        return name

    def weight(self, name, shape, spread=None, centre=0.0):
        spread = shape[0] ** -0.5 if spread is None else spread
        return self.constant(name, (self.random.standard_normal(shape) * spread + centre).astype(numpy.float32))

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def ints(self, name, *values):
        return self.constant(name, numpy.array(values, dtype=numpy.int64))

    def norm(self, x, name):
        return self.node("LayerNormalization", [x, self.weight(f"{name}.scale", [DIM], 0.1, 1.0), self.weight(f"{name}.shift", [DIM], 0.1)],
                         name, axis=-1)

    def linear(self, x, name, c_in, c_out):
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", [c_in, c_out])], f"{name}_product")
        return self.node("Add", [product, self.weight(f"{name}.bias", [c_out], 0.1)], name)

    def patches(self, images):
        x = self.node("Conv", [images, self.weight("patch.weight", [DIM, 3, 8, 8], 0.07)], "patch", strides=[8, 8])
        return self.node("Transpose", [self.node("Reshape", [x, self.ints("patch.rows", 0, DIM, -1)], "grid")], "tokens", perm=[0, 2, 1])

    def head(self, x):
        """Mean over tokens; its axes are an input since opset 18."""
        if self.mean_by_input:
            pooled = self.node("ReduceMean", [x, self.ints("pool.axes", 1)], "pooled", keepdims=0)
        else:
            pooled = self.node("ReduceMean", [x], "pooled", axes=[1], keepdims=0)
        return self.linear(pooled, "logits", DIM, 10)

    mean_by_input = False

    def save(self, path, opset, image=("N", 3, 32, 32)):
        graph = helper.make_graph(self.nodes, "vit", [helper.make_tensor_value_info("input", TensorProto.FLOAT, image)],
                                  [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])], self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="onnx.helper"), path)


def newest_operators(path):
    """Attention, RMSNormalization and Gelu of the newest opsets; q, k and v from separate layers."""
    b = Builder()
    b.mean_by_input = True
    x = b.patches("input")
    for k in range(2):
        normed = b.node("RMSNormalization", [x, b.weight(f"rms{k}", [DIM], 0.1, 1.0)], f"normed{k}", axis=-1)
        q, key, v = (b.linear(normed, f"{part}{k}", DIM, DIM) for part in ("q", "k", "v"))
        mixed = b.node("Attention", [q, key, v], f"attention{k}", q_num_heads=2, kv_num_heads=2)
        x = b.node("Add", [x, b.linear(mixed, f"proj{k}", DIM, DIM)], f"sum{k}")
        hidden = b.node("Gelu", [b.linear(b.norm(x, f"norm{k}"), f"fc1_{k}", DIM, 64)], f"gelu{k}")
        x = b.node("Add", [x, b.linear(hidden, f"fc2_{k}", 64, DIM)], f"out{k}")
    b.head(x)
    b.save(path, 23)
    return 13


def gemm_forms(path):
    """Gemm with alpha and beta, a weight that two layers share, a weight behind Transpose, pixels in the last axis."""
    b = Builder(2)
    first = b.node("Transpose", ["input"], "channels_first", perm=[0, 3, 1, 2])
    rows = b.node("Reshape", [b.patches(first), b.ints("flat", -1, DIM)], "rows")
    shared = b.weight("shared", [DIM, DIM])
    x = b.node("Gemm", [rows, shared, b.weight("bias0", [DIM], 0.1)], "gemm0", alpha=0.5, beta=2.0, transB=1)
    x = b.node("Add", [rows, b.node("Relu", [x], "relu0")], "sum0")
    y = b.node("MatMul", [x, b.node("Transpose", [shared], "turned", perm=[1, 0])], "shared_again")
    x = b.node("Add", [x, b.node("Tanh", [y], "tanh")], "sum1")
    z = b.node("Gemm", [x, b.weight("wide", [DIM, DIM]), b.constant("one_bias", numpy.float32(0.25))], "gemm1", alpha=1.5)
    x = b.node("Reshape", [b.node("Add", [x, z], "sum2"), b.ints("back", -1, TOKENS, DIM)], "tokens_again")
    b.head(b.norm(x, "norm"))
    b.save(path, 17, ("N", 32, 32, 3))
    return 4


def padded_windows(path):
    """Normalized tokens are zero-padded to whole windows before the layer, as Swin does: the padding must stay zero."""
    b = Builder(3)
    grid = b.node("Reshape", [b.norm(b.patches("input"), "norm"), b.ints("grid.shape", -1, 4, 4, DIM)], "image")
    padded = b.node("Pad", [grid, b.ints("pads", 0, 0, 0, 0, 0, 2, 2, 0)], "padded")
    split = b.node("Reshape", [padded, b.ints("split", -1, 2, 3, 2, 3, DIM)], "windows_split")
    windows = b.node("Reshape", [b.node("Transpose", [split], "moved", perm=[0, 1, 3, 2, 4, 5]), b.ints("windows.shape", -1, 9, DIM)], "windows")
    packed = b.linear(windows, "qkv", DIM, 3 * DIM)
    q, k, v = (b.node("Slice", [packed, b.ints(f"{n}.from", i * DIM), b.ints(f"{n}.to", (i + 1) * DIM), b.ints(f"{n}.axis", 2)], n)
               for i, n in enumerate("qkv"))
    scores = b.node("Softmax", [b.node("MatMul", [q, b.node("Transpose", [k], "kt", perm=[0, 2, 1])], "scores")], "attention", axis=-1)
    mixed = b.linear(b.node("MatMul", [scores, v], "mixed"), "proj", DIM, DIM)
    b.head(b.norm(b.node("Reshape", [mixed, b.ints("rows", -1, 36, DIM)], "rows_again"), "last"))
    b.save(path, 17)
    return 3


def local_functions(path):
    """Two blocks that are calls of a function inside the file, with their own weights."""
    inner = [helper.make_node("LayerNormalization", ["x", "scale"], ["normed"], axis=-1),
             helper.make_node("MatMul", ["normed", "w1"], ["p1"]), helper.make_node("Add", ["p1", "b1"], ["s1"]),
             helper.make_node("Relu", ["s1"], ["hidden"]), helper.make_node("MatMul", ["hidden", "w2"], ["p2"]),
             helper.make_node("Add", ["p2", "b2"], ["s2"]), helper.make_node("Add", ["x", "s2"], ["y"])]
    imports = [helper.make_opsetid("", 18)]
    block = helper.make_function("corpus.blocks", "Mlp", ["x", "scale", "w1", "b1", "w2", "b2"], ["y"], inner, imports)
    b = Builder(4)
    b.mean_by_input = True
    x = b.patches("input")
    for k in range(2):
        weights = [b.weight(f"scale{k}", [DIM], 0.1, 1.0), b.weight(f"w1_{k}", [DIM, 64]), b.weight(f"b1_{k}", [64], 0.1),
                   b.weight(f"w2_{k}", [64, DIM]), b.weight(f"b2_{k}", [DIM], 0.1)]
        x = b.node("Mlp", [x, *weights], f"block{k}", domain="corpus.blocks")
    b.head(x)
    b.save(path, 18)
    model = onnx.load(path)
    model.functions.append(block)
    model.opset_import.append(helper.make_opsetid("corpus.blocks", 1))
    onnx.save(model, path)
    return 5


def einsum_layers(path):
    """Attention as Keras writes it: Einsum layers that make and merge heads; a weight with a leading axis of length 1."""
    b = Builder(5)
    x = b.patches("input")
    normed = b.norm(x, "norm1")

    def split_heads(name):
        made = b.node("Einsum", [normed, b.weight(f"{name}.kernel", [DIM, 2, DIM // 2])], f"{name}_split", equation="abc,cde->abde")
        return b.node("Add", [made, b.weight(f"{name}.bias", [2, DIM // 2], 0.1)], name)

    q, k, v = (split_heads(name) for name in ("query", "key", "value"))
    scores = b.node("Softmax", [b.node("Einsum", [k, q], "scores", equation="aecd,abcd->acbe")], "probabilities", axis=-1)
    mixed = b.node("Einsum", [scores, v], "mixed", equation="acbe,aecd->abcd")
    merged = b.node("Einsum", [mixed, b.weight("out.kernel", [2, DIM // 2, DIM], DIM**-0.5)], "merged", equation="abcd,cde->abe")
    x = b.node("Add", [x, b.node("Add", [merged, b.weight("out.bias", [DIM], 0.1)], "attended")], "sum1")
    hidden = b.node("MatMul", [b.norm(x, "norm2"), b.weight("fc1.kernel", [1, DIM, 64], DIM**-0.5)], "fc1_product")
    hidden = b.node("Relu", [b.node("Add", [hidden, b.weight("fc1.bias", [64], 0.1)], "fc1")], "relu")
    x = b.node("Add", [x, b.node("Einsum", [hidden, b.weight("fc2.kernel", [DIM, 64], 0.125)], "fc2", equation="...c,dc->...d")], "sum2")
    b.head(x)
    b.save(path, 17)
    return 7


def float16_of(source):
    def convert(path):
        from onnxconverter_common import float16
        model = onnx.load(path.parent.parent / source / "model.onnx")
        onnx.save(float16.convert_float_to_float16(model, keep_io_types=True), path)
        return None
    return convert


HANDMADE = {
    "helper_attention23": newest_operators,
    "helper_gemm_forms": gemm_forms,
    "helper_padded_windows": padded_windows,
    "helper_functions": local_functions,
    "helper_einsum": einsum_layers,
    "converter_swin_half": float16_of("swin_ts17"),
}
