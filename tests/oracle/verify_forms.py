"""verify_forms.py NQCLI SOURCE: nqcli's verdict on forms of quantized products is what ONNX Runtime does with them.

Every form is a small file around one product. The verdict of `verify --target ort-cpu` must be that of ONNX Runtime's
optimized graph, and the one written beside the form here.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

ROWS, INNER, COLUMNS = 5, 32, 48
CODES = {"i8": numpy.int8, "u8": numpy.uint8, "i16": numpy.int16, "u16": numpy.uint16}


class Form:
    """A graph in the making."""

    def __init__(self, rank=3, static=False, opset=17):
        batch = 2 if static else "batch"
        self.shape = [batch, ROWS, INNER] if rank == 3 else [batch, INNER]
        self.opset = opset
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(numpy.asarray(value), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output + "_node", **attributes))
        return output

    def activation(self, kind, zero=0, clip=None):
        """Clip is "float" or "codes"."""
        scale = self.constant("x_scale", numpy.float32(0.02))
        point = self.constant("x_zero_point", CODES[kind](zero))
        x = "x"
        if clip == "float":
            x = self.node("Clip", [x, self.constant("low", numpy.float32(-0.64)), self.constant("high", numpy.float32(0.62))], "x_clip")
        codes = self.node("QuantizeLinear", [x, scale, point], "x_codes")
        if clip == "codes":
            codes = self.node("Clip", [codes, self.constant("low", CODES[kind](-32 if kind == "i8" else 0)),
                                       self.constant("high", CODES[kind](31 if kind == "i8" else 63))], "x_codes_clip")
        return self.node("DequantizeLinear", [codes, scale, point], "x_float")

    def weight(self, kind, per_channel=True, axis=1, transposed=False):
        shape = (COLUMNS, INNER) if transposed else (INNER, COLUMNS)
        codes = numpy.random.default_rng(4).integers(-60, 61, size=shape)
        if kind == "u8":
            codes += 128
        if kind.startswith("i4"):
            return self.int4_weight(numpy.clip(codes, -8, 7), kind == "i4 cast")
        count = shape[axis]
        scale = numpy.full(count, 0.01, numpy.float32) if per_channel else numpy.float32(0.01)
        point = numpy.full(count if per_channel else (), 128 if kind == "u8" else 0, CODES[kind])
        names = [self.constant("w_codes", codes.astype(CODES[kind])), self.constant("w_scale", scale), self.constant("w_zero_point", point)]
        return self.node("DequantizeLinear", names, "w_float", **({"axis": axis} if per_channel else {}))

    def int4_weight(self, codes, cast):
        nibbles = codes.astype(numpy.uint8).ravel() & 15
        stored = TensorProto(name="w_int4", data_type=TensorProto.INT4, dims=codes.shape)
        stored.raw_data = (nibbles[0::2] | nibbles[1::2] << 4).tobytes()
        self.constants.append(stored)
        name = self.node("Cast", ["w_int4"], "w_codes", to=TensorProto.INT8) if cast else "w_int4"
        scale = self.constant("w_scale", numpy.full(codes.shape[1], 0.01, numpy.float32))
        return self.node("DequantizeLinear", [name, scale], "w_float", axis=1)

    def bias(self, shape):
        return self.constant("bias", numpy.random.default_rng(5).normal(size=shape).astype(numpy.float32))

    def save(self, path, last):
        self.nodes.append(helper.make_node("Relu", [last], ["y"], name="tail"))
        rank = len(self.shape)
        graph = helper.make_graph(
            self.nodes, "form", [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, self.shape[:-1] + [COLUMNS])], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10 if self.opset >= 21 else 8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def matmul(bias=None, x="i8", w="i8", clip=None, zero=0, per_channel=True, axis=1, rank=3, static=False, opset=17, turned=False):
    form = Form(rank, static, opset)
    left = form.activation(x, zero, clip) if x else "x"
    right = form.weight(w, per_channel, axis, turned)
    if turned:
        right = form.node("Transpose", [right], "w_turned", perm=[1, 0])
    out = form.node("MatMul", [left, right], "product")
    if bias:
        out = form.node("Add", [out, form.bias(bias)], "sum")
    return form, out


def gemm(c=None, x="i8", turned=False, alpha=1.0, add=None):
    form = Form(2)
    inputs = [form.activation(x, 0), form.weight("i8", True, 0 if turned else 1, turned)]
    if c == "float":
        inputs.append(form.bias([COLUMNS]))
    if c == "int32":
        names = [form.constant("c_codes", numpy.arange(COLUMNS, dtype=numpy.int32)), form.constant("c_scale", numpy.full(COLUMNS, 0.0002, numpy.float32)),
                 form.constant("c_zero_point", numpy.zeros(COLUMNS, numpy.int32))]
        inputs.append(form.node("DequantizeLinear", names, "c_float", axis=0))
    out = form.node("Gemm", inputs, "product", transB=int(turned), alpha=alpha)
    if add:
        out = form.node("Add", [out, form.bias(add)], "sum")
    return form, out


INT8, FLOAT = True, False
FORMS = {
    "signed, no bias": (matmul(), INT8),
    "unsigned, no bias": (matmul(x="u8", zero=128), INT8),
    "per tensor": (matmul(per_channel=False), INT8),
    "unsigned weight": (matmul(x="u8", w="u8"), INT8),
    "bias [1,1,N], dynamic": (matmul(bias=[1, 1, COLUMNS]), INT8),
    "bias [1,1,N], static": (matmul(bias=[1, 1, COLUMNS], static=True), INT8),
    "bias [N], dynamic": (matmul(bias=[COLUMNS]), INT8),
    "bias [N], static": (matmul(bias=[COLUMNS], static=True), FLOAT),
    "bias [N], rank 2": (matmul(bias=[COLUMNS], rank=2), FLOAT),
    "bias [1,N], rank 2": (matmul(bias=[1, COLUMNS], rank=2), FLOAT),
    "6 bits, float clip": (matmul(bias=[1, 1, COLUMNS], clip="float"), INT8),
    "6 bits, clip on signed codes": (matmul(bias=[1, 1, COLUMNS], clip="codes"), FLOAT),
    "6 bits, clip on unsigned codes": (matmul(x="u8", bias=[1, 1, COLUMNS], clip="codes"), INT8),
    "weight behind a Transpose": (matmul(axis=0, turned=True), INT8),
    "16-bit activation": (matmul(x="u16", opset=21), FLOAT),
    "int4 weight behind a Cast": (matmul(w="i4 cast", bias=[1, 1, COLUMNS], opset=21), INT8),
    "int4 weight": (matmul(w="i4", opset=21), FLOAT),
    "weight only": (matmul(x=None), FLOAT),
    "Gemm without C": (gemm(), INT8),
    "Gemm without C, Add [N]": (gemm(add=[COLUMNS]), INT8),
    "Gemm, float C": (gemm(c="float"), FLOAT),
    "Gemm, int32 C": (gemm(c="int32"), INT8),
    "Gemm transB": (gemm(turned=True), INT8),
    "Gemm alpha 2": (gemm(alpha=2.0), INT8),
}


def main():
    binary = sys.argv[1]
    failed = False
    with tempfile.TemporaryDirectory() as name:
        for label, ((form, out), expected) in FORMS.items():
            path = pathlib.Path(name) / "form.onnx"
            form.save(path, out)
            done = subprocess.run([binary, "verify", path, "--target", "ort-cpu", "--ort", "--json", "-q"], capture_output=True, text=True)
            report = json.loads(done.stdout)
            if not report["onnxruntime"]["available"]:
                raise SystemExit(report["onnxruntime"]["reason"])
            product = report["products"][0]
            right = product["int8"] == expected and report["onnxruntime"]["disagreements"] == 0
            failed |= not right
            verdict = "int8 kernel" if product["int8"] else f"float, because {product['reason']}"
            print(f"{'ok' if right else 'WRONG':6}{label:36}{verdict}; ONNX Runtime: {product['onnxruntime_operator'] or 'another form'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
