"""Generative adversarial network: one network forges pictures, another learns to detect the forgeries.

The generator makes a picture from random numbers z. The discriminator looks at a picture and says one number,
a logit: positive for "this is real". The discriminator learns to tell real from made; the generator learns,
through the discriminator's gradient, to be taken for real. No picture is the target of any other: the
discriminator *is* the loss, and it changes all the time.

Source: Goodfellow et al., "Generative Adversarial Nets" (NIPS 2014), section 3, with the generator's loss
−ln D(G(z)); the layers as in Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks" (ICLR 2016), called DCGAN.

How this one differs: 32 × 32 pixels in place of 64 × 64, and about a tenth of DCGAN's filters; pixels in
[0, 1] with a sigmoid in place of [−1, 1] with tanh; learning rates that suit short trainings, the generator's
higher; both networks take their step at the same time, from the same made pictures, which spares a third of
the work; one-sided label smoothing (Salimans et al., "Improved Techniques for Training GANs", 2016,
section 3.4).
"""

import keras
import numpy as np
from keras import Input, Model, layers, ops

from cvcourse import backend

RATES = 1e-3, 5e-4  # learning rates of generator and discriminator
SMOOTH = 0.9  # what the discriminator is told about real pictures, in place of 1


def generator(output_shape, latent, widths):
    """Return the model from z (N, latent) to images (N, H, W, C) in [0, 1]: the discriminator backwards."""
    height, width, channels = output_shape
    small = height // 2 ** len(widths), width // 2 ** len(widths), widths[-1]
    inputs = Input((latent,))
    x = layers.Dense(int(np.prod(small)), use_bias=False, name="spread")(inputs)
    x = layers.Reshape(small, name="reshape")(x)
    for i, filters in reversed(list(enumerate([channels, *widths[:-1]], start=1))):
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
        last = {"activation": "sigmoid"} if i == 1 else {"use_bias": False}
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same", name=f"up{i}", **last)(x)
    return Model(inputs, x, name="generator")


def discriminator(input_shape, widths):
    """Return the model from images (N, H, W, C) to one logit each, (N, 1): positive means "real"."""
    inputs = Input(input_shape)
    x = layers.Rescaling(4.0, offset=-2.0, name="rescale")(inputs)
    for i, filters in enumerate(widths, start=1):
        x = layers.Conv2D(filters, 4, strides=2, padding="same", name=f"down{i}")(x)
        if i > 1:  # not at the pixels, as in DCGAN
            x = layers.BatchNormalization(momentum=0.9, name=f"norm_down{i}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    return Model(inputs, layers.Dense(1, name="real")(x), name="discriminator")


def discriminator_loss(real, made, smooth=SMOOTH):
    """Return the discriminator's loss, one number: cross-entropy of real pictures → 1 and made ones → 0.

    Args:
        real, made: logits of real and of made pictures, float tensors (N, 1).
        smooth: float in (0, 1], the target of real pictures.
    """
    real, made = ops.convert_to_tensor(real), ops.convert_to_tensor(made)
    # With logits t: −ln D = softplus(−t) and −ln(1 − D) = softplus(t), which cannot overflow.
    of_real = smooth * ops.softplus(-real) + (1 - smooth) * ops.softplus(real)
    return ops.mean(of_real) + ops.mean(ops.softplus(made))


def generator_loss(made):
    """Return the generator's loss, one number: −ln D of the made pictures, from their logits (N, 1)."""
    return ops.mean(ops.softplus(-ops.convert_to_tensor(made)))


class GAN(keras.Model):
    """Generator and discriminator. `fit(x, x)` trains both; the second x is not used.

    Attributes:
        generator: Keras model, z (N, latent) to images: all that is needed to make new ones.
        discriminator: Keras model, images to a logit.
        latent: int, how many random numbers make a picture.
    """

    def __init__(self, input_shape, latent, widths):
        super().__init__(name="gan")
        self.latent = latent
        self.generator = generator(input_shape, latent, widths)
        self.discriminator = discriminator(input_shape, widths)
        self.random = keras.random.SeedGenerator(0)
        self.build((None, *input_shape))

    def build(self, input_shape):
        self.built = True  # both parts are

    def compile(self, rates=RATES, smooth=SMOOTH):
        """Choose the learning rates (generator, discriminator), floats or schedules; both have Adam."""
        super().compile(jit_compile=False)
        self.smooth = smooth
        self.optimizers = [keras.optimizers.Adam(rate, beta_1=0.5) for rate in rates]
        for optimizer, part in zip(self.optimizers, (self.generator, self.discriminator), strict=True):
            optimizer.build(part.trainable_variables)

    def train_step(self, data):
        """Take one step with both networks; return their losses, and how D judges real and made pictures."""
        images = data[0]
        z = keras.random.normal((ops.shape(images)[0], self.latent), seed=self.random)

        def losses():
            made = self.discriminator(self.generator(z, training=True), training=True)
            real = self.discriminator(images, training=True)
            return (generator_loss(made), discriminator_loss(real, made, self.smooth)), (real, made)

        parts = [part.trainable_variables for part in (self.generator, self.discriminator)]
        slopes, (g_loss, d_loss), (real, made) = backend.gradients(losses, parts)
        for optimizer, slope, variables in zip(self.optimizers, slopes, parts, strict=True):
            optimizer.apply(slope, variables)
        right = {"real": ops.mean(ops.sigmoid(real)), "made": ops.mean(ops.sigmoid(made))}
        return {"g_loss": g_loss, "d_loss": d_loss, **right}

    def call(self, z):
        """Return the images that the generator makes from z."""
        return self.generator(z, training=False)

    def generate(self, n, seed=0):
        """Return `n` new images, float32 (n, H, W, C) in [0, 1], from z ~ N(0, 1)."""
        z = np.random.default_rng(seed).standard_normal((n, self.latent)).astype("float32")
        return np.asarray(self(z))


def gan(input_shape=(32, 32, 3), latent=32, widths=(24, 48, 96)):
    """Return both networks, with random weights.

    Args:
        input_shape: (H, W, C); H and W multiples of 2 for each of the widths.
        latent: int, length of z.
        widths: filters of the discriminator's convolutions; the generator has them backwards.

    Returns:
        `GAN`, to be trained on images in [0, 1].
    """
    return GAN(input_shape, latent, widths)
