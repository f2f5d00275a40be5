"""Lesson 09: classification, from the perceptron to deep networks."""

import itertools

from cvcourse.exercises import resnet_efficientnet
from questions import computed, number, one, order, several

MURA = (0.815, 0.887)  # sensitivity and specificity, as published


def worth(sensitivity, specificity, ill):
    """How often an alarm is right, where a share `ill` of the patients is ill, in per cent."""
    right, false = sensitivity * ill, (1 - specificity) * (1 - ill)
    return 100 * right / (right + false)


FIRST = [
    one(
        "lesson 08, section 2",
        "The layers of a residual block have weights of zero. What does the block return?",
        ("its input, with negative values cut off", "relu(x + 0): the last ReLU stands after the sum."),
        ("zeros", "That is what a plain block would return. The shortcut hands the input on."),
        ("its input, unchanged", "Nearly: the last ReLU stands after the sum and cuts negative values off."),
        ("twice its input", "The shortcut adds x once, to F(x) = 0."),
    ),
    computed(
        "lesson 08, section 4",
        "A standard 3 × 3 convolution with 64 filters is replaced by a depthwise and a 1 × 1 convolution. What share of the work is left, in per cent, rounded?",
        resnet_efficientnet.check_separable_ratio, (3, 64),
        "1/64 + 1/9: about an eighth.",
        times=100, per=10, within=4,
    ),
]

QUIZ = [
    one(
        "section 2",
        "The perceptron gets the four points of XOR, again and again. What does its line do?",
        ("It never comes to rest.", "No straight line separates the points: another layer before the weights must bend the plane."),
        ("It rests after more mistakes than for AND.", "AND has a separating line, so the rule finds it. XOR has none."),
        ("It rests in the middle, with two mistakes.", "The rule changes the weights after every mistake: it cannot rest while it makes any."),
        ("It rests where the margin is widest.", "That is what a support vector machine looks for, and XOR has no such strip."),
    ),
    number(
        "section 3",
        "A support vector machine says yes or no. scikit-learn's `SVC` makes one for each pair of classes. How many are that for ten digits?",
        len(list(itertools.combinations(range(10), 2))),
        "K (K − 1) / 2 pairs, and they vote.",
        (10, "That is the other way: one against the rest."),
        (10 * 9, "You counted each pair twice: 3 against 7 is 7 against 3."),
        (100, "No class is compared with itself, and each pair needs one machine only."),
    ),
    one(
        "section 1",
        "An untrained network for cat, dog and duck sees pure noise. What does it answer?",
        ("three probabilities that add up to 1", "There is no fourth number, so noise gets a name, too."),
        ("three probabilities near 0", "Softmax shares out one whole: they add up to 1."),
        ("that it sees none of the classes", "It cannot: whoever needs “none of these” must add a class for it, with pictures."),
        ("the class that it saw most often", "It is untrained: it has seen nothing."),
    ),
    number(
        "section 7",
        "A network finds abnormal X-rays with sensitivity 0.815 and specificity 0.887. One patient in a hundred has something. It calls an X-ray abnormal: how often is it right, in per cent, to one decimal?",
        worth(*MURA, 0.01),
        "Most alarms come from the many healthy: about one in fifteen is right.",
        (81.5, "That is the sensitivity: how many of the ill it finds. Asked is how many of the alarms are right."),
        (88.7, "That is the specificity: how many of the healthy it leaves alone."),
        (worth(*MURA, 0.5), "So it would be if half of the patients had something. What an answer is worth depends on who comes."),
        per=10, within=2,
    ),
    several(
        "section 8",
        "The league on photographs (CIFAR-10, six epochs, three seeds). What did it show?",
        "Learned features can beat designed ones; newer is not by itself better.",
        ["Three networks passed the edges that a person chose (HOG).", "MobileNet learned its own pictures better than GoogLeNet, and knew less of new ones."],
        [("The newer a network, the better it did.", "MobileNet and ResNet-20 stood behind. Other recipes, another order."),
         ("LeNet-5 beat the support vector machine on edges.", "Made for grey digits, it did no better than pixels."),
         ("ResNet-20 lost because of a large gap.", "Its gap is small and it is low on both: it learned too little in six epochs.")],
    ),
    order(
        "sections 2 to 7",
        "Put the classifiers in order of their first public version, the oldest first.",
        "Weights that learn, then filters that learn, then depth.",
        ["Mark 1, the perceptron", "LeNet-5", "AlexNet", "GoogLeNet", "ResNet"],
        "The perceptron was described in 1958, LeNet-5 in 1998.",
        "AlexNet is LeNet's plan, grown, with ReLU, Dropout and two graphics cards: 2012.",
        "AlexNet won ImageNet's challenge in 2012, GoogLeNet in 2014.",
        "ResNet followed in 2015 and made still deeper networks trainable.",
    ),
]
