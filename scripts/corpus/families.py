"""Small random-weight vision transformers from timm, torchvision and transformers.

FAMILIES maps a name to a function that builds the model in eval mode; IMAGE_SIZE holds the models that do not take
32 x 32 pixels. Widths and depths are cut down so that every file stays small and every run quick.
"""

import dataclasses

import timm
import torch
import torchvision
import transformers
from timm.models.mlp_mixer import Affine, MlpMixer, ResBlock, SpatialGatingBlock

VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 10}
SWIN = {"img_size": 32, "patch_size": 2, "embed_dim": 16, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4, "num_classes": 10}
HF = {"image_size": 32, "patch_size": 8, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
      "num_attention_heads": 2, "num_labels": 10, "attn_implementation": "eager"}
IMAGE_SIZE = {"pvt_v2": 64, "convnext": 64, "edgenext": 64, "coatnet": 64, "hybrid_resnet": 64, "xcit": 64, "twins": 64, "davit": 64,
              "hf_pvt_v2": 64, "hf_segformer": 64, "hf_convnextv2": 64, "poolformer": 64,
              "tv_maxvit": 64, "hiera": 64, "focalnet": 64}


def from_timm(name, **options):
    return lambda: timm.create_model(name, **options)


def vit(name, **options):
    return from_timm(name, **{**VIT, **options})


def mlp_mixer(**options):
    """The MLP models and what follow take their sizes only through the class."""
    return lambda: MlpMixer(img_size=32, patch_size=8, embed_dim=32, num_blocks=2, num_classes=10, **options)


def coatnet():
    config = dataclasses.replace(timm.models.maxxvit.model_cfgs["coatnet_nano_rw"], embed_dim=(32, 32, 64, 64),
                                 depths=(1, 1, 1, 1), stem_width=8)
    return timm.models.maxxvit.MaxxVit(config, img_size=64, num_classes=10)


def poolformer():
    modules = timm.models.metaformer
    return modules.MetaFormer(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32), downsample_norm=None, mlp_act=torch.nn.GELU, mlp_bias=True,
                              norm_layers=timm.layers.GroupNorm1, use_mlp_head=False, num_classes=10)


def from_transformers(model, config, **options):
    return lambda: getattr(transformers, model)(getattr(transformers, config)(**options))


def torchvision_vit():
    return torchvision.models.VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=64,
                                                num_classes=10)


def torchvision_swin(block=None, downsample=None):
    options = {"block": block, "downsample_layer": downsample} if block else {}
    return torchvision.models.SwinTransformer(patch_size=[2, 2], embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4],
                                              num_classes=10, **options)


def torchvision_swin_v2():
    modules = torchvision.models.swin_transformer
    return torchvision_swin(modules.SwinTransformerBlockV2, modules.PatchMergingV2)


def torchvision_maxvit():
    return torchvision.models.MaxVit(input_size=(64, 64), stem_channels=8, partition_size=4, block_channels=[8, 16], block_layers=[1, 1],
                                     head_dim=8, stochastic_depth_prob=0.0, num_classes=10)


def two_heads():
    model = timm.create_model("deit_tiny_distilled_patch16_224", **VIT)
    model.set_distilled_training(True)
    return TwoHeads(model)


class TwoHeads(torch.nn.Module):
    """A distilled DeiT that returns the logits of both heads, as its training mode does."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        model = self.model
        tokens = model.forward_features(images)
        return model.head(tokens[:, 0]), model.head_dist(tokens[:, 1])


class ChannelsLast(torch.nn.Module):
    """A model that takes [N, H, W, 3]."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model(images.permute(0, 3, 1, 2))


def channels_last():
    return ChannelsLast(timm.create_model("vit_tiny_patch16_224", **VIT))


