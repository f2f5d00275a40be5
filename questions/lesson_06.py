"""Lesson 06: loss, metric, optimiser."""

import numpy as np

from cvcourse.exercises import compilation
from cvcourse.models.cnn import small_cnn
from questions import computed, number, one, order, several

WEIGHTS = small_cnn().count_params()
LOGITS = np.log([[0.7, 0.2, 0.1]])

FIRST = [
    one(
        "lesson 05, section 5",
        "Where are most parameters of VGG16, and where is most of its work?",
        ("parameters in the dense layers, work in the convolutions", "Nine of ten parameters sit in three dense layers, and more than 99 % of the work is done by the convolutions."),
        ("both in the convolutions", "They share their weights over all places: a tenth of the parameters does nearly all the work."),
        ("both in the dense layers", "A weight of a dense layer is used only once for an image."),
        ("parameters in the convolutions, work in the dense layers", "It is the other way round."),
    ),
    several(
        "lesson 02, section 9",
        "The last layer of VGG16 has 1,000 neurons with softmax. What is true of its outputs?",
        "One whole is shared out; how sure is not how right.",
        ["They add up to 1.", "The largest says how sure the network is of its first choice."],
        [("The largest says how probably the choice is right.", "A network may be sure and wrong: how sure it is and how often it is right are two things."),
         ("Several of them can be near 1.", "They share one whole. Separate yes-or-no answers need sigmoids."),
         ("All are near 0 if the picture shows none of the classes.", "They add up to 1 whatever the picture shows.")],
    ),
]

QUIZ = [
    computed(
        "section 2",
        "A network gives cat 0.7, dog 0.2, duck 0.1, and it is the duck. What is the cross-entropy, to two decimals?",
        compilation.check_cross_entropy, (LOGITS, np.array([2])),
        "−ln 0.1: only the probability of the true class counts.",
        (-np.log(0.7), "That is the loss for the cat. What counts is the probability of the true class, the duck."),
        (1.0, "That is the logarithm to base 10. Cross-entropy takes the natural one."),
        (0.9, "1 − p is no logarithm: it would punish a sure mistake hardly more than an unsure one."),
        per=100, within=1,
    ),
    one(
        "section 2",
        "Ten classes. Before any training the first loss printed is 14. What do you think?",
        ("Something is wrong: guessing gives ln 10 = 2.3.", "A first loss far above ln K says so before training has begun. Ask first where the softmax is."),
        ("It is usual: losses begin high.", "Not that high: who knows nothing gives each class 1/10, which costs 2.3."),
        ("The network is sure and right.", "Then the loss would be near 0."),
        ("One cannot say: a loss has no scale.", "It has: ln K is the loss of a guess among K classes."),
    ),
    several(
        "section 2",
        "The softmax stands in the network, and the loss says `from_logits=True`. What happens, with ten classes?",
        "Nobody complains, and the loss stays above 1.46.",
        ["The network learns all the same.", "The loss cannot fall below 1.46, however right the network is.", "There is no error message."],
        [("Keras notices and leaves one of them out.", "Keras cannot know: probabilities are numbers like any others."),
         ("The answers are the same: softmax of softmax is softmax.", "The second one makes all classes nearly equal: even a certain, right answer falls to a quarter.")],
    ),
    number(
        "section 10",
        f"A small CNN has {WEIGHTS:,} weights of 4 bytes. How many bytes does Adam remember beside them?",
        2 * 4 * WEIGHTS,
        "Two averages of 4 bytes for each weight: twice what RMSprop and momentum need.",
        (4 * WEIGHTS, "That is RMSprop's share, or momentum's. Adam keeps two averages for each weight."),
        (2 * WEIGHTS, "These are the numbers; each takes 4 bytes."),
        (3 * 4 * WEIGHTS, "The weights themselves are not what the optimiser adds."),
        (0, "That is plain SGD, which remembers nothing."),
    ),
    order(
        "section 9",
        "What does Adam do in one step? Put it in order.",
        "Averages, corrected for their start at zero, then the step downhill.",
        ["Compute the gradient of the batch.", "Update the average of the gradients and that of their squares.", "Correct both averages for their start at zero.", "Divide the one by the root of the other.", "Move the weight against it by the learning rate."],
        "The averages are made of gradients, so the gradient comes first.",
        "What is corrected must be there first; the next step needs the averages uncorrected.",
        "Corrected averages are divided: in the first steps the uncorrected ones are far too small.",
        "The move is the last thing: −η times what was divided.",
    ),
    one(
        "section 12",
        "The large network learned 250 images on and on. From the best epoch to the end its validation loss doubled. What did its validation accuracy do?",
        ("It rose.", "The network is not more often wrong. It is wrong with ever more certainty, and cross-entropy punishes that."),
        ("It fell: that is what overfitting means.", "“Overfitting is when the validation accuracy falls” is the misconception of this section."),
        ("It stayed exactly the same.", "It rose a little: loss and accuracy are not two words for one thing."),
        ("It fell to chance.", "It is far above chance to the end."),
    ),
    one(
        "section 8",
        "1 % of 10,000 people are ill. A stamp calls everybody healthy. Which figure shows that it is useless?",
        ("recall", "It finds none of the ill: recall is 0."),
        ("accuracy", "It is 99 %, better than that of the real test: accuracy lies where one class is rare."),
        ("the share of healthy people called healthy", "That is 100 %: the stamp never gives a false alarm."),
        ("cross-entropy on the healthy", "It looks fine: the healthy are called healthy."),
    ),
]
