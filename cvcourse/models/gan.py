"""Generative adversarial network: one network forges pictures, another learns to detect the forgeries.

The generator makes a picture from random numbers z. The discriminator looks at a picture and says one number,
a logit: positive for "this is real". The discriminator learns to tell real from made; the generator learns,
through the discriminator's gradient, to be taken for real. No picture is the target of any other: the
discriminator *is* the loss, and it changes all the time.

Source: Goodfellow et al., "Generative Adversarial Nets" (NIPS 2014), section 3, with the generator's loss
−ln D(G(z)); the layers as in Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks" (ICLR 2016), called DCGAN.

How `gan` differs: 32 × 32 pixels in place of 64 × 64, and about a tenth of DCGAN's filters; pixels in
[0, 1] with a sigmoid in place of [−1, 1] with tanh; learning rates that suit short trainings, the generator's
higher; both networks take their step at the same time, from the same made pictures, which spares a third of
the work; one-sided label smoothing (Salimans et al., "Improved Techniques for Training GANs", 2016,
section 3.4).

`steady_gan` and `STEADY` are what later papers found, for long trainings that neither collapse nor stop
learning. The losses compare a real with a made picture (Jolicoeur-Martineau, "The relativistic
discriminator", 2018; Huang et al., "The GAN is dead; long live the GAN!", 2025, equation 1). D may not be
steep, at real pictures and at made ones (R₁ and R₂ in the same paper; here as the change under a little
noise, Lin et al., "Diffusion adversarial post-training", 2025, which needs no second derivative). D sees
real and made pictures mirrored, moved and tinted at random, and so cannot learn the real ones by heart
(Zhao et al., "Differentiable augmentation", 2020).
"""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import Input, Model, layers, ops

from cvcourse import backend

RATES = 1e-3, 5e-4  # learning rates of generator and discriminator
SMOOTH = 0.9  # what the discriminator is told about real pictures, in place of 1
# How `steady_gan` is compiled, and with which learning rates.
STEADY = {"relativistic": True, "penalty": 0.003, "augment": True, "betas": (0.0, 0.99)}
STEADY_RATES = 1e-3, 1e-3
SHIFT, NOISE = 4, 0.01  # augmentation: at most so many pixels; the step by which D's steepness is measured


def generator(output_shape: tuple, latent: int, widths: tuple, last: int = 0) -> Model:
    """Return the model from z (N, latent) to images (N, H, W, C) in [0, 1]: the discriminator backwards.

    With `last` > 0 it has so many maps of full size, and a 3×3 convolution makes the picture of them.
    """
    height, width, channels = output_shape
    small = height // 2 ** len(widths), width // 2 ** len(widths), widths[-1]
    inputs = Input((latent,))
    x = layers.Dense(int(np.prod(small)), use_bias=False, name="spread")(inputs)
    x = layers.Reshape(small, name="reshape")(x)
    for i, filters in reversed(list(enumerate([last or channels, *widths[:-1]], start=1))):
        x = _norm_relu(x, i)
        more = {"use_bias": False} if last or i > 1 else {"activation": "sigmoid"}
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same", name=f"up{i}", **more)(x)
    if last:
        x = layers.Conv2D(channels, 3, padding="same", activation="sigmoid", name="picture")(_norm_relu(x, 0))
    return Model(inputs, x, name="generator")


def _norm_relu(x, i):
    x = layers.BatchNormalization(momentum=0.9, name=f"norm{i}")(x)
    return layers.ReLU(name=f"relu{i}")(x)


