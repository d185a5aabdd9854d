"""float_models.py NQCLI SOURCE: FP32 logits of nqcli equal ONNX Runtime's."""

import pathlib
import sys
import tempfile

import numpy

import oracle


def main():
    binary, source = sys.argv[1:3]
    models = {"vit_tiny": oracle.SHARED / "vit_tiny/model.onnx", "demo": pathlib.Path(source) / "models/demo_vit.onnx"}
    failed = False
    with tempfile.TemporaryDirectory() as name:
        for label, model in models.items():
            if not model.exists():
                print(f"{label}: absent, skipped")
                continue
            images = numpy.random.default_rng(1).normal(size=oracle.input_shape(model, 4)).astype(numpy.float32)
            expected = oracle.run_onnxruntime(model, images)
            for kernels in ("auto", "reference"):
                actual = oracle.run_nqcli(binary, model, images, pathlib.Path(name), "--kernels", kernels)
                worst = float(numpy.abs(expected - actual).max())
                print(f"{label}, {kernels} kernels: largest difference {worst:.2e}")
                failed |= worst > 1e-3
    sys.exit(failed)


if __name__ == "__main__":
    main()
