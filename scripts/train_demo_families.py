#!/usr/bin/env python3
"""Train a small Swin and a small ResMLP on the images of the bundled demo.

They show what quantization does to the other two families of the paper's tables, on the same drawn figures as
demo_vit.onnx (see train_demo_vit.py, whose images, training loop and export this script uses). Below --out (default:
models) it writes demo_swin.onnx and demo_resmlp.onnx, opset 17, dynamic batch, `input` -> `logits`, a preprocess
sidecar beside each, and demo_families.report.json with settings and measured figures. The images must be there
(train_demo_vit.py writes them); they are the test set, which training never sees.

Needs: see requirements-demo.txt beside this script. Training the committed models took 26 minutes, both at once on
two busy cores.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import nn

import train_demo_vit as demo
from train_demo_vit import CLASSES, IMAGE_SIZE, Mlp, PatchEmbed


# ---------------------------------------------------------------------------------------------------
# Swin (Liu et al. 2021), with the module names of timm


def to_windows(x, size):
    """[batch, height, width, dim] -> [batch * windows, size * size, dim]."""
    batch, height, width, dim = x.shape
    x = x.reshape(batch, height // size, size, width // size, size, dim)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, dim)


def from_windows(windows, size, height, width):
    """The inverse of to_windows."""
    dim = windows.shape[-1]
    x = windows.reshape(-1, height // size, width // size, size, size, dim)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, dim)


def relative_positions(size):
    """Index of the bias between every two positions of a window, [size * size, size * size]."""
    axis = torch.arange(size)
    place = torch.stack(torch.meshgrid(axis, axis, indexing="ij")).flatten(1)
    offset = place[:, :, None] - place[:, None, :] + size - 1
    return offset[0] * (2 * size - 1) + offset[1]


def shift_mask(side, size, shift):
    """0 between positions of one region, -100 between those that the shift brought together; [windows, 1, n, n]."""
    region = torch.zeros(1, side, side, 1)
    borders = [slice(0, -size), slice(-size, -shift), slice(-shift, None)]
    for i, rows in enumerate(borders):
        for j, columns in enumerate(borders):
            region[:, rows, columns] = 3 * i + j
    region = to_windows(region, size).squeeze(-1)
    return torch.where(region[:, None, :] == region[:, :, None], 0.0, -100.0).unsqueeze(1)


class WindowAttention(demo.Attention):
    """Attention within windows, with a bias by relative position and, where windows are shifted, a mask."""

    def __init__(self, dim, heads, size, mask):
        super().__init__(dim, heads)
        # Three axes: the optimizer treats matrices differently.
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * size - 1) ** 2, heads, 1))
        self.register_buffer("relative_position_index", relative_positions(size), persistent=False)
        self.register_buffer("mask", mask, persistent=False)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def add_bias(self, scores):
        tokens = scores.shape[-1]
        bias = self.relative_position_bias_table[self.relative_position_index.reshape(-1), :, 0]
        scores = scores + bias.reshape(tokens, tokens, self.heads).permute(2, 0, 1)
        if self.mask is None:
            return scores
        scores = scores.reshape(-1, self.mask.shape[0], self.heads, tokens, tokens) + self.mask
        return scores.reshape(-1, self.heads, tokens, tokens)


class SwinBlock(nn.Module):
    def __init__(self, dim, heads, side, size, shift):
        super().__init__()
        self.side, self.size, self.shift = side, size, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, heads, size, shift_mask(side, size, shift) if shift else None)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim)

    def attend(self, x):
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = from_windows(self.attn(to_windows(x, self.size)), self.size, self.side, self.side)
        return torch.roll(x, (self.shift, self.shift), (1, 2)) if self.shift else x

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """Joins four neighbours: half as many positions a side, twice the channels."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x):
        corners = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class Swin(nn.Module):
    def __init__(self, patch=4, dim=32, depths=(2, 4), heads=(2, 4), window=4):
        super().__init__()
        self.side = IMAGE_SIZE // patch
        self.patch_embed = PatchEmbed(patch, dim)
        self.patch_norm = nn.LayerNorm(dim)
        side, layers = self.side, []
        for stage, (depth, count) in enumerate(zip(depths, heads)):
            if stage > 0:
                layers.append(PatchMerging(dim))
                side, dim = side // 2, 2 * dim
            layers += [SwinBlock(dim, count, side, window, 0 if i % 2 == 0 else window // 2) for i in range(depth)]
        self.blocks = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, len(CLASSES))
        self.apply(demo.init_linear)

    def forward(self, x):
        x = self.patch_norm(self.patch_embed(x))
        x = self.blocks(x.reshape(-1, self.side, self.side, x.shape[-1]))
        return self.head(self.norm(x).mean(dim=(1, 2)))


# ---------------------------------------------------------------------------------------------------
# ResMLP (Touvron et al. 2021), with the module names of timm


class Affine(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, 1, dim))
        self.beta = nn.Parameter(torch.zeros(1, 1, dim))

    def forward(self, x):
        return self.alpha * x + self.beta


class ResMlpBlock(nn.Module):
    def __init__(self, dim, tokens):
        super().__init__()
        self.norm1 = Affine(dim)
        self.linear_tokens = nn.Linear(tokens, tokens)
        self.norm2 = Affine(dim)
        self.mlp_channels = Mlp(dim, 4 * dim)
        self.ls1 = nn.Parameter(torch.full((dim,), 0.1))
        self.ls2 = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x):
        x = x + self.ls1 * self.linear_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.ls2 * self.mlp_channels(self.norm2(x))


class ResMlp(nn.Module):
    def __init__(self, patch=8, dim=96, depth=6):
        super().__init__()
        tokens = (IMAGE_SIZE // patch) ** 2
        self.stem = PatchEmbed(patch, dim)
        self.blocks = nn.Sequential(*[ResMlpBlock(dim, tokens) for _ in range(depth)])
        self.norm = Affine(dim)
        self.head = nn.Linear(dim, len(CLASSES))
        self.apply(demo.init_linear)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x))).mean(dim=1))


FAMILIES = {"swin": Swin, "resmlp": ResMlp}


# ---------------------------------------------------------------------------------------------------


def train_family(name, args, train_set, validation, test_set):
    """Trains and exports one model; returns its report."""
    torch.manual_seed(args.seed)
    model = FAMILIES[name]()
    print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    demo.train(model, *train_set, validation, args)
    path = args.out / f"demo_{name}.onnx"
    demo.save_model(model, path)
    return demo.measure(model, path, test_set)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder to write to, with images/test in it")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    demo.add_training_options(parser, epochs=12)
    return parser.parse_args()


def main():
    args = parse_args()
    demo.prepare_torch(args)
    test_set = demo.read_test_images(args.out / "images" / "test")
    train_set, validation = demo.training_sets(args)
    report_path = args.out / "demo_families.report.json"
    report = json.loads(report_path.read_text()) if report_path.exists() else {}
    for name in args.families:
        figures = train_family(name, args, train_set, validation, test_set)
        settings = {k: v for k, v in vars(args).items() if k not in ("out", "families")}
        report[name] = {"settings": settings, **figures}
        report_path.write_text(json.dumps(report, indent=2) + "\n")
        print(json.dumps(report[name]["top1"], indent=2), flush=True)


if __name__ == "__main__":
    main()