def discriminator(input_shape: tuple, widths: tuple, normalize: bool = True) -> Model:
    """Return the model from images (N, H, W, C) to one logit each, (N, 1): positive means "real"."""
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    for i, filters in enumerate(widths, start=1):
        x = layers.Conv2D(filters, 4, strides=2, padding="same", name=f"down{i}")(x)
        if normalize and i > 1:  # not at the pixels, as in DCGAN
            x = layers.BatchNormalization(momentum=0.9, name=f"norm_down{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    return Model(inputs, layers.Dense(1, name="real")(x), name="discriminator")


def discriminator_loss(real: Any, made: Any, smooth: float = SMOOTH) -> Any:
    """Return the discriminator's loss, one number: cross-entropy of real pictures → 1 and made ones → 0.

    Args:
        real, made: logits of real and of made pictures, float tensors (N, 1).
        smooth: float in (0, 1], the target of real pictures.
    """
    real, made = ops.convert_to_tensor(real), ops.convert_to_tensor(made)
    # With logits t: −ln D = softplus(−t) and −ln(1 − D) = softplus(t), which cannot overflow.
    of_real = smooth * ops.softplus(-real) + (1 - smooth) * ops.softplus(real)
    return ops.mean(of_real) + ops.mean(ops.softplus(made))


def generator_loss(made: Any) -> Any:
    """Return the generator's loss, one number: −ln D of the made pictures, from their logits (N, 1)."""
    return ops.mean(ops.softplus(-ops.convert_to_tensor(made)))


def relativistic_loss(winner: Any, loser: Any) -> Any:
    """Return how far pictures are from being taken for more real than others, one number, in nats.

    Args:
        winner, loser: logits (N, 1), in pairs. D wants the real picture to win, G the made one: both
            have this loss, with the roles exchanged. ln 2 where D cannot tell.

    Example:
        >>> float(relativistic_loss([[2.0]], [[2.0]]))  # doctest: +ELLIPSIS
        0.693...
    """
    return ops.mean(ops.softplus(ops.convert_to_tensor(loser) - ops.convert_to_tensor(winner)))


def augmented(images: Any, seed: Any) -> Any:
    """Return images (N, H, W, C), each mirrored or not, moved by up to `SHIFT` pixels, and tinted.

    What moves in from outside is mirrored. Gradients pass. `seed` is a `keras.random.SeedGenerator`.
    """
    n, height, width, _ = images.shape
    n = ops.shape(images)[0] if n is None else n

    def draw(low, high):
        return keras.random.uniform((n, 1, 1, 1), low, high, seed=seed)

    images = ops.where(draw(0, 1) < 0.5, ops.flip(images, axis=2), images)
    padded = ops.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="reflect")
    for size, product in ((height, "npq,nqwc->npwc"), (width, "npq,nhqc->nhpc")):
        first = keras.random.randint((n, 1), 0, 2 * SHIFT + 1, seed=seed)
        # A matrix product with rows that have a single 1 picks pixels on every backend.
        pick = ops.one_hot(first + ops.arange(size), size + 2 * SHIFT)
        padded = ops.einsum(product, pick, padded)
    images = padded + draw(-0.25, 0.25)
    for axes, low, high in (((3,), 0.5, 1.5), ((1, 2, 3), 0.75, 1.25)):  # saturation, contrast
        mean = ops.mean(images, axis=axes, keepdims=True)
        images = (images - mean) * draw(low, high) + mean
    return images


