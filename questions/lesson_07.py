"""Lesson 07: transfer learning."""

from cvcourse import arithmetic
from questions import number, one, order, several

FIRST = [
    number(
        "lesson 02, section 9",
        "A dense layer turns 1,280 numbers into 3 probabilities. How many parameters has it?",
        arithmetic.dense_params(1280, 3),
        "1,280 · 3 weights and 3 biases. Remember this number.",
        (1280 * 3, "You forgot the biases: one for each of the three neurons."),
        (1280 + 3, "Each of the three neurons has a weight for each of the 1,280 numbers: multiply."),
        (1280 * 3 + 1280, "A bias belongs to a neuron, not to an input: there are three."),
    ),
    one(
        "lesson 03, section 3",
        "Which mean and variance does batch norm use?",
        ("in training those of the batch, in use the moving ones", "The memory was collected in training, so that an answer does not depend on the neighbours."),
        ("always those of the batch", "Then the answer for a cat would depend on the other images."),
        ("always the moving ones", "In training they are only collected; what normalises is the batch."),
        ("in training the moving ones, in use those of the batch", "It is the other way round."),
    ),
]

QUIZ = [
    one(
        "section 3",
        "`include_top=False` ends with maps of 7 × 7 × 512. What does `Dense(10)` make of them, without anything between?",
        ("49 answers: the same classifier at each place", "Dense works on the last axis alone: 5,130 parameters, applied 49 times."),
        ("one answer from all 25,088 numbers", "That takes Flatten before it. Dense looks at the last axis alone."),
        ("one answer from the 512 means", "That takes GlobalAveragePooling2D before it."),
        ("an error at once", "Building it works; fit stops later, with an error about shapes."),
    ),
    one(
        "section 2",
        "You forget the preprocessing: the network gets 0 to 255 instead of −1 to 1. What happens?",
        ("No error, and another answer", "A cat became household linen, without a word. With other ranges the answer may happen to stay right, and nobody notices."),
        ("Keras raises an error.", "Keras checks shapes, not ranges."),
        ("Nothing: batch norm repairs the range.", "In use batch norm takes the moving statistics, which expect the old range."),
        ("All probabilities become equal.", "The network is as sure as ever, of something else."),
    ),
    several(
        "sections 4 and 7",
        "What is true of freezing and of batch norm in Keras 3?",
        "Compile again after each change; and a batch norm that shall rest needs trainable = False.",
        ["After a change of `trainable` the model must be compiled again.", "A batch norm with `trainable = False` runs in inference mode.", "While a model says `trainable = False`, none of its layers learns."],
        [("Building with `base(x, training=False)` keeps batch norm still in `fit`.", "fit calls the model with training=True, and that goes through to every layer of a functional model."),
         ("A frozen layer saves the same time wherever it stands.", "If a layer before it still learns, the gradient must pass through it all the same.")],
    ),
    number(
        "section 4",
        "Between the 1,280 features and the classifier you add a hidden layer of 128 neurons. How many parameters has this layer?",
        arithmetic.dense_params(1280, 128),
        "1,280 · 128 weights and 128 biases: 164,000 parameters for 150 pictures, and it won nothing.",
        (1280 * 128, "You forgot the biases: one for each neuron."),
        (1280 * 128 + 1280, "A bias belongs to a neuron: there are 128."),
        (arithmetic.dense_params(128, 3), "That is the classifier behind it."),
    ),
    order(
        "section 4",
        "Features are not enough, and you have a hundred images a class. Put the steps of reuse in order.",
        "First a classifier that knows something, then small steps for trained kernels.",
        ["Freeze the base.", "Train a new classifier on it.", "Release the upper blocks, but not their batch norms.", "Compile again, with a hundredth of the rate.", "Train on."],
        "If the base is not frozen, the random classifier sends large gradients through trained kernels.",
        "A random classifier would spoil the upper blocks: it has to learn first.",
        "trainable is read in the first step after compile: release first, then compile.",
        "Without compiling again the released layers do not move at all.",
    ),
    one(
        "section 5",
        "CIFAR-10 at 160 pixels, recorded: with 10 images a class, which strategy named most test images?",
        ("features alone", "With 10 a class they lead, with 25 it is a tie, with 100 the upper blocks win by about 4 points."),
        ("upper blocks released", "With so few images there is little to adjust them by. With 100 a class they lead."),
        ("everything trainable", "It was no better than the upper blocks, wherever both were measured."),
        ("learning from scratch", "It named about a quarter, the features alone three quarters."),
    ),
    one(
        "section 8",
        "Grad-CAM shows the face for “Egyptian cat”. You shuffle the network's weights, and the picture stays the same. What follows?",
        ("The picture did not explain this network.", "What does not depend on the weights cannot say what they have learned."),
        ("The face is very important.", "A network with shuffled weights knows no faces, and yet shows one."),
        ("The network is robust.", "It knows nothing any more; only the picture has stayed."),
        ("Nothing: the architecture is the same.", "That is just it: then the picture shows the architecture and the image, not what was learned."),
    ),
]
