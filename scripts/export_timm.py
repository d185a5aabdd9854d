#!/usr/bin/env python3
"""Export a timm image classifier (ViT, DeiT, Swin, ResMLP, ...) to ONNX with its preprocess sidecar.

    export_timm.py vit_tiny_patch16_224 -o vit_tiny.onnx --pretrained

writes vit_tiny.onnx (input `input`, output `logits`) and vit_tiny.preprocess.json, the resize, crop, mean
and standard deviation that timm gives for the model. Without --pretrained or --checkpoint the weights
are random, from --seed; a head that starts as zeros is drawn at random too, as all logits would be zero.
Where onnxruntime is installed, the file is run on another batch and compared with PyTorch.

Needs: see requirements-timm.txt beside this script (timm itself needs torchvision, of the release that
goes with the installed torch).
"""

import argparse
import difflib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import timm
import torch
from timm.data import resolve_model_data_config
from timm.layers import set_fused_attn

RESIZE_OF_CROP_MODE = {"center": "short_edge", "squash": "squash"}
INTERPOLATIONS = ("bicubic", "bilinear")
# Largest accepted |ONNX - PyTorch| over the largest |logit|; float32 in another order stays far below.
TOLERANCE = 1e-3


class ExportError(Exception):
    """A problem that the user can act on; main() prints it without a trace."""


def create_model(args):
    """The timm model in eval mode with the asked-for weights."""
    if not timm.is_model(args.name.split(".")[0]):
        close = difflib.get_close_matches(args.name, timm.list_models(), n=8, cutoff=0.5)
        hint = "close matches:\n  " + "\n  ".join(close) if close else "timm.list_models() lists all names"
        raise ExportError(f"timm {timm.__version__} has no model '{args.name}'; {hint}")
    options = {"img_size": args.img_size} if args.img_size else {}
    try:
        model = timm.create_model(
            args.name, pretrained=args.pretrained, checkpoint_path=args.checkpoint or "", **options
        )
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise ExportError(f"cannot create '{args.name}': {error}") from error
    if not args.pretrained and not args.checkpoint:
        fill_zero_linears(model)
    return model.eval()


def fill_zero_linears(model):
    """Random values for linear layers that start as zeros, so that logits depend on the image."""
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and not module.weight.any():
            torch.nn.init.trunc_normal_(module.weight, std=0.02)


def preprocess_of(model, img_size):
    """The sidecar's content from timm's data configuration."""
    config = resolve_model_data_config(model)
    crop_mode = config["crop_mode"]
    if crop_mode not in RESIZE_OF_CROP_MODE:
        raise ExportError(f"crop mode '{crop_mode}' has no counterpart in the preprocess sidecar")
    if config["interpolation"] not in INTERPOLATIONS:
        raise ExportError(f"interpolation '{config['interpolation']}' has no counterpart in the preprocess sidecar")
    if config["input_size"][0] != 3:
        raise ExportError(f"the model takes {config['input_size'][0]} channels; the sidecar describes RGB")
    return {
        "schema": 1,
        "input_size": list(img_size or config["input_size"][1:]),
        "resize": RESIZE_OF_CROP_MODE[crop_mode],
        "crop_pct": config["crop_pct"],
        "interpolation": config["interpolation"],
        "mean": list(config["mean"]),
        "std": list(config["std"]),
        "channels": "RGB",
    }


def export(model, images, args):
    """Write the ONNX file; the batch is dynamic unless --static-batch fixes it."""
    settings = {"input_names": ["input"], "output_names": ["logits"], "opset_version": args.opset}
    if args.exporter == "torchscript":
        if not args.static_batch:
            settings["dynamic_axes"] = {"input": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(model, (images,), str(args.output), dynamo=False, **settings)
        return
    if not args.static_batch:
        settings["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(model, (images,), str(args.output), dynamo=True, external_data=False, **settings)


def verify(model, images, path):
    """Compare ONNX Runtime with PyTorch on `images`; a failed comparison is an error."""
    try:
        import onnxruntime
    except ImportError:
        print("not verified: onnxruntime is not installed")
        return
    with torch.inference_mode():
        expected = model(images).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    actual = session.run(["logits"], {"input": images.numpy()})[0]
    difference, largest = np.abs(actual - expected).max(), np.abs(expected).max()
    print(f"max abs difference to PyTorch: {difference:.3g} (largest logit {largest:.3g})")
    if not difference <= TOLERANCE * largest:
        raise ExportError(f"{path} does not compute what PyTorch computes")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="timm model name, e.g. deit_tiny_distilled_patch16_224")
    parser.add_argument("-o", "--output", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--pretrained", action="store_true", help="download timm's weights")
    parser.add_argument("--checkpoint", help="load weights from this file instead")
    parser.add_argument("--img-size", type=int, nargs=2, metavar=("H", "W"), help="input size instead of the model's own")
    parser.add_argument("--opset", type=int, default=17)
    parser.add_argument("--static-batch", type=int, metavar="N", help="fix the batch size")
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript")
    parser.add_argument("--seed", type=int, default=0, help="seed of random weights and of the check's input")
    return parser.parse_args()


def run(args):
    if args.pretrained and args.checkpoint:
        raise ExportError("--pretrained and --checkpoint exclude each other")
    if args.checkpoint and not Path(args.checkpoint).is_file():
        raise ExportError(f"no checkpoint file '{args.checkpoint}'")
    torch.manual_seed(args.seed)
    # Without fused attention every exporter writes plain MatMul and Softmax nodes.
    set_fused_attn(False)
    # timm checks shapes with Python conditions; verify() shows whether the trace holds nevertheless.
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    warnings.filterwarnings("ignore", message="You are using the legacy TorchScript", category=DeprecationWarning)
    model = create_model(args)
    preprocess = preprocess_of(model, args.img_size)
    # Two images: with one, an exporter may take a dynamic batch for a constant.
    images = torch.randn(args.static_batch or 2, 3, *preprocess["input_size"])
    args.output.parent.mkdir(parents=True, exist_ok=True)
    export(model, images, args)
    sidecar = args.output.with_suffix(".preprocess.json")
    sidecar.write_text(json.dumps(preprocess, indent=2) + "\n")
    print(f"wrote {args.output} ({args.output.stat().st_size:,} bytes) and {sidecar}")
    # Another batch size shows that nothing of the first one was traced into the graph.
    verify(model, images if args.static_batch else torch.cat([images, -images[:1]]), args.output)


def main():
    try:
        run(parse_args())
    except ExportError as error:
        sys.exit(f"export_timm.py: error: {error}")


if __name__ == "__main__":
    main()
