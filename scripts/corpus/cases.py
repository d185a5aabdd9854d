"""The corpus: which family is exported how. `small` marks the models whose skeletons the test suite runs."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    family: str
    exporter: str                # torchscript, dynamo, or a producer of handmade.py
    opset: int
    dynamic: object = True       # False: fixed batch; True: open batch; "size": open height and width
    half: bool = False           # float16 weights and activations
    small: bool = False


def torchscript(family, opset, **options):
    return Case(f"{family}_ts{opset}" + suffix(options), family, "torchscript", opset, **options)


def dynamo(family, opset, **options):
    return Case(f"{family}_dynamo{opset}" + suffix(options), family, "dynamo", opset, **options)


def suffix(options):
    return ("" if options.get("dynamic", True) is True else "_size" if options["dynamic"] else "_static") + (
        "_half" if options.get("half") else "")


CASES = [
    torchscript("vit", 11), torchscript("vit", 20, dynamic=False), torchscript("vit", 17, half=True, small=True),
    dynamo("vit", 18, small=True), dynamo("vit", 23, small=True), dynamo("vit", 21, half=True),
    torchscript("vit_nhwc", 17, small=True), dynamo("vit_qk_norm", 20),
    torchscript("deit_distilled", 12), dynamo("deit_two_heads", 18, small=True),
    torchscript("deit3", 14), dynamo("deit3", 18, dynamic=False),
    torchscript("swin", 17, small=True), torchscript("swin", 13, dynamic=False), dynamo("swin", 18, small=True), dynamo("swin", 20, half=True),
    torchscript("swin_v2", 17), dynamo("swin_v2", 19, small=True),
    torchscript("beit", 16), dynamo("beit", 18),
    torchscript("cait", 17, small=True), dynamo("cait", 18),
    torchscript("pvt_v2", 17), dynamo("pvt_v2", 18, small=True),
    dynamo("convnext", 18, small=True), torchscript("edgenext", 17), dynamo("coatnet", 18), torchscript("hybrid_resnet", 17),
    torchscript("dinov2", 17), dynamo("dinov2_swiglu", 18, small=True),
    torchscript("eva02", 17), dynamo("eva02", 18, small=True),
    torchscript("mixer", 17), dynamo("mixer", 18), dynamo("resmlp", 18), torchscript("gmlp", 15, small=True),
    torchscript("clip_timm", 17), dynamo("siglip_timm", 20, small=True),
    torchscript("xcit", 17), dynamo("xcit", 18), dynamo("twins", 18, small=True), torchscript("davit", 17), dynamo("poolformer", 18),
    torchscript("hiera", 17), dynamo("focalnet", 18),
    torchscript("tv_vit", 14), torchscript("tv_vit", 17), dynamo("tv_vit", 18, small=True),
    torchscript("tv_swin", 17), dynamo("tv_swin", 18), dynamo("tv_swin_v2", 20), torchscript("tv_maxvit", 17),
    torchscript("hf_vit", 14), dynamo("hf_vit", 18, small=True), torchscript("hf_deit", 17), dynamo("hf_beit", 18, small=True),
    torchscript("hf_dinov2", 17, dynamic="size"), dynamo("hf_dinov2", 18, small=True), torchscript("hf_swin", 17, small=True),
    torchscript("hf_clip", 17), dynamo("hf_clip", 18, small=True), torchscript("hf_siglip", 17),
    dynamo("hf_siglip", 20, small=True), torchscript("hf_pvt_v2", 17), dynamo("hf_segformer", 18), dynamo("hf_convnextv2", 18),
]
