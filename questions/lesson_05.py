"""Lesson 05: VGG16."""

from cvcourse import arithmetic
from cvcourse.exercises import vgg16
from questions import computed, number, one, order, several

FIRST = [
    one(
        "lesson 04, sections 1 and 2",
        "Maps of 224 × 224 × 64 go through max pooling with F = 2 and S = 2. What comes out, at which price?",
        ("112 × 112 × 64, without any parameter", "Width and height are halved; each map is pooled on its own, and there is nothing to learn."),
        ("112 × 112 × 32, without any parameter", "The number of maps stays: each channel is pooled on its own."),
        ("112 × 112 × 64, with four weights for each map", "Pooling has no weights: “take the largest” leaves nothing to choose."),
        ("223 × 223 × 64, without any parameter", "That would be S = 1. With S = 2 the window moves by its own size."),
    ),
    several(
        "lesson 04, sections 3 and 4",
        "Pooling with F = S = 2 throws three of four numbers away. What is gained?",
        "Less work behind, a wider view, and some peace from small shifts.",
        ["The layers behind have a quarter of the places to work on.", "Each of their units sees more of the image.", "A shift by a pixel changes their input less."],
        [("The convolutions behind have fewer parameters.", "They have as many as before: F · F · D · K + K knows no width. Only a first dense layer shrinks."),
         ("The network no longer cares where things are.", "It forgives a pixel or two. Only global pooling forgets the place.")],
    ),
]

QUIZ = [
    one(
        "section 5",
        "In VGG16, where are most of the parameters, most of the work, and most of the activations' memory?",
        ("dense layers; convolutions; early convolutions", "Three costs, three places: a weight of a dense layer is used once, one of a convolution at every place."),
        ("convolutions; convolutions; convolutions", "They are 13 of 16 layers, and still hold a tenth of the parameters: they share their weights over all places."),
        ("dense layers; dense layers; dense layers", "“Where the weights are, there is the work” is the usual guess. A weight of a dense layer is used only once."),
        ("dense layers; convolutions; dense layers", "A dense layer gives 4,096 numbers, the first convolution 3.2 million."),
    ),
    computed(
        "section 3",
        "A block gets 64 maps and has two convolutions of 3 × 3 with 128 filters each. How many parameters has it, biases included?",
        vgg16.check_block_params, (64, 128, 2),
        "The first looks at 64 maps, the second at 128: 73,856 + 147,584.",
    ),
    computed(
        "section 3",
        "VGG16 is built for images of 64 × 64 instead of 224 × 224, with 100 neurons in its first dense layer. How many parameters has this layer?",
        vgg16.check_first_dense_params, (64, 100),
        "Five poolings make 2 × 2 of 64 × 64; 2 · 2 · 512 numbers for each of 100 neurons, and 100 biases.",
    ),
    several(
        "section 5",
        "You give VGG16 images of 448 × 448 instead of 224 × 224. What grows to about four times?",
        "Everything that counts places; a convolution's weights do not.",
        ["the work of the convolutions", "the memory of the activations", "the parameters of the first dense layer"],
        [("the parameters of the convolutions", "F · F · D · K + K has no width in it: the same weights slide over more places."),
         ("the parameters of the last dense layer", "It sees 4,096 numbers, however large the image is.")],
    ),
    order(
        "section 8",
        "What do the maps of the five blocks show of the cat? Put them in order, block 1 first.",
        "From picture to features: each block sees a larger window.",
        ["the photograph, and edges of one direction", "fur, spots and whiskers", "parts of a face", "one thing and little else, such as both eyes", "that something is there, and roughly where"],
        "A unit of block 1 sees 5 × 5 pixels: enough for an edge, not for a pattern of fur.",
        "Parts of a face need a larger window than fur and whiskers do.",
        "To answer to one thing alone takes several parts: block 4.",
        "In block 5 one unit sees nearly the whole picture: it is the coarsest.",
    ),
    one(
        "section 1",
        "Why three layers of 3 × 3 rather than one of 7 × 7, with 256 channels in and out?",
        ("They see as much with little more than half the parameters.", "3 · 9 against 49 for each pair of channels, and ReLU bends the signal three times instead of once."),
        ("They see more.", "Both see 7 pixels each way."),
        ("They keep the size, a 7 × 7 layer cannot.", "With P = 3 a 7 × 7 layer keeps the size, too."),
        ("They need fewer parameters only because they have no biases.", "They have three times as many biases; the kernels make the difference."),
    ),
    number(
        "section 3",
        "The slides write F × F × K + K. How many parameters too few does that give for one convolution of 3 × 3 with 64 filters on 64 maps?",
        arithmetic.conv_params(3, 64, 64) - (3 * 3 * 64 + 64),
        "36,928 are right, the short form gives 640: it leaves out the depth D.",
        (arithmetic.conv_params(3, 64, 64), "These are all parameters of the layer. The short form gives some of them, 640."),
    ),
]
