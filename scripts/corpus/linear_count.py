"""How many layers of a PyTorch model a quantizer should find, counted while the model runs."""

import torch
from torch.overrides import TorchFunctionMode


def is_patch_conv(images, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """A convolution whose windows neither overlap nor leave gaps, and tile the image."""
    def pair(value):
        return tuple(value) if isinstance(value, (tuple, list)) else (value, value)

    kernel = tuple(weight.shape[2:])
    aligned = padding == "valid" or all(item == 0 for item in pair(padding))
    tiles = images.dim() == 4 and all(size % length == 0 for size, length in zip(images.shape[2:], kernel))
    return tiles and aligned and groups == 1 and pair(stride) * (2 // len(pair(stride))) == kernel and set(pair(dilation)) == {1}


class CallCounter(TorchFunctionMode):
    """Counts calls of linear functions, whichever module makes them, on values that depend on the images.

    What reads constants alone, as a position bias table does, is no layer: an exporter or the reader folds it.
    """

    def __init__(self):
        super().__init__()
        self.linear = 0
        self.patch_conv = 0

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = options or {}
        if function is torch.nn.functional.linear:
            self.linear += arguments[0].requires_grad
        if function is torch.conv2d and is_patch_conv(*arguments, **options):
            self.patch_conv += arguments[0].requires_grad
        if function is torch.nn.functional.multi_head_attention_forward:
            self.linear += self.attention_layers(*arguments[:2])
        return function(*arguments, **options)

    @staticmethod
    def attention_layers(query, key):
        """Packed projections: one product where query, key and value are one, else two; and the output projection."""
        return (1 if query is key else query.requires_grad + key.requires_grad) + 1


def count_layers(model, images):
    """{'linear': n, 'patch_conv': n} of one run of the model."""
    torch.backends.mha.set_fastpath_enabled(False)
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    model.requires_grad_(False)
    with torch.enable_grad(), CallCounter() as counter:
        model(images.clone().requires_grad_(True))
    for parameter, value in zip(model.parameters(), wanted):
        parameter.requires_grad_(value)
    return {"linear": int(counter.linear), "patch_conv": int(counter.patch_conv)}
