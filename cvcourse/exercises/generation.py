"""Exercises of lesson 12: the parts of a VAE and of a GAN, and how to judge what they make."""

import numpy as np

from cvcourse.exercises.checking import Exercise, indices

rng = np.random.default_rng(12)
_MEAN, _LOG_VARIANCE, _NOISE = rng.normal(size=(3, 3, 2)).round(2)
_PICTURES = rng.random((6, 4, 4)).round(2)


def _reparameterize(mean, log_variance, noise, deviation=lambda log_variance: np.exp(log_variance / 2)):
    return mean + deviation(log_variance) * noise


check_reparameterize = Exercise(
    solution=_reparameterize,
    cases=[
        (np.array([1.0, -2.0]), np.log([4.0, 0.25]), np.array([0.5, -1.0])),
        (_MEAN, _LOG_VARIANCE, _NOISE),
    ],
    mistakes={
        "take the variance for the deviation": {"deviation": np.exp},
        "take the log variance for the deviation": {"deviation": np.asarray},
        "forget the mean": lambda mean, *rest: _reparameterize(0, *rest),
        "add the noise as it is": {"deviation": np.ones_like},
        "multiply by the noise in place of adding it": lambda mean, v, noise: mean * np.exp(v / 2) * noise,
    },
    verified="z = μ + σ ε, with σ = exp(log variance / 2), for a vector and for a batch",
)


def _divergence(mean, log_variance, axis=1, each=lambda m, v: np.exp(v) + m**2 - 1 - v, add=np.sum):
    return add(each(mean, log_variance), axis=axis) / 2


check_divergence = Exercise(
    solution=_divergence,
    cases=[
        (np.zeros((1, 2)), np.zeros((1, 2))),
        (np.array([[2.0, 0.0]]), np.zeros((1, 2))),
        (_MEAN, _LOG_VARIANCE),
    ],
    mistakes={
        "forget the factor ½": lambda mean, log_variance: 2 * _divergence(mean, log_variance),
        "forget to subtract 1": {"each": lambda m, v: np.exp(v) + m**2 - v},
        "forget to square the mean": {"each": lambda m, v: np.exp(v) + m - 1 - v},
        "add the log variance in place of subtracting it": {"each": lambda m, v: np.exp(v) + m**2 - 1 + v},
        "average over the latent numbers in place of adding them": {"add": np.mean},
        "add up all pictures of the batch": {"axis": None},
        "add over axis 0, the pictures, in place of the latent numbers": {"axis": 0},
    },
    verified="0 where the distribution is the standard one, 2 for a mean of 2, and a number for each picture",
)


def _losses(real, made, mean=np.mean, of_g=lambda real, made: -np.mean(np.log(made))):
    return -mean(np.log(real)) - mean(np.log(1 - made)), of_g(real, made)


check_gan_losses = Exercise(
    solution=_losses,
    cases=[
        (np.array([0.8]), np.array([0.3])),
        (np.array([0.5, 0.5]), np.array([0.5, 0.5])),
        (np.array([0.9, 0.6, 0.7]), np.array([0.2, 0.1, 0.4])),
    ],
    mistakes={
        "let the generator minimise ln(1 − D), whose slope is flat where it matters": {
            "of_g": lambda real, made: np.mean(np.log(1 - made))
        },
        "give the generator the discriminator's loss with the other sign": {
            "of_g": lambda real, made: -_losses(real, made)[0]
        },
        "forget the made pictures in the discriminator's loss": lambda real, made: (
            -np.mean(np.log(real)),
            _losses(real, made)[1],
        ),
        "swap real and made in the discriminator's loss": lambda real, made: (
            _losses(made, real)[0],
            _losses(real, made)[1],
        ),
        "halve the discriminator's loss: the formula adds its two parts": lambda real, made: (
            _losses(real, made)[0] / 2,
            _losses(real, made)[1],
        ),
        "return the generator's loss first": lambda real, made: _losses(real, made)[::-1],
        "add up the pictures in place of averaging": {
            "mean": np.sum,
            "of_g": lambda real, made: -np.sum(np.log(made)),
        },
    },
    verified="both losses, by hand 0.580 and 1.204 for D(x) = 0.8 and D(G(z)) = 0.3",
)


