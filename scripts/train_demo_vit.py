#!/usr/bin/env python3
"""Make nqcli's bundled demo: a small Vision Transformer and the images it was trained for.

The images are drawn by this script: twelve figures, many of them close relatives (pentagon and hexagon,
stars of four, five and six points, ring and open ring), with random place, size, rotation, stretch,
colours, shaded background, clutter, lighting and noise. The class shows in no single pixel, so a linear
model on pixels fails; the script fits one and reports its accuracy.

Below --out (default: models) it writes

    demo_vit.onnx              the trained model, opset 17, dynamic batch, `input` -> `logits`
    demo_vit.preprocess.json   the preprocess sidecar
    demo_vit.classes.txt       the class names, one per line, line number = class index
    images/calib/*.png         unlabelled calibration images
    images/test/<class>/*.png  labelled test images, one folder per class in class order
    demo_vit.report.json       settings and measured figures
    README.md                  the same for readers

Training, validation, calibration and test images come from different seeds. The transformer
meets the test images once, at the end, read back from the PNG files with the sidecar's mean and std.

Needs: see requirements-demo.txt beside this script. Training the committed model took 16 minutes on one
core, with bfloat16 instructions, of a busy machine. Images depend only on the seed; weights also depend on
the PyTorch build, the CPU and the number of threads.
"""

import argparse
import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

IMAGE_SIZE = 64
OVERSAMPLE = 2
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)
PREPROCESS = {
    "schema": 1,
    "input_size": [IMAGE_SIZE, IMAGE_SIZE],
    "resize": "short_edge",
    "crop_pct": 1.0,
    "interpolation": "bilinear",
    "mean": list(MEAN),
    "std": list(STD),
    "channels": "RGB",
}
# Each split draws from its own stream: np.random.default_rng([seed, SPLIT_STREAM[split]]).
SPLIT_STREAM = {"train": 0, "val": 1, "calib": 2, "test": 3}


# ---------------------------------------------------------------------------------------------------
# Figures: each function tells which points (u, v) lie inside a figure of about unit radius.


def regular_polygon(u, v, sides, inner_radius):
    """A convex polygon as the intersection of `sides` half-planes."""
    angles = 2 * np.pi * np.arange(sides) / sides
    return np.max([u * np.cos(a) + v * np.sin(a) for a in angles], axis=0) < inner_radius


def disc(u, v):
    return np.hypot(u, v) < 0.85


def square(u, v):
    return np.maximum(abs(u), abs(v)) < 0.75


def triangle(u, v):
    return regular_polygon(u, v, sides=3, inner_radius=0.55)


def pentagon(u, v):
    return regular_polygon(u, v, sides=5, inner_radius=0.74)


def hexagon(u, v):
    return regular_polygon(u, v, sides=6, inner_radius=0.78)


def star(u, v, points):
    """The radius falls from 1 to a half and rises again inside each sector."""
    sector = 2 * np.pi / points
    offset = abs((np.arctan2(v, u) % sector) - sector / 2) / (sector / 2)
    return np.hypot(u, v) < 0.5 + 0.5 * offset**1.5


def star4(u, v):
    return star(u, v, 4)


def star5(u, v):
    return star(u, v, 5)


def star6(u, v):
    return star(u, v, 6)


def ring(u, v):
    return abs(np.hypot(u, v) - 0.72) < 0.2


def open_ring(u, v):
    """A ring with a gap as wide as the stroke."""
    return ring(u, v) & ~((abs(v) < 0.2) & (u > 0))


def crescent(u, v):
    return (np.hypot(u, v) < 0.95) & (np.hypot(u - 0.45, v) > 0.75)


def egg(u, v):
    """An ellipse with one blunt and one pointed end."""
    return np.hypot(u, v * (1.25 + 0.35 * u)) < 0.9


FIGURES = [disc, square, triangle, pentagon, hexagon, star4, star5, star6, ring, open_ring, crescent, egg]
CLASSES = [figure.__name__ for figure in FIGURES]


