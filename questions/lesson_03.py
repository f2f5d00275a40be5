"""Lesson 03: batch normalisation."""

from cvcourse import arithmetic
from cvcourse.exercises import batch_norm, cnn_layers
from questions import computed, number, one, order, several

FIRST = [
    computed(
        "lesson 02, section 4",
        "A convolution has 16 filters of 3 × 3 pixels, and its input has 8 channels. How many parameters does it "
        "have?",
        cnn_layers.check_conv_params, (3, 8, 16),
        "3 · 3 · 8 · 16 weights and 16 biases.",
    ),
    one(
        "lesson 02, section 7",
        "What does ReLU make of a map whose numbers are all far below zero?",
        ("a map of zeros", "Whatever the image shows, nothing of it goes on to the next layer."),
        ("the same map with positive signs", "That would be the absolute value. ReLU cuts negative numbers off."),
        ("a map of small negative numbers", "ReLU lets no negative number through, not even a small one."),
        ("the map as it is", "Only positive numbers pass unchanged."),
    ),
]

QUIZ = [
    one(
        "section 2",
        "A batch of photographs has passed batch norm in training, with γ = 1 and β = 0. What has mean 0?",
        ("each channel, over all images and all pixels of the batch", "One mean and one variance for each "
         "channel; single images may lie above or below."),
        ("each image, over all its numbers", "That is the misconception of section 2. What tells one image "
         "from another is not normalised away. Layer norm does this."),
        ("each pixel, over its channels", "Batch norm does not mix channels: each has a mean of its own."),
        ("each channel of each image, over its pixels", "That is instance norm. In batch norm the images "
         "share the mean."),
    ),
    computed(
        "section 3",
        "A new layer with momentum 0.9 sees two batches in training; a channel has the mean 5 in both. What does "
        "its memory hold of this mean afterwards? Two decimals.",
        batch_norm.check_moving_mean, ([5.0, 5.0], 0.9),
        "0.1 · 5 after the first batch, 0.9 · 0.5 + 0.1 · 5 after the second: the memory fills slowly.",
        per=100,
    ),
    several(
        "section 5",
        "A batch norm stands right behind a convolution with 64 filters, before ReLU. What is true?",
        "4 · C parameters, half of them not trained; and the mean takes any bias away.",
        ["A bias of the convolution is useless.",
         "Half of the layer's parameters are not trained.",
         "After training, the convolution can do its work as well."],
        [("The layer has 128 parameters.", f"It has {sum(arithmetic.batch_norm_params(64))}: γ, β and the two moving "
          "statistics, each for 64 channels."),
         ("The maps become smaller.", "Normalisation changes no shape."),
         ("It must stand before ReLU: behind it, it does not work.", "The lesson measured both, and behind ReLU "
          "it was two points better. There is no law in it.")],
    ),
    one(
        "section 3",
        "The training loss falls, yet the validation accuracy is poor; the training had 50 batches, with batch "
        "norm and Keras's momentum of 0.99. What is the first suspect?",
        ("The memory of means and variances is still half empty.", "After 100 batches it holds hardly two "
         "thirds. A momentum such as 0.9 fills it in some 40."),
        ("The network overfits.", "It could, but after 50 batches? Validation uses the moving statistics, "
         "and they have hardly left their start."),
        ("Batch norm was switched off in training.", "Inside fit it normalises with the batch. What it "
         "remembers for later is the trouble."),
        ("The images of the validation were not shuffled.", "In validation each image is normalised by the "
         "memory; the order does not matter."),
    ),
    one(
        "section 10",
        "“Batch norm is fast because the numbers that reach a layer hold still.” What did the test with the "
        "shaken network show?",
        ("The shaken network moved most and kept most of the advantage.", "So a target that holds still is not "
         "what makes batch norm fast. It allows larger steps."),
        ("The shaken network lost the advantage: the reason is right.", "It kept more than three quarters of the "
         "lead, with by far the most movement."),
        ("The shaken network moved no more than the others.", "It moved most by far, more than the plain one."),
        ("The plain network was faster than both.", "It was the slowest of the three."),
    ),
    order(
        "section 4",
        "64 images with maps of 16 × 16 × 32. How many numbers share one mean? Put the norms in order, the fewest "
        "first. (Group norm has 4 groups.)",
        "256, then 8 · 256, then 32 · 256, then 64 · 256 numbers.",
        ["instance norm", "group norm", "layer norm", "batch norm"],
        "Instance norm takes one channel of one image, group norm eight neighbouring channels.",
        "A group is a part of the channels; layer norm takes all 32 of them.",
        "Batch norm takes one channel only, but of all 64 images; layer norm takes 32 channels of one.",
    ),
    number(
        "section 5",
        "How many parameters has the batch norm behind a convolution with 48 filters?",
        sum(arithmetic.batch_norm_params(48)),
        "γ, β and the two moving statistics for each channel.",
        (2 * 48, "γ and β are these. The layer also stores a moving mean and a moving variance for each channel."),
        (4, "There are four numbers for each channel."),
    ),
]
