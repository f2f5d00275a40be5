"""Lesson 10: object detection."""

import numpy as np

from cvcourse.exercises import detection
from questions import computed, number, one, order, several

RIGHT, OBJECTS = np.array([True, True, False, True, False]), 6
PRECISION, RECALL = (curve[3] for curve in detection.check_precision_recall.solution(RIGHT, OBJECTS))

FIRST = [
    one(
        "lesson 09, section 1",
        "A classifier with softmax sees a picture with a cat and a dog. What can it answer?",
        ("one distribution that shares 1 between the two", "And it cannot say where they are."),
        ("cat 1 and dog 1", "Softmax shares out one whole. Two separate yeses need sigmoids."),
        ("first the cat, then the dog", "It gives one row of numbers for the whole picture, no list."),
        ("nothing: all probabilities stay near 0", "They add up to 1, whatever is in the picture."),
    ),
    one(
        "lesson 06, section 8",
        "Of 100 pictures 95 show no tumour. A network always says “no tumour”. Which figure tells the truth?",
        ("its recall, 0", "It found none of the five. The word comes back in section 8."),
        ("its accuracy, 95 %", "That is the figure that looks good: accuracy lies where one class is rare."),
        ("its specificity, 100 %", "It never gives a false alarm, for it never gives an alarm."),
        ("its number of mistakes, 5", "Five of a hundred sounds few. They are all that it was to find."),
    ),
]

QUIZ = [
    computed(
        "section 2",
        "A box of 20 × 20 pixels moves by a quarter of its width, to the right and down. What is its IoU with where it was? Two decimals.",
        detection.check_iou, ((0, 0, 20, 20), (5, 5, 25, 25)),
        "15 · 15 / (400 + 400 − 225): a box that looks nearly right is below 0.5.",
        ((15 * 20) / (25 * 20), "That is a shift to the right alone."),
        (0.75, "That is the part of one side that is shared. IoU compares areas, with all that either covers."),
        per=100, within=1,
    ),
    one(
        "section 5",
        "YOLO's last convolution has 8 × 8 cells. How many boxes does the network itself put out for a picture that is grey all over?",
        ("64", "As many as ever: a convolution cannot answer with two numbers today and three tomorrow. The list is made afterwards."),
        ("0", "“The network outputs a list of boxes” is the misconception of this section: threshold and suppression make the list."),
        ("1, the background", "Background is no box: each cell says how sure it is that something is there."),
        ("as many as pass the threshold", "That is the list after a rule that nobody trained. The network does not know the threshold."),
    ),
    several(
        "section 6",
        "What is true of non-maximum suppression?",
        "It sees scores and boxes, and no truth.",
        ["The box that stays is the one with the highest score.", "Of two dogs close together one may be lost, although the network found both.", "A higher IoU threshold leaves more doubles."],
        [("The box that stays is the one that fits best.", "A high score says “I am sure there is a dog”, only partly “this box sits well”."),
         ("Its threshold is learned with the network.", "You choose it, and no value is right for every picture.")],
    ),
    number(
        "section 8",
        f"There are {OBJECTS} objects. The boxes, best score first, are right, right, wrong, right, wrong. What is the precision after the fourth? Two decimals.",
        PRECISION,
        "Three of the four boxes so far are right.",
        (RECALL, "That is the recall: three of all objects are found."),
        (3 / 5, "Count only the boxes that came so far: the fifth is not yet among them."),
        (1.0, "The fourth box is right, but one before it was wrong: precision counts all so far."),
        per=100,
    ),
    order(
        "section 4",
        "How does R-CNN find animals? Put its steps in order.",
        "Propose, cut out, name, correct, and tidy up.",
        ["Group pixels of one colour and merge alike neighbours into proposals.", "Cut each proposal out and resize it.", "Classify the piece, background included.", "Move its box by the four offsets.", "Suppress boxes that overlap a better-scored one."],
        "One must know where to cut: the proposals come first.",
        "The network wants pieces of one size, so it cannot name them before.",
        "Class and offsets come from one pass over the piece; what it takes for background needs no moving.",
        "Suppression compares boxes where they end, so it comes last.",
    ),
    one(
        "section 10",
        "R-CNN has two things that the sliding window has not: proposals, and a refinement of the box. At IoU 0.5, which of them makes its lead?",
        ("the refinement alone", "It adds 8 to 9 points with windows and with proposals alike. What proposals save at 0.5 is work, not errors."),
        ("the proposals alone", "With refinement, plain windows are even a hair ahead at 0.5. Proposals help at 0.75."),
        ("both, about equally", "All four pairs were tried: at 0.5 proposals change next to nothing."),
        ("neither: the stronger network", "All four pairs use one network."),
    ),
    one(
        "section 7",
        "Two animals have their centres in one cell of YOLO's grid. What is the remedy of SSD?",
        ("default boxes of several shapes on maps of several sizes", "Then a small animal and a large one belong to different boxes."),
        ("a higher threshold for the suppression", "One of the two was lost before training began: the target has no room for it."),
        ("more training", "The target itself holds one of the two only."),
        ("a softmax over both", "A softmax names one class for a box. A second box is missing."),
    ),
]