# ---------------------------------------------------------------------------------------------------
# Drawing


def pixel_grid(size):
    """Coordinates of the pixel centres in units of final pixels, origin in the middle of the image."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (IMAGE_SIZE / size) - IMAGE_SIZE / 2
    return np.meshgrid(axis, axis)


COARSE_GRID = pixel_grid(IMAGE_SIZE)
FINE_GRID = pixel_grid(IMAGE_SIZE * OVERSAMPLE)


def figure_coverage(figure, rng):
    """The share of every pixel that a randomly placed figure covers, 0 to 1."""
    radius = rng.uniform(12, 22)
    reach = max(0.0, IMAGE_SIZE / 2 - radius - 1)
    center = rng.uniform(-reach, reach, size=2)
    angle = rng.uniform(0, 2 * np.pi)
    stretch = math.exp(rng.uniform(-0.12, 0.12))
    x, y = (FINE_GRID[0] - center[0]) / radius, (FINE_GRID[1] - center[1]) / radius
    u = (x * math.cos(angle) + y * math.sin(angle)) * stretch
    v = (y * math.cos(angle) - x * math.sin(angle)) / stretch
    inside = figure(u, v).astype(np.float32)
    return inside.reshape(IMAGE_SIZE, OVERSAMPLE, IMAGE_SIZE, OVERSAMPLE).mean(axis=(1, 3))


def ramp(rng):
    """A linear slope in a random direction, about -1 to 1 over the image."""
    angle = rng.uniform(0, 2 * np.pi)
    x, y = COARSE_GRID
    return (x * math.cos(angle) + y * math.sin(angle)) / (IMAGE_SIZE / 2)


def smooth_field(rng, cells):
    """Low-frequency noise in [-1, 1]: a random grid of cells x cells values, enlarged bicubically."""
    grid = Image.fromarray(rng.uniform(-1, 1, size=(cells, cells)).astype(np.float32))
    return np.asarray(grid.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC))


def two_colors(rng):
    """A background colour and a clearly brighter figure colour."""
    while True:
        colors = rng.uniform(0.05, 0.95, size=(2, 3))
        brightness = colors @ (0.3, 0.6, 0.1)
        if brightness[1] - brightness[0] > 0.15:
            return colors


def draw_clutter(image, rng):
    """Paint a few thin lines and specks that belong to no class over the image."""
    x, y = COARSE_GRID
    for _ in range(rng.integers(0, 4)):
        line = abs(ramp(rng) * IMAGE_SIZE / 2 - rng.uniform(-24, 24)) < rng.uniform(0.4, 0.9)
        image[line] = rng.uniform(0, 1, size=3)
    for _ in range(rng.integers(0, 6)):
        cx, cy = rng.uniform(-IMAGE_SIZE / 2, IMAGE_SIZE / 2, size=2)
        image[np.hypot(x - cx, y - cy) < rng.uniform(0.8, 2.2)] = rng.uniform(0, 1, size=3)


def draw_image(label, rng):
    """One RGB image of class `label`, uint8 [size, size, 3]."""
    background_color, figure_color = two_colors(rng)
    shade = 0.12 * rng.uniform() * smooth_field(rng, int(rng.integers(3, 8)))[..., None]
    background = background_color + shade + 0.12 * ramp(rng)[..., None] * rng.uniform(-1, 1, size=3)
    foreground = figure_color + 0.1 * rng.uniform(-1, 1) * ramp(rng)[..., None]
    coverage = figure_coverage(FIGURES[label], rng)[..., None]
    image = background * (1 - coverage) + foreground * coverage
    draw_clutter(image, rng)
    image *= 1 - rng.uniform(0, 0.2) * (1 + ramp(rng)[..., None])
    image += rng.normal(0, rng.uniform(0, 0.05), size=image.shape)
    return (image.clip(0, 1) * 255).round().astype(np.uint8)


def draw_split(split, count, seed):
    """`count` images with the classes in turn: uint8 [count, size, size, 3] and int64 labels."""
    rng = np.random.default_rng([seed, SPLIT_STREAM[split]])
    labels = np.arange(count) % len(CLASSES)
    return np.stack([draw_image(label, rng) for label in labels]), labels


def normalize(images):
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W], as the sidecar says."""
    scaled = images.astype(np.float32) / 255
    return ((scaled - np.float32(MEAN)) / np.float32(STD)).transpose(0, 3, 1, 2)


