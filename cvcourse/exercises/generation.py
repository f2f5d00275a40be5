"""Exercises of lesson 12: the parts of a VAE and of a GAN, and how to judge what they make."""

import numpy as np

from cvcourse.exercises.checking import Exercise

rng = np.random.default_rng(12)
_MEAN, _LOG_VARIANCE, _NOISE = rng.normal(size=(3, 3, 2)).round(2)
_PICTURES = rng.random((6, 4, 4)).round(2)

check_reparameterize = Exercise(
    solution=lambda mean, log_variance, noise: mean + np.exp(log_variance / 2) * noise,
    cases=[
        (np.array([1.0, -2.0]), np.log([4.0, 0.25]), np.array([0.5, -1.0])),
        (_MEAN, _LOG_VARIANCE, _NOISE),
    ],
    mistakes={
        "take the variance for the deviation": lambda mean, log_variance, noise: mean
        + np.exp(log_variance) * noise,
        "take the log variance for the deviation": lambda mean, log_variance, noise: mean
        + log_variance * noise,
        "forget the mean": lambda mean, log_variance, noise: np.exp(log_variance / 2) * noise,
        "add the noise as it is": lambda mean, log_variance, noise: mean + noise,
        "multiply by the noise in place of adding it": lambda mean, log_variance, noise: mean
        * np.exp(log_variance / 2)
        * noise,
    },
    verified="z = μ + σ ε, with σ = exp(log variance / 2), for a vector and for a batch",
)


def _divergence(mean, log_variance):
    return (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1) / 2


check_divergence = Exercise(
    solution=_divergence,
    cases=[
        (np.zeros((1, 2)), np.zeros((1, 2))),
        (np.array([[2.0, 0.0]]), np.zeros((1, 2))),
        (_MEAN, _LOG_VARIANCE),
    ],
    mistakes={
        "forget the factor ½": lambda mean, log_variance: 2 * _divergence(mean, log_variance),
        "forget to subtract 1": lambda mean, log_variance: _divergence(mean, log_variance)
        + mean.shape[1] / 2,
        "forget to square the mean": lambda mean, log_variance: (
            np.exp(log_variance) + mean - 1 - log_variance
        ).sum(axis=1)
        / 2,
        "add the log variance in place of subtracting it": lambda mean, log_variance: _divergence(
            mean, log_variance
        )
        + log_variance.sum(axis=1),
        "average over the latent numbers in place of adding them": lambda mean, log_variance: _divergence(
            mean, log_variance
        )
        / mean.shape[1],
        "add up all pictures of the batch": lambda mean, log_variance: _divergence(
            mean, log_variance
        ).sum(),
    },
    verified="0 where the distribution is the standard one, 2 for a mean of 2, and a number for each picture",
)


def _losses(real, made):
    return -np.mean(np.log(real)) - np.mean(np.log(1 - made)), -np.mean(np.log(made))


check_gan_losses = Exercise(
    solution=_losses,
    cases=[
        (np.array([0.8]), np.array([0.3])),
        (np.array([0.5, 0.5]), np.array([0.5, 0.5])),
        (np.array([0.9, 0.6, 0.7]), np.array([0.2, 0.1, 0.4])),
    ],
    mistakes={
        "let the generator minimise ln(1 − D), whose slope is flat where it matters": lambda real, made: (
            _losses(real, made)[0],
            np.mean(np.log(1 - made)),
        ),
        "give the generator the discriminator's loss with the other sign": lambda real, made: (
            _losses(real, made)[0],
            -_losses(real, made)[0],
        ),
        "forget the made pictures in the discriminator's loss": lambda real, made: (
            -np.mean(np.log(real)),
            _losses(real, made)[1],
        ),
        "swap real and made in the discriminator's loss": lambda real, made: (
            _losses(made, real)[0],
            _losses(real, made)[1],
        ),
        "return the generator's loss first": lambda real, made: _losses(real, made)[::-1],
        "add up the pictures in place of averaging": lambda real, made: (
            -np.sum(np.log(real)) - np.sum(np.log(1 - made)),
            -np.sum(np.log(made)),
        ),
    },
    verified="both losses, by hand 0.580 and 1.204 for D(x) = 0.8 and D(G(z)) = 0.3",
)


