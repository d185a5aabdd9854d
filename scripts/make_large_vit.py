#!/usr/bin/env python3
"""Write a plain vision transformer of any size with random weights and external data, without PyTorch.

    make_large_vit.py -o vit_g.onnx                       # ViT-g/14: 1408 wide, 40 blocks, 4.1 GB of weights
    make_large_vit.py -o vit.onnx --depth 22 --image 56   # 2.2 GB

Weights are written block by block into OUT.data, so that the script needs little memory. For tests of models that a
protobuf file cannot hold. Needs numpy and onnx.
"""

import argparse
import pathlib

import numpy
import onnx
from onnx import TensorProto, helper

OPSET = 17
ALIGNMENT = 4096


class Weights:
    """Initializers whose bytes go to the data file."""

    def __init__(self, path, seed):
        self.file = path.open("wb")
        self.location = path.name
        self.random = numpy.random.default_rng(seed)
        self.tensors = []

    def add(self, name, shape, spread, centre=0.0):
        values = self.random.standard_normal(shape, dtype=numpy.float32)
        values *= spread
        values += numpy.float32(centre)
        self.file.write(b"\0" * (-self.file.tell() % ALIGNMENT))
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", self.location), ("offset", self.file.tell()), ("length", values.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        self.file.write(values.tobytes())
        self.tensors.append(tensor)
        return name


class Network:
    def __init__(self, arguments, weights):
        self.weights = weights
        self.dim, self.heads = arguments.dim, arguments.heads
        self.nodes = []
        self.constants = []

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def ints(self, name, values):
        self.constants.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def linear(self, x, name, c_in, c_out):
        product = self.node("MatMul", [x, self.weights.add(f"{name}.weight", (c_in, c_out), c_in**-0.5)], f"{name}/MatMul")
        return self.node("Add", [self.weights.add(f"{name}.bias", (c_out,), 0.02), product], f"{name}/Add")

    def norm(self, x, name):
        scale = self.weights.add(f"{name}.weight", (self.dim,), 0.1, 1.0)
        shift = self.weights.add(f"{name}.bias", (self.dim,), 0.1)
        return self.node("LayerNormalization", [x, scale, shift], name, axis=-1, epsilon=1e-6)

    def attention(self, x, name):
        dim, heads = self.dim, self.heads
        packed = self.linear(x, f"{name}.qkv", dim, 3 * dim)
        split = self.node("Reshape", [packed, self.ints(f"{name}.split", [0, 0, 3, heads, dim // heads])], f"{name}/split")
        split = self.node("Transpose", [split], f"{name}/order", perm=[2, 0, 3, 1, 4])
        q, k, v = (self.node("Gather", [split, self.scalar(f"{name}.{part}", index)], f"{name}/{part}", axis=0)
                   for index, part in enumerate("qkv"))
        scaled = self.node("Mul", [q, self.number(f"{name}.scale", (dim // heads) ** -0.5)], f"{name}/scaled")
        turned = self.node("Transpose", [k], f"{name}/turned", perm=[0, 1, 3, 2])
        scores = self.node("Softmax", [self.node("MatMul", [scaled, turned], f"{name}/scores")], f"{name}/Softmax", axis=-1)
        mixed = self.node("MatMul", [scores, v], f"{name}/mixed")
        joined = self.node("Transpose", [mixed], f"{name}/joined", perm=[0, 2, 1, 3])
        return self.linear(self.node("Reshape", [joined, self.ints(f"{name}.join", [0, 0, dim])], f"{name}/rows"), f"{name}.proj", dim, dim)

    def gelu(self, x, name):
        inner = self.node("Erf", [self.node("Div", [x, self.number(f"{name}.root", 2**0.5)], f"{name}/div")], f"{name}/erf")
        product = self.node("Mul", [x, self.node("Add", [inner, self.number(f"{name}.one", 1.0)], f"{name}/plus")], f"{name}/mul")
        return self.node("Mul", [product, self.number(f"{name}.half", 0.5)], f"{name}/Gelu")

    def block(self, x, name, hidden):
        x = self.node("Add", [x, self.attention(self.norm(x, f"{name}.norm1"), f"{name}.attn")], f"{name}/Add_1")
        inner = self.gelu(self.linear(self.norm(x, f"{name}.norm2"), f"{name}.fc1", self.dim, hidden), f"{name}.act")
        return self.node("Add", [x, self.linear(inner, f"{name}.fc2", hidden, self.dim)], f"{name}/Add_2")

    def scalar(self, name, value):
        self.constants.append(helper.make_tensor(name, TensorProto.INT64, [], [value]))
        return name

    def number(self, name, value):
        self.constants.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        return name


def build(arguments, weights):
    network = Network(arguments, weights)
    dim, patch = arguments.dim, arguments.patch
    kernel = weights.add("patch_embed.weight", (dim, 3, patch, patch), 0.05)
    x = network.node("Conv", ["input", kernel, weights.add("patch_embed.bias", (dim,), 0.02)], "patch_embed/Conv",
                     kernel_shape=[patch, patch], strides=[patch, patch])
    x = network.node("Reshape", [x, network.ints("patch_embed.shape", [0, dim, -1])], "patch_embed/Reshape")
    x = network.node("Transpose", [x], "patch_embed/rows", perm=[0, 2, 1])
    x = network.node("Add", [x, weights.add("pos_embed", (1, (arguments.image // patch) ** 2, dim), 0.1)], "pos_embed/Add")
    for index in range(arguments.depth):
        x = network.block(x, f"blocks.{index}", arguments.hidden)
    x = network.node("ReduceMean", [network.norm(x, "norm")], "pool", axes=[1], keepdims=0)
    logits = network.linear(x, "head", dim, arguments.classes)
    network.node("Identity", [logits], "logits")
    image = ["batch", 3, arguments.image, arguments.image]
    graph = helper.make_graph(network.nodes, "vit", [helper.make_tensor_value_info("input", TensorProto.FLOAT, image)],
                              [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", arguments.classes])],
                              network.constants)
    graph.initializer.extend(weights.tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="make_large_vit")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--dim", type=int, default=1408)
    parser.add_argument("--hidden", type=int, default=6144)
    parser.add_argument("--depth", type=int, default=40)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--patch", type=int, default=14)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = arguments.output.with_name(arguments.output.name + ".data")
    weights = Weights(data, arguments.seed)
    onnx.save(build(arguments, weights), arguments.output)
    weights.file.close()
    print(f"wrote {arguments.output} and {data} ({data.stat().st_size / 1e9:.2f} GB)")


if __name__ == "__main__":
    main()
