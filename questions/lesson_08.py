"""Lesson 08: ResNet, MobileNet, EfficientNet."""

from cvcourse.exercises import resnet_efficientnet
from questions import computed, one, order, several

FIRST = [
    one(
        "lesson 03, section 5",
        "A convolution is followed by batch norm. Why is its bias useless?",
        ("Batch norm subtracts the mean of each channel, and any constant with it.", "β does the bias's work."),
        ("Batch norm divides by the spread, so a bias becomes too small.", "It is not made small, it is taken away: with the mean."),
        ("ReLU cuts it off.", "ReLU cuts sums, not biases; and it stands behind batch norm."),
        ("A convolution learns the same without any bias, always.", "Without batch norm the bias does count: it moves what ReLU cuts."),
    ),
    one(
        "lesson 06, section 12",
        "A network names 98 % of its training images correctly and 58 % of the test images. What is that called?",
        ("overfitting", "It knows its training images better than the rule behind them."),
        ("underfitting", "Then it would be bad on the training images as well."),
        ("degradation", "That word is for another trouble, which this lesson will show you."),
        ("a vanishing gradient", "It has learned its training images, so gradients have arrived."),
    ),
]

QUIZ = [
    one(
        "section 1",
        "The plain network of 56 layers does worse than the plain one of 20. How do you know that it does not overfit?",
        ("Its error on the training images is larger, too.", "Overfitting has a small training error and a large test error. This one cannot be trained: degradation."),
        ("Its error on the test images is larger.", "So would be that of a network that overfits. Look at the training images."),
        ("It has more parameters.", "That would speak for overfitting, if for anything."),
        ("One cannot know without more data.", "The two errors side by side tell it: it is lost on both."),
    ),
    several(
        "sections 1 to 3",
        "A shortcut is put around every two layers of a plain network. What did the lesson find?",
        "It costs no parameter and no harm, and makes depth possible.",
        ["An identity shortcut has no parameters.", "The gradient has about one length in all layers at the start.", "A block whose F is zero hands on its input, with negative values cut off."],
        [("At the start F(x) is small beside x.", "Batch norm makes its standard deviation 1, however small the weights are: F(x) starts larger than x."),
         ("An epoch becomes faster.", "The same layers take the same work, and an addition more. It is faster in epochs, not per epoch."),
         ("56 layers now beat 20 on the test images.", "Not here, and with no seed: both fit these few images almost perfectly. Depth became possible, not better.")],
    ),
    computed(
        "section 2",
        "A bottleneck of ResNet-50: 256 channels come in, the narrow part has 64 filters, 256 channels go out. How many parameters, with biases and all four numbers of batch norm?",
        resnet_efficientnet.check_bottleneck_params, (256, 64),
        "1 × 1, 3 × 3 and 1 × 1 with biases, each with its batch norm; no projection, for the shape stays.",
    ),
    computed(
        "section 4",
        "A standard 3 × 3 convolution with 128 filters is replaced by depthwise and pointwise. What part of the work is left, in per cent, to one decimal?",
        resnet_efficientnet.check_separable_ratio, (3, 128),
        "1/128 + 1/9: with 3 × 3 kernels it is never less than a ninth.",
        per=10, within=1, times=100,
    ),
    order(
        "section 5",
        "Put the parts of an MBConv block of EfficientNet in order.",
        "Narrow, wide, narrow; the gates turn the wide maps, and the shortcut joins the narrow ends.",
        ["1 × 1 convolution that widens", "depthwise convolution", "squeeze-and-excitation", "1 × 1 convolution that narrows", "shortcut added"],
        "Depthwise works in the wide part, where it is cheap: first widen.",
        "The gates weigh what the depthwise convolution has found.",
        "The gates act on the wide maps, one factor for each, before they are mixed into few.",
        "The shortcut needs equal shapes: it joins the narrow ends.",
    ),
    one(
        "section 4",
        "MobileNet does a seventh of ResNet-50's multiply-adds. How many times as fast was it on the processor?",
        ("faster, but less than seven times", "A depthwise convolution does little with each number that it reads. A count is a first guess: measure."),
        ("seven times", "So it would be if the processor only multiplied. It also waits for its memory."),
        ("more than seven times", "Small layers use a processor worse, not better."),
        ("not faster at all", "It was four to five times as fast when we measured it."),
    ),
    computed(
        "section 5",
        "EfficientNet widens a layer of 32 filters by 1.4. How many filters does it take? (The nearest multiple of 8, but not less than 90 % of what was asked for.)",
        resnet_efficientnet.check_scaled_filters, (32, 1.4),
        "32 · 1.4 = 44.8, and the nearest multiple of 8 is within the 90 %.",
    ),
]
