"""VGG16 up to averaged block5_pool in PyTorch: python torch_vgg16.py"""
import torch
from torch import nn

import peer
from vgg16_peer import MEAN, measure, names

mean = torch.from_numpy(MEAN)


def network(weights):
    layers = []
    for name in names():
        if name is None:
            layers.append(nn.MaxPool2d(2))
            continue
        kernel = torch.from_numpy(weights[name + "/kernel"]).permute(3, 2, 0, 1)
        convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
        with torch.no_grad():
            convolution.weight.copy_(kernel)
            convolution.bias.copy_(torch.from_numpy(weights[name + "/bias"]))
        layers += [convolution, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval().to(memory_format=torch.channels_last)


if __name__ == "__main__":
    sizes, weights, data = peer.load("vgg16")
    model = network(weights)
    pixels = data["pixels"].astype("uint8")

    @torch.inference_mode()
    def forward():
        x = torch.from_numpy(pixels).flip(-1).float() - mean
        return model(x.permute(0, 3, 1, 2)).numpy()

    measure("pytorch", forward, sizes, ["torch"])
