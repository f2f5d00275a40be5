"""Lesson 02: the layers of a CNN."""

from cvcourse.exercises import cnn_layers
from questions import computed, one, order, several

FIRST = [
    one(
        "lesson 01, section 6",
        "Four tasks: classification, detection, segmentation, creation. Which of them answers with a class for "
        "each pixel of a photograph of a cat?",
        ("segmentation", "Cat or not, for each pixel: it says where the cat is, to its very outline."),
        ("classification", "It gives one label for the whole picture, “cat”."),
        ("detection", "It gives a label and a box for each cat: four numbers, with some ground in the corners."),
        ("creation", "It gives a value for each pixel, too, but of a new picture: colours, not classes."),
    ),
    one(
        "lesson 01, section 4",
        "A cat may be turned, badly lit or half hidden. What does deep learning do about it?",
        ("It learns the features and the border between classes from examples.", "There are too many cases to "
         "write down, so nobody writes rules."),
        ("People write a rule for each case.", "There are too many cases: nine years of pictures for one cat."),
        ("People invent the features, and the machine learns the border.", "That is classical machine learning, "
         "such as HOG with a support vector machine."),
        ("It stores all pictures and looks the new one up.", "No table can hold them; a useful method gets "
         "right what it has never seen."),
    ),
]

QUIZ = [
    one(
        "sections 1 and 9",
        "A CNN learned digits in the middle of the canvas. Its last layers are `Flatten` and `Dense`. How does "
        "it do on digits that have moved?",
        ("Hardly better than a guess, like the MLP.", "Behind Flatten the last layer has a weight for each "
         "place again. It takes both: the same weights everywhere, and then to forget where."),
        ("As well as before: convolutions do not care where things are.", "That is half true. Convolutions "
         "follow a shift; it takes pooling to forget it."),
        ("A little worse: it loses some points.", "It loses nearly everything: the features meet weights that "
         "were learned for other places."),
        ("It cannot run: the sizes differ.", "The canvas has its size as before; only what it shows has moved."),
    ),
    computed(
        "section 5",
        "An image is 32 pixels wide. Filters of 5 × 5 go over it in steps of 2, with one pixel of padding on each "
        "side. How wide are the maps?",
        cnn_layers.check_output_size, (32, 5, 2, 1),
        "⌊(32 − 5 + 2) / 2⌋ + 1: the last window that fits only partly is left out.",
    ),
    computed(
        "section 4",
        "A layer has 32 filters of 3 × 3 pixels, and its input has 16 channels. How many parameters has it, "
        "with biases?",
        cnn_layers.check_conv_params, (3, 16, 32),
        "3 · 3 · 16 weights for each of 32 filters, and 32 biases.",
    ),
    several(
        "section 2",
        "A convolution of 3 × 3 with one filter and one channel goes over a grey image. What is true?",
        "All places share nine weights and a bias, so the map moves along with the image.",
        ["It has 10 parameters, whatever the size of the image.",
         "If the image moves by a pixel, the map moves by a pixel."],
        [("It has weights of its own for every pixel.", "Every pixel gets multiplied, but all places share the "
          "same nine weights. A dense layer has its own for each."),
         ("Keras flips the kernel before it slides it.", "Mathematicians do; in deep learning nobody flips."),
         ("Its map is as large as the image unless you pad.", "It is the other way round: without padding the "
          "map loses two rows and two columns.")],
    ),
    order(
        "sections 2 and 7",
        "How does a convolution layer with ReLU come to one number of its output? Put the steps in order.",
        "One window gives one number: multiply, sum up over F × F × D, one bias, ReLU.",
        ["Take the window of the input, over its whole depth.", "Multiply number by number with the kernel.",
         "Sum up over rows, columns and channels.", "Add the bias.", "Set it to 0 if it is negative."],
        "There must be a window before its numbers can be multiplied.",
        "The sum is over the products. Sum first, and the kernel's weights could not weigh single pixels.",
        "The bias is added once, to the sum, not to every product.",
        "ReLU comes last: with the bias behind it, the output could be negative again.",
    ),
    one(
        "section 9",
        "A network for two classes ends with one neuron and softmax. What does it answer?",
        ("1, whatever the score", "Softmax shares out one whole, and one neuron gets all of it: the network "
         "cannot learn. One neuron needs a sigmoid."),
        ("the probability of the second class", "That would be the sigmoid."),
        ("0.5 at the start, then better and better", "It is 1 from the first step to the last, so there is no "
         "slope to learn from."),
        ("an error", "It runs without a word: that is what makes this mistake so common."),
    ),
]
