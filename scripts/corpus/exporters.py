"""Writes a PyTorch model as ONNX with one of PyTorch's two exporters, or as timm's own tool does."""

import inspect
import warnings

import torch

warnings.filterwarnings("ignore")


class Flat(torch.nn.Module):
    """A model of transformers with its tensors as a plain tuple, the way export tools wrap it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        output = self.model(images)
        return output if isinstance(output, (torch.Tensor, tuple)) else output.to_tuple()


def input_name(model):
    """Export tools keep the name of the argument: `pixel_values` for transformers."""
    return "pixel_values" if "pixel_values" in inspect.signature(model.forward).parameters else "input"


def export(model, images, path, exporter, opset, dynamic):
    """Writes `path`; `dynamic` opens the batch, "size" opens height and width too."""
    name = input_name(model)
    axes = {0: "batch", 2: "height", 3: "width"} if dynamic == "size" else {0: "batch"}
    flat = Flat(model).eval()
    with torch.no_grad():
        result = flat(images)
    outputs = [f"output_{index}" for index in range(1 if isinstance(result, torch.Tensor) else len(result))]
    settings = {"input_names": [name], "output_names": outputs, "opset_version": opset}
    if exporter == "torchscript":
        if dynamic:
            settings["dynamic_axes"] = {name: axes, **{output: {0: "batch"} for output in outputs}}
        torch.onnx.export(flat, (images,), str(path), dynamo=False, **settings)
        return
    if dynamic:
        settings["dynamic_shapes"] = ({axis: torch.export.Dim.DYNAMIC for axis in axes},)
    torch.onnx.export(flat, (images,), str(path), dynamo=True, external_data=False, verbose=False, **settings)
