"""JPEG files to VGG16 features on disk in PyTorch, files read by a DataLoader's workers: python torch_images.py"""
import os
import pathlib
import time

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import peer
from torch_vgg16 import mean, network

FILES = sorted(pathlib.Path(peer.ROOT, "images").glob("*.jpg"))


class Pictures(Dataset):
    def __len__(self):
        return len(FILES)

    def __getitem__(self, n):
        with Image.open(FILES[n]) as picture:
            return torch.from_numpy(np.array(picture.convert("RGB").resize((224, 224), Image.Resampling.NEAREST)))


@torch.inference_mode()
def features(model):
    return torch.cat([model((x.flip(-1).float() - mean).permute(0, 3, 1, 2)) for x in DataLoader(Pictures(), 16, num_workers=os.cpu_count())])


if __name__ == "__main__":
    _, weights, _ = peer.load("images")
    model = network(weights)
    began = time.perf_counter()
    rows = features(model).numpy()
    np.save(f"{peer.ROOT}/images-torch.npy", rows)
    seconds = time.perf_counter() - began
    peer.report("images", "pytorch", seconds / len(FILES), "s/image", {"mean feature": rows.mean(dtype="float64")}, packages=["torch", "pillow"])