class GAN(keras.Model):
    """Generator and discriminator. `fit(x, x)` trains both; the second x is not used.

    Attributes:
        generator: Keras model, z (N, latent) to images: all that is needed to make new ones.
        discriminator: Keras model, images to a logit.
        latent: int, how many random numbers make a picture.
    """

    def __init__(self, generator, discriminator):
        super().__init__(name="gan")
        self.generator, self.discriminator = generator, discriminator
        self.latent = generator.input_shape[-1]
        self.random = keras.random.SeedGenerator(0)
        self.build(discriminator.input_shape)

    def build(self, input_shape: Any) -> None:
        self.built = True  # both parts are

    def compile(
        self,
        rates: tuple = RATES,
        smooth: float = SMOOTH,
        relativistic: bool = False,
        penalty: float = 0.0,
        augment: bool = False,
        betas: tuple = (0.5, 0.999),
    ) -> None:
        """Choose how both are trained; the defaults are DCGAN's ways.

        Args:
            rates: learning rates (generator, discriminator), floats or schedules; both have Adam.
            smooth: as in `discriminator_loss`.
            relativistic: bool, `relativistic_loss` for both, in place of the two losses above.
            penalty: float ≥ 0, weight of D's squared slope, at real and at made pictures.
            augment: bool, D sees all pictures `augmented`.
            betas: Adam's beta_1 and beta_2.
        """
        super().compile(jit_compile=backend.JIT)
        self.smooth, self.relativistic, self.penalty, self.augment = smooth, relativistic, penalty, augment
        self.optimizers = [keras.optimizers.Adam(rate, *betas) for rate in rates]
        for optimizer, part in zip(self.optimizers, (self.generator, self.discriminator), strict=True):
            optimizer.build(part.trainable_variables)
        if backend.JIT:  # `fit` carries the numbers of one optimizer: those of both
            numbers = [variable for one in self.optimizers for variable in one.variables]
            self.optimizer = SimpleNamespace(variables=numbers, built=True)

    @backend.own_step
    def train_step(self, data: Any) -> dict[str, Any]:
        """Take one step with both networks; return their losses, and how D judges real and made pictures."""
        images = data[0]
        z = keras.random.normal((ops.shape(images)[0], self.latent), seed=self.random)

        def losses():
            shown = images, self.generator(z, training=True)
            if self.augment:
                shown = [augmented(one, self.random) for one in shown]
            real, made = (self.discriminator(one, training=True) for one in shown)
            if self.relativistic:
                both = relativistic_loss(made, real), relativistic_loss(real, made)
            else:
                both = generator_loss(made), discriminator_loss(real, made, self.smooth)
            steep = self._steepness(shown, (real, made)) if self.penalty else 0.0
            return (both[0], both[1] + self.penalty / 2 * steep), (real, made)

        parts = [part.trainable_variables for part in (self.generator, self.discriminator)]
        slopes, (g_loss, d_loss), (real, made) = backend.gradients(losses, parts)
        for optimizer, slope, variables in zip(self.optimizers, slopes, parts, strict=True):
            optimizer.apply(slope, variables)
        right = {"real": ops.mean(ops.sigmoid(real)), "made": ops.mean(ops.sigmoid(made))}
        return {"g_loss": g_loss, "d_loss": d_loss, **right}

    def _steepness(self, shown, logits):
        """D's squared slope at real plus at made pictures; a quarter of each will do."""
        n = -(-ops.shape(shown[0])[0] // 4)
        some = ops.concatenate([one[:n] for one in shown])
        before = ops.concatenate([one[:n] for one in logits])
        noise = keras.random.normal(ops.shape(some), seed=self.random)
        change = self.discriminator(some + NOISE * noise, training=True) - before
        return 2 * ops.mean(ops.square(change / NOISE))

    def call(self, z: Any) -> Any:
        """Return the images that the generator makes from z."""
        return self.generator(z, training=False)

    def generate(self, n: int, seed: int = 0) -> np.ndarray:
        """Return `n` new images, float32 (n, H, W, C) in [0, 1], from z ~ N(0, 1)."""
        return ops.convert_to_numpy(self(self.noise(n, seed)))

    def noise(self, n: int, seed: int = 0) -> np.ndarray:
        """Return `n` z, float32 (n, latent), from N(0, 1)."""
        return np.random.default_rng(seed).standard_normal((n, self.latent)).astype("float32")


def gan(input_shape: tuple = (32, 32, 3), latent: int = 32, widths: tuple = (24, 48, 96)) -> GAN:
    """Return both networks, with random weights, in DCGAN's way.

    Args:
        input_shape: (H, W, C); H and W multiples of 2 for each of the widths.
        latent: int, length of z.
        widths: filters of the discriminator's convolutions; the generator has them backwards.

    Returns:
        `GAN`, to be trained on images in [0, 1].
    """
    return GAN(generator(input_shape, latent, widths), discriminator(input_shape, widths))


def steady_gan(
    input_shape: tuple = (32, 32, 3), latent: int = 32, widths: tuple = (32, 64, 128), last: int = 16
) -> GAN:
    """As `gan`, for long trainings: D has no batch norm, and G ends with `last` maps of full size."""
    parts = generator(input_shape, latent, widths, last), discriminator(input_shape, widths, normalize=False)
    return GAN(*parts)