# ---------------------------------------------------------------------------------------------------
# Model, with the module names of timm's VisionTransformer


class Attention(nn.Module):
    """Multi-head self-attention with plain matrix products, so that the export shows them."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = self.add_bias((q * self.scale) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, tokens, dim))

    def add_bias(self, scores):
        """The scores [batch, heads, tokens, tokens] as they are; other families add to them."""
        return scores


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    def __init__(self, patch, dim, depth, heads, classes):
        super().__init__()
        self.patch_embed = PatchEmbed(patch, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(sine_cosine_embedding(dim, IMAGE_SIZE // patch))
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, classes)
        self.apply(init_linear)
        nn.init.trunc_normal_(self.cls_token, std=0.02)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


def sine_cosine_embedding(dim, side):
    """Start of the position embedding: waves along y and x; learns several times sooner than noise."""
    frequencies = 10000.0 ** -(torch.arange(dim // 4) / (dim // 4))
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    waves = [wave(axis.reshape(-1, 1) * frequencies) for axis in (y, x) for wave in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, dim), torch.cat(waves, dim=1)]).unsqueeze(0)


def init_linear(module):
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


# ---------------------------------------------------------------------------------------------------
# Training


def augment(x, generator):
    """Changes that keep the class: mirror, quarter turn, exchange of channels."""
    if torch.rand((), generator=generator) < 0.5:
        x = x.flip(3)
    x = x.rot90(int(torch.randint(4, (), generator=generator)), (2, 3))
    return x[:, torch.randperm(3, generator=generator)]


def learning_rate(step, steps, peak):
    """Linear warm-up over the first 5 %, then a cosine down to zero."""
    warmup = max(1, steps // 20)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def optimizers_for(model):
    """Muon for the blocks' matrices (it needs far fewer images than AdamW), AdamW for everything else."""
    matrices = [p for p in model.blocks.parameters() if p.ndim == 2]
    matrix_ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in matrix_ids]
    return [
        torch.optim.Muon(matrices, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train(model, images, labels, validation, args):
    """Train in place; prints the validation accuracy now and then."""
    generator = torch.Generator().manual_seed(args.seed)
    optimizers = optimizers_for(model)
    x_all, y_all = torch.from_numpy(normalize(images)), torch.from_numpy(labels)
    per_epoch = len(x_all) // args.batch
    started = time.monotonic()
    for epoch in range(args.epochs):
        order = torch.randperm(len(x_all), generator=generator)
        for i in range(per_epoch):
            lr = learning_rate(epoch * per_epoch + i, args.epochs * per_epoch, args.lr)
            picked = order[i * args.batch : (i + 1) * args.batch]
            x = augment(x_all[picked], generator)
            loss = train_step(model, optimizers, lr, x, y_all[picked], args.precision)
        if epoch % 5 == 4 or epoch == args.epochs - 1:
            accuracy = torch_accuracy(model, *validation)
            elapsed = time.monotonic() - started
            print(f"epoch {epoch + 1:3d}  loss {loss:.3f}  validation {accuracy:.2%}  {elapsed:.0f} s", flush=True)


def train_step(model, optimizers, lr, x, y, precision):
    model.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        logits = model(x)
    loss = F.cross_entropy(logits.float(), y, label_smoothing=0.05)
    model.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
    return loss.item()


@torch.inference_mode()
def torch_accuracy(model, images, labels):
    model.eval()
    batches = torch.from_numpy(normalize(images)).split(256)
    predicted = torch.cat([model(x).argmax(1) for x in batches]).numpy()
    return float((predicted == labels).mean())


def linear_baseline(train_set, test_set, seed):
    """Best test accuracy of logistic regression on raw pixels over several weight decays.

    The choice by test accuracy favours the linear model on purpose.
    """
    accuracies = []
    for weight_decay in (1.0, 10.0, 100.0):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Flatten(), nn.Linear(train_set[0][0].size, len(CLASSES)))
        fit_linear(model, train_set, weight_decay)
        accuracies.append(torch_accuracy(model, *test_set))
    return max(accuracies)


def fit_linear(model, train_set, weight_decay, epochs=10):
    x, y = torch.from_numpy(normalize(train_set[0])), torch.from_numpy(train_set[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for picked in torch.randperm(len(x)).split(256):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(x[picked]), y[picked]).backward()
            optimizer.step()
        schedule.step()


# ---------------------------------------------------------------------------------------------------
# Output


def write_calibration_images(folder, images):
    recreate(folder)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:03d}.png", optimize=True)


def write_test_images(folder, images, labels):
    recreate(folder)
    for index, name in enumerate(CLASSES):
        (folder / f"{index:02d}_{name}").mkdir()
    for i, (image, label) in enumerate(zip(images, labels)):
        Image.fromarray(image).save(folder / f"{label:02d}_{CLASSES[label]}" / f"{i:04d}.png", optimize=True)


def recreate(folder):
    """An empty folder: stale images of an earlier run must not stay."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def read_test_images(folder):
    """The written PNG files and the labels that their folders imply."""
    class_folders = sorted(p for p in folder.iterdir() if p.is_dir())
    files = [(path, label) for label, sub in enumerate(class_folders) for path in sorted(sub.glob("*.png"))]
    images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path, _ in files])
    return images, np.array([label for _, label in files])


def export_onnx(model, path):
    # The TorchScript exporter names nodes after modules, e.g. /blocks/blocks.0/attn/qkv/MatMul.
    torch.onnx.export(
        model.eval(),
        (torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE),),
        str(path),
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def onnx_accuracy(path, images, labels):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"input": normalize(images)})[0]
    return float((logits.argmax(axis=1) == labels).mean())


README = """# Demo model

`demo_vit.onnx` is a small Vision Transformer that tells {classes} drawn figures apart ({names}).
It exists to try nqcli at once, without a download: it runs in milliseconds and comes with its
calibration and test images. Many figures are close relatives, so that a few percent of the images lie near
a boundary and a coarse quantization shows in the accuracy.

| | |
|---|---|
| architecture | ViT, {size}x{size} RGB, patch {patch}, width {dim}, {depth} blocks, {heads} heads, {parameters:,} parameters |
| file | opset 17, dynamic batch, `input` [N,3,{size},{size}] -> `logits` [N,{classes}], {onnx_bytes:,} bytes |
| FP32 top-1, PyTorch | {torch_top1:.2%} |
| FP32 top-1, ONNX Runtime | {onnx_top1:.2%} |
| logistic regression on pixels | {linear_top1:.2%} (chance: {chance:.2%}) |

All three accuracies are measured on the {test} PNG files below `images/test`.

| path | content |
|---|---|
| `demo_vit.preprocess.json` | resize, crop, mean and standard deviation of the input |
| `demo_vit.classes.txt` | class names, one per line |
| `demo_vit.report.json` | settings and measured figures |
| `images/calib` | {calib} images without labels, for calibration ({calib_bytes:,} bytes) |
| `images/test` | {test} images, one folder per class in the order of the classes ({test_bytes:,} bytes) |

Place, size, rotation, stretch, colours, background, clutter, lighting and noise of every image are
random. Training, calibration and test images were drawn from different seeds.

## Make it again

```sh
pip install -r scripts/requirements-demo.txt
python scripts/train_demo_vit.py --out models
```

Training took 16 minutes on one core, with bfloat16 instructions, of a busy machine. The images come out
the same; the weights, and with them the last digits of the accuracies, depend on the PyTorch build and the
CPU.

## Other families

`demo_swin.onnx` (shifted windows, patch merging) and `demo_resmlp.onnx` (no attention) are trained on
the same figures, for less long, by `python scripts/train_demo_families.py --out models`; `demo_families.report.json` has their
settings and figures. They use the images above.

## Licence

The models and all images were made by the project's own scripts, from no outside data or weights, and
are under the project's licence.
"""


def folder_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*.png"))


def write_report(out, report):
    """The figures as JSON and as README.md."""
    (out / "demo_vit.report.json").write_text(json.dumps(report, indent=2) + "\n")
    settings, images, accuracy = report["settings"], report["images"], report["top1"]
    text = README.format(
        classes=len(CLASSES),
        names=", ".join(CLASSES),
        size=IMAGE_SIZE,
        parameters=report["parameters"],
        onnx_bytes=report["onnx_bytes"],
        torch_top1=accuracy["fp32_pytorch"],
        onnx_top1=accuracy["fp32_onnxruntime"],
        linear_top1=accuracy["linear_on_pixels"],
        chance=1 / len(CLASSES),
        calib=images["calib"],
        test=images["test"],
        calib_bytes=folder_bytes(out / "images" / "calib"),
        test_bytes=folder_bytes(out / "images" / "test"),
        **{name: settings[name] for name in ("patch", "dim", "depth", "heads")},
    )
    (out / "README.md").write_text(text)


def add_training_options(parser, epochs):
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--train-images", type=int, default=24000)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=5e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16", help="arithmetic of the training")


def prepare_torch(args):
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)


def training_sets(args):
    """Images and labels to train and to validate with."""
    return draw_split("train", args.train_images, args.seed), draw_split("val", 1200, args.seed)


def save_model(model, path):
    """The ONNX file and the preprocess sidecar beside it."""
    export_onnx(model, path)
    path.with_suffix(".preprocess.json").write_text(json.dumps(PREPROCESS, indent=2) + "\n")


def measure(model, path, test_set):
    """Size and accuracy of a model and its ONNX file."""
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "onnx_bytes": path.stat().st_size,
        "top1": {
            "fp32_pytorch": torch_accuracy(model, *test_set),
            "fp32_onnxruntime": onnx_accuracy(path, *test_set),
        },
    }


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder to write to")
    add_training_options(parser, epochs=20)
    parser.add_argument("--calib-images", type=int, default=64)
    parser.add_argument("--test-images", type=int, default=600)
    parser.add_argument("--patch", type=int, default=8)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--heads", type=int, default=2)
    return parser.parse_args()


def main():
    args = parse_args()
    prepare_torch(args)
    args.out.mkdir(parents=True, exist_ok=True)

    train_set, validation = training_sets(args)
    test_folder, onnx_path = args.out / "images" / "test", args.out / "demo_vit.onnx"
    write_calibration_images(args.out / "images" / "calib", draw_split("calib", args.calib_images, args.seed)[0])
    write_test_images(test_folder, *draw_split("test", args.test_images, args.seed))
    test_set = read_test_images(test_folder)
    linear = linear_baseline(train_set, test_set, args.seed)
    print(f"logistic regression on pixels: {linear:.2%}", flush=True)

    torch.manual_seed(args.seed)
    model = VisionTransformer(args.patch, args.dim, args.depth, args.heads, len(CLASSES))
    train(model, *train_set, validation, args)
    save_model(model, onnx_path)
    (args.out / "demo_vit.classes.txt").write_text("\n".join(CLASSES) + "\n")

    figures = measure(model, onnx_path, test_set)
    report = {
        "settings": {k: v for k, v in vars(args).items() if k != "out"},
        "parameters": figures["parameters"],
        "onnx_bytes": figures["onnx_bytes"],
        "images": {"train": args.train_images, "calib": args.calib_images, "test": len(test_set[0])},
        "top1": {**figures["top1"], "linear_on_pixels": linear},
    }
    write_report(args.out, report)
    print(json.dumps(report["top1"], indent=2))


if __name__ == "__main__":
    main()
