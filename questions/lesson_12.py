"""Lesson 12: image creation."""

import numpy as np

from cvcourse.exercises import generation
from questions import computed, one, order, several

FIRST = [
    one(
        "lesson 11, section 3",
        "A network for segmentation ends with maps as large as the image. How do small, deep maps become large again?",
        ("by upsampling, or a transposed convolution", "Its stride enlarges. The VAE's decoder and the GAN's generator use it."),
        ("by pooling backwards: it remembers what it threw away", "Pooling forgets. What U-Net needs of it, the skips bring."),
        ("by padding", "Padding puts zeros around a map; nothing in it becomes finer."),
        ("by a convolution with stride 2", "That halves them. The transposed one, run backwards, enlarges."),
    ),
    one(
        "lesson 11, section 2",
        "Segmentation needs a mask for each training image. What does creation need?",
        ("pictures alone", "There is no true answer to compare with. The slide says: data sets, any."),
        ("a label for each picture", "Nobody says what a picture shows; it only has to look like the others."),
        ("a mask for each picture, too", "A mask is the true answer for each pixel. Creation has none."),
        ("pairs of a noise picture and the picture to be made of it", "Nobody has such pairs: what a throw should become is left to the network."),
    ),
]

QUIZ = [
    computed(
        "section 2",
        "A VAE's encoder says of a picture: one number, with mean 3 and variance 1. What is the divergence from the standard normal distribution, in nats?",
        generation.check_divergence, (np.array([[3.0]]), np.array([[0.0]])),
        "½ (1 + 9 − 1 − 0).",
        per=10,
    ),
    computed(
        "section 2",
        "All pixels of a picture from 0 to 1 are off by 0.01. How many decibels has it (PSNR)?",
        generation.check_psnr, (np.zeros((2, 2)), np.full((2, 2), 0.01)),
        "The squared error is 0.0001, and −10 log₁₀ of it is 40.",
    ),
    one(
        "section 3",
        "In the recorded setting “collapse” the generator's loss stayed far below that of the balanced one. How were its pictures?",
        ("farther from real ones, and all alike", "The loss is measured against an opponent that moves: against a slow one it is low. Judge the pictures."),
        ("nearer to real ones", "“A falling loss means better pictures” is the misconception: in the balanced setting the loss rose while the pictures became better."),
        ("as near to real ones, but sharper", "The settings with lower losses made the worse pictures, by the Fréchet distance."),
        ("noise, as at the start", "It had found one thing that its slow opponent took for real, and made nothing else."),
    ),
    several(
        "sections 4 and 5",
        "Which of these claims held in the lesson's measurements?",
        "Measured on these networks: sharper and nearer; not copied, among sixty.",
        ["The VAE's pictures are blurred, those of the GAN are not.", "The GAN's pictures are nearer to the real ones than the VAE's."],
        [("The GAN pastes training pictures.", "Among sixty there was no copy: they are farther from the nearest training picture than new real ones are."),
         ("Detail that super-resolution adds is true detail.", "Along edges it is often right; on the moon most of it was invented, and it lost against bicubic."),
         ("High gradient energy means good pictures.", "Pure noise has fifteen times as much as real pictures.")],
    ),
    order(
        "section 3",
        "Put one training step of a GAN in order.",
        "D is judged on both kinds; then G is judged by D.",
        ["Throw z.", "G unfolds it to a picture.", "D says of real and made pictures how likely they are real.", "The losses compare with what each of the two wants.", "Both networks take a step against their own slope."],
        "G has nothing to unfold before there is a z.",
        "D can only judge what has been made.",
        "The losses are logarithms of what D says.",
        "There is no slope before there is a loss.",
    ),
    one(
        "section 2",
        "The digits' VAE was trained with s = 1: a pixel may be off by 1. What happened?",
        ("Each cloud became the standard one, and the decoder draws the mean digit.", "Posterior collapse: pixels were so cheap that saying anything about the picture did not pay."),
        ("It brought digits back best.", "That is a small s: pixels are dear, so the clouds are small and far apart."),
        ("Thrown z gave the best digits.", "That is the middle s. Here each throw gives the same mean of all digits."),
        ("The loss became infinite.", "The divergence became 0, the lowest that it can be: that is the trouble."),
    ),
    one(
        "section 2",
        "Why does a VAE draw ε and compute z = μ + σ ε, in place of drawing z?",
        ("So that the loss has a slope in μ and σ.", "Chance has no slope. Drawn elsewhere, it leaves a plain formula: slopes 1 and ε."),
        ("So that z is the same each time.", "ε is drawn anew each time, so z differs."),
        ("To save time.", "It draws as many numbers as before."),
        ("So that σ cannot be negative.", "That is what ln σ² is for."),
    ),
]