def _frechet(a, b):
    return (np.mean(a) - np.mean(b)) ** 2 + (np.std(a) - np.std(b)) ** 2


check_frechet = Exercise(
    solution=_frechet,
    cases=[
        (np.array([-1.0, 1.0]), np.array([1.0, 3.0])),
        (np.array([-1.0, 1.0]), np.array([-3.0, 3.0])),
        (_MEAN[:, 0], np.array([0.3, 4.0, 1.0, 2.5])),
    ],
    mistakes={
        "compare the means alone": lambda a, b: (np.mean(a) - np.mean(b)) ** 2,
        "compare the deviations alone": lambda a, b: (np.std(a) - np.std(b)) ** 2,
        "take variances for deviations": lambda a, b: (np.mean(a) - np.mean(b)) ** 2
        + (np.var(a) - np.var(b)) ** 2,
        "forget to square": lambda a, b: np.mean(a) - np.mean(b) + np.std(a) - np.std(b),
        "take the root at the end": lambda a, b: np.sqrt(_frechet(a, b)),
        "add the variances in place of comparing the deviations": lambda a, b: (
            np.mean(a) - np.mean(b)
        )
        ** 2
        + np.var(a)
        + np.var(b),
    },
    verified="a shift by 2 gives 4, a spread three times as wide gives 4, and both together add up",
)


def _psnr(image, other):
    return -10 * np.log10(np.mean((image - other) ** 2))


check_psnr = Exercise(
    solution=_psnr,
    cases=[
        (np.zeros((2, 2)), np.full((2, 2), 0.1)),
        (np.ones((2, 2)), np.array([[1.0, 0.5], [1.0, 1.0]])),
        (_PICTURES[0], _PICTURES[1]),
    ],
    mistakes={
        "forget the minus sign": lambda image, other: -_psnr(image, other),
        "take the natural logarithm": lambda image, other: -10 * np.log(np.mean((image - other) ** 2)),
        "take the root of the error, but the factor 10": lambda image, other: _psnr(image, other) / 2,
        "take absolute differences in place of squares": lambda image, other: -10
        * np.log10(np.mean(np.abs(image - other))),
        "add up the squares in place of averaging": lambda image, other: -10
        * np.log10(np.sum((image - other) ** 2)),
    },
    verified="20 dB for pixels that are all off by 0.1; ten times less squared error is 10 dB more",
)


def _apart(image, pictures):
    return np.square(pictures - image).sum(axis=(1, 2))


check_nearest = Exercise(
    solution=lambda image, pictures: int(_apart(image, pictures).argmin()),
    cases=[
        (np.full((2, 2), 0.4), np.stack([np.zeros((2, 2)), np.full((2, 2), 0.5), np.ones((2, 2))])),
        (np.array([[0, 0.2], [0, 0.2]]), np.stack([np.full((2, 2), 0.1), np.array([[0, 0.3], [0, 0.3]])])),
        (_PICTURES[0] + 0.02, _PICTURES[::-1]),
    ],
    mistakes={
        "return the farthest picture": lambda image, pictures: int(_apart(image, pictures).argmax()),
        "compare the mean brightness alone": lambda image, pictures: int(
            np.abs(pictures.mean(axis=(1, 2)) - image.mean()).argmin()
        ),
        "forget to square, so that differences cancel": lambda image, pictures: int(
            (pictures - image).sum(axis=(1, 2)).argmin()
        ),
        "return the distance in place of the index": lambda image, pictures: _apart(image, pictures).min(),
        "take the largest product, which bright pictures win": lambda image, pictures: int(
            (pictures * image).sum(axis=(1, 2)).argmax()
        ),
    },
    verified="the index of the nearest of 3, 2 and 6 pictures",
)
