"""The long experiments: each module's `main()` makes one recorded run or weight file of the package again.

`python -m experiments NAME` calls them, and so does `cvcourse experiments NAME`. They are for maintainers,
and no part of the package that is installed. The data must be at hand: see `cvcourse.datasets.load`.
"""

NAMES = {
    "backbone": "train the course network on CIFAR-100 (about 50 minutes on two cores)",
    "cifar10": "90 % on CIFAR-10 beside TensorFlow's tutorial, three seeds (about 25 minutes)",
    "transfer": "four ways to reuse the course network on CIFAR-10, three seeds (about 30 minutes)",
    "imagenet_transfer": "the same with EfficientNet-Lite0 from ImageNet (15 minutes on a graphics card)",
    "degradation": "plain and residual networks of 20 and 56 layers, three seeds (40 minutes on one core)",
    "tasks": "the small networks of the tasks, among them YOLO, U-Net, Mask R-CNN (about 70 minutes)",
    "segmentation": "U-Net with and without skips, and on microscope images (25 minutes on one core)",
    "generation": "a GAN, short runs of it, a VAE with two latent numbers (about 40 minutes on one core)",
    "optimizers": "four optimisers, their learning rates and settings (about 15 minutes on one core)",
    "capacity": "network size, data size and three remedies (about 20 minutes on one core)",
    "league": "count all networks of keras.applications (half a minute)",
    "classification": "nine classifiers from 1958 to 2017 on CIFAR-10, three seeds (25 minutes on one core)",
    "batch_norm": "a small network with and without batch norm, three seeds (about 15 minutes on one core)",
}