FAMILIES = {
    "vit": vit("vit_tiny_patch16_224"),
    "vit_nhwc": channels_last,
    "vit_qk_norm": vit("vit_tiny_patch16_224", qk_norm=True, global_pool="avg", class_token=False),
    "deit_distilled": vit("deit_tiny_distilled_patch16_224"),
    "deit_two_heads": two_heads,
    "deit3": vit("deit3_small_patch16_224"),
    "swin": from_timm("swin_tiny_patch4_window7_224", **SWIN),
    "swin_v2": from_timm("swinv2_tiny_window8_256", **SWIN),
    "beit": vit("beit_base_patch16_224"),
    "cait": vit("cait_xxs24_224", depth=2),
    "pvt_v2": from_timm("pvt_v2_b0", depths=(1, 1, 1, 1), embed_dims=(8, 16, 24, 32), num_heads=(1, 2, 3, 4), num_classes=10),
    "convnext": from_timm("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 16, 24, 32), num_classes=10),
    "edgenext": from_timm("edgenext_xx_small", depths=(1, 1, 2, 1), dims=(8, 16, 24, 32), num_classes=10),
    "coatnet": coatnet,
    "hybrid_resnet": from_timm("vit_tiny_r_s16_p8_224", img_size=64, embed_dim=32, depth=2, num_heads=2, num_classes=10),
    "dinov2": vit("vit_small_patch14_dinov2", num_classes=10),
    "dinov2_swiglu": vit("vit_giant_patch14_reg4_dinov2"),
    "eva02": vit("eva02_tiny_patch14_224"),
    "mixer": mlp_mixer(),
    "resmlp": mlp_mixer(block_layer=ResBlock, norm_layer=Affine, mlp_ratio=4),
    "gmlp": mlp_mixer(block_layer=SpatialGatingBlock, mlp_layer=timm.layers.GatedMlp, mlp_ratio=6),
    "clip_timm": vit("vit_base_patch16_clip_224"),
    "siglip_timm": vit("vit_base_patch16_siglip_224"),
    "xcit": from_timm("xcit_nano_12_p16_224", img_size=64, embed_dim=32, depth=2, num_heads=2, num_classes=10),
    "twins": from_timm("twins_svt_small", img_size=64, embed_dims=(8, 16, 24, 32), depths=(1, 1, 1, 1), num_heads=(1, 2, 3, 4),
                       wss=(4, 4, 2, 2), num_classes=10),
    "davit": from_timm("davit_tiny", depths=(1, 1), embed_dims=(16, 32), num_heads=(2, 2), window_size=4, num_classes=10),
    "poolformer": poolformer,
    "hiera": from_timm("hiera_tiny_224", img_size=64, embed_dim=16, stages=(1, 1, 1, 1), num_classes=10),
    "focalnet": lambda: timm.models.focalnet.FocalNet(embed_dim=16, depths=(1, 1), num_classes=10),
    "tv_vit": torchvision_vit,
    "tv_swin": torchvision_swin,
    "tv_swin_v2": torchvision_swin_v2,
    "tv_maxvit": torchvision_maxvit,
    "hf_vit": from_transformers("ViTForImageClassification", "ViTConfig", **HF),
    "hf_deit": from_transformers("DeiTForImageClassificationWithTeacher", "DeiTConfig", **HF),
    "hf_beit": from_transformers("BeitForImageClassification", "BeitConfig", use_relative_position_bias=True, **HF),
    "hf_dinov2": from_transformers("Dinov2ForImageClassification", "Dinov2Config", **HF),
    "hf_swin": from_transformers("SwinForImageClassification", "SwinConfig", image_size=32, patch_size=2, embed_dim=16, depths=[2, 2],
                                 num_heads=[2, 4], window_size=4, num_labels=10),
    "hf_clip": from_transformers("CLIPVisionModelWithProjection", "CLIPVisionConfig", projection_dim=16, **HF),
    "hf_siglip": from_transformers("SiglipVisionModel", "SiglipVisionConfig", **HF),
    "hf_pvt_v2": from_transformers("PvtV2ForImageClassification", "PvtV2Config", depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32],
                                   num_attention_heads=[1, 2, 3, 4], num_labels=10, attn_implementation="eager"),
    "hf_segformer": from_transformers("SegformerForImageClassification", "SegformerConfig", depths=[1, 1, 1, 1],
                                      hidden_sizes=[8, 16, 24, 32], num_attention_heads=[1, 2, 3, 4], num_labels=10),
    "hf_convnextv2": from_transformers("ConvNextV2ForImageClassification", "ConvNextV2Config", depths=[1, 1, 1, 1],
                                       hidden_sizes=[8, 16, 24, 32], num_labels=10),
}


def build(name, seed):
    """The model in eval mode, with weights large enough that every layer counts in the output."""
    torch.manual_seed(seed)
    model = FAMILIES[name]().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1 and parameter.numel() > 1:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.add_(0.1 * noise)
    for module in model.modules():
        if hasattr(module, "fused_attn"):
            module.fused_attn = False
    return model