def _frechet(a, b, centre=np.mean, spread=np.std):
    return (centre(a) - centre(b)) ** 2 + (spread(a) - spread(b)) ** 2


check_frechet = Exercise(
    solution=_frechet,
    cases=[
        (np.array([-1.0, 1.0]), np.array([1.0, 3.0])),
        (np.array([-1.0, 1.0]), np.array([-3.0, 3.0])),
        (_MEAN[:, 0], np.array([0.3, 4.0, 1.0, 2.5])),
    ],
    mistakes={
        "compare the means alone": {"spread": len},
        "compare the deviations alone": {"centre": lambda _: 0},
        "take variances for deviations": {"spread": np.var},
        "forget to square": lambda a, b: np.mean(a) - np.mean(b) + np.std(a) - np.std(b),
        "take the root at the end": lambda a, b: np.sqrt(_frechet(a, b)),
        "add the variances in place of comparing the deviations": lambda a, b: (
            (np.mean(a) - np.mean(b)) ** 2 + np.var(a) + np.var(b)
        ),
    },
    verified="a shift by 2 gives 4, a spread three times as wide gives 4, and both together add up",
)


def _psnr(image, other, error=lambda apart: np.mean(apart**2), log=np.log10, peak=1):
    return 10 * log(peak**2 / error(image - other))


check_psnr = Exercise(
    solution=_psnr,
    cases=[
        (np.zeros((2, 2)), np.full((2, 2), 0.1)),
        (np.ones((2, 2)), np.array([[1.0, 0.5], [1.0, 1.0]])),
        (_PICTURES[0], _PICTURES[1]),
    ],
    mistakes={
        "forget the minus sign": lambda image, other: -_psnr(image, other),
        "take the natural logarithm": {"log": np.log},
        "take the root of the error, but the factor 10": lambda image, other: _psnr(image, other) / 2,
        "take absolute differences in place of squares": {"error": lambda apart: np.mean(np.abs(apart))},
        "add up the squares in place of averaging": {"error": lambda apart: np.sum(apart**2)},
        "take 255 for the brightest pixel: here it is 1": {"peak": 255},
    },
    verified="20 dB for pixels that are all off by 0.1; ten times less squared error is 10 dB more",
)


def _nearest(image, pictures, size=np.square, pick=np.argmin):
    return pick(size(pictures - image).sum(axis=(1, 2)))


check_nearest = Exercise(
    solution=_nearest,
    cases=[
        (np.full((2, 2), 0.4), np.stack([np.zeros((2, 2)), np.full((2, 2), 0.5), np.ones((2, 2))])),
        (np.array([[0, 0.2], [0, 0.2]]), np.stack([np.full((2, 2), 0.1), np.array([[0, 0.3], [0, 0.3]])])),
        (_PICTURES[0] + 0.02, _PICTURES[::-1]),
        (np.zeros((1, 4)), np.array([[[0.3, 0.3, 0.3, 0.3]], [[0.7, 0, 0, 0]], [[0.5, 0.2, 0.2, 0.1]]])),
    ],
    mistakes={
        "return the farthest picture": {"pick": np.argmax},
        "compare the mean brightness alone": lambda image, pictures: np.abs(
            pictures.mean(axis=(1, 2)) - image.mean()
        ).argmin(),
        "forget to square, so that differences cancel": {"size": np.asarray},
        "add the sizes of the differences: square them": {"size": np.abs},
        "return the distance in place of the index": {"pick": np.min},
        "take the largest product, which bright pictures win": lambda image, pictures: (
            (pictures * image).sum(axis=(1, 2)).argmax()
        ),
    },
    verified="the index of the nearest of 3, 2 and 6 pictures, and of 3 more",
    observe=indices,
)
