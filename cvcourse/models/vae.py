"""Variational auto-encoder: pictures that nobody has drawn, out of a few random numbers.

The encoder says for each picture which latent numbers z it might stand for: a normal distribution with a
mean and a variance for each of them. The decoder makes a picture from z. The loss adds two parts:

    reconstruction   the picture that comes out should be the one that went in
    KL divergence    the distribution of each picture should be near one and the same standard normal one,

so that z drawn from a standard normal distribution, without any picture, decodes to something, too.

Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (ICLR 2014).

How this one differs: convolutions in place of one hidden layer; pixels have a normal distribution with a
fixed deviation `SIGMA` in place of a learned one, which makes the reconstruction a squared error; and the
training takes Adam.
"""

from typing import Any

import keras
import numpy as np
from keras import Input, Model, layers, ops

SIGMA = 0.25  # of a pixel, in [0, 1]: smaller is sharper, larger keeps z closer to normal


def encoder(input_shape: tuple, latent: int, widths: tuple) -> Model:
    """Return the model from images (N, H, W, C) to mean and log variance of z, each (N, latent)."""
    x = inputs = Input(input_shape)
    for i, filters in enumerate(widths, start=1):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=f"down{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", name="gather")(x)
    mean = layers.Dense(latent, name="mean")(x)
    log_variance = layers.Dense(latent, name="log_variance")(x)
    return Model(inputs, [mean, log_variance], name="encoder")


def decoder(output_shape: tuple, latent: int, widths: tuple) -> Model:
    """Return the model from z (N, latent) to images (N, H, W, C) in [0, 1]: the encoder backwards."""
    height, width, channels = output_shape
    small = height // 2 ** len(widths), width // 2 ** len(widths), widths[-1]
    inputs = Input((latent,))
    x = layers.Dense(128, activation="relu", name="unfold")(inputs)
    x = layers.Dense(int(np.prod(small)), activation="relu", name="spread")(x)
    x = layers.Reshape(small, name="reshape")(x)
    for i, filters in reversed(list(enumerate([channels, *widths[:-1]], start=1))):
        last = {"activation": "sigmoid"} if i == 1 else {"activation": "relu"}
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same", name=f"up{i}", **last)(x)
    return Model(inputs, x, name="decoder")


class VAE(keras.Model):
    """Encoder, reparameterisation, decoder. `fit(x, x)` trains it; its parts can be used alone.

    Attributes:
        encoder: Keras model, images to (mean, log variance) of z.
        decoder: Keras model, z (N, latent) to images: all that is needed to make new ones.
        latent: int, how many numbers make a picture.
    """

    def __init__(self, input_shape, latent, widths):
        super().__init__(name="vae")
        self.latent = latent
        self.encoder, self.decoder = (part(input_shape, latent, widths) for part in (encoder, decoder))
        self.random = keras.random.SeedGenerator(0)
        self.build((None, *input_shape))

    def build(self, input_shape: Any) -> None:
        self.built = True  # both parts are

    def call(self, images: Any, training: bool = False) -> Any:
        """Return the reconstructions; while training, those of z drawn at random around the mean."""
        mean, log_variance = self.encoder(images)
        # The divergence of N(mean, variance) from N(0, 1), appendix B of the paper.
        divergence = (ops.exp(log_variance) + mean**2 - 1 - log_variance) / 2
        self.add_loss(ops.mean(ops.sum(divergence, axis=-1)))
        if not training:
            return self.decoder(mean)
        # The reparameterisation: z = μ + σ ε. The chance is in ε, so that μ and σ have gradients.
        noise = keras.random.normal(ops.shape(mean), seed=self.random)
        return self.decoder(mean + ops.exp(log_variance / 2) * noise)

    def generate(self, n: int, seed: int = 0) -> np.ndarray:
        """Return `n` new images, float32 (n, H, W, C) in [0, 1], from z ~ N(0, 1)."""
        z = np.random.default_rng(seed).standard_normal((n, self.latent)).astype("float32")
        return ops.convert_to_numpy(self.decoder(z))


def vae(input_shape: tuple = (32, 32, 3), latent: int = 24, widths: tuple = (32, 64, 128)) -> VAE:
    """Return the auto-encoder, with random weights.

    Args:
        input_shape: (H, W, C); H and W multiples of 2 for each of the widths.
        latent: int, length of z. 2 can be drawn as a plane; more give better pictures.
        widths: filters of the encoder's convolutions; the decoder has them backwards.

    Returns:
        `VAE`, from images in [0, 1] to their reconstructions. Train it with `reconstruction_loss`.
    """
    return VAE(input_shape, latent, widths)


def plane_vae() -> VAE:
    """Return the auto-encoder whose z are two numbers, with random weights."""
    return vae(latent=2, widths=(16, 32, 64))


def reconstruction_loss(images: Any, reconstructions: Any) -> Any:
    """Return −log p(image | z) of each image, (N,), up to a constant; `VAE` adds the KL divergence."""
    return ops.sum((images - reconstructions) ** 2, axis=(1, 2, 3)) / (2 * SIGMA**2)
