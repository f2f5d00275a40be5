"""Lesson 11: segmentation."""

import numpy as np

from cvcourse.exercises import segmentation
from questions import number, one, order, several

FOUND, TRUE = np.zeros((10, 10)), np.zeros((10, 10))
FOUND.flat[:30] = 1  # 30 pixels found, 50 true, 20 in both
TRUE.flat[10:60] = 1
DICE = segmentation.check_dice.solution(FOUND, TRUE, 1e-9)
IOU = 20 / 60
SHAPE = segmentation.check_skip_shape.solution((16, 16, 48), 24, (32, 32, 24))

FIRST = [
    one(
        "lesson 10, section 6",
        "Two boxes overlap with an IoU of 0.8, and both say “cat”. Why may suppression be wrong to remove one?",
        ("There may be two cats, one in front of the other.", "Suppression only knows boxes."),
        ("0.8 is too small an overlap to be one cat.", "It is a large one, far above the usual threshold; yet it is no proof."),
        ("The removed box has the better score.", "The better score stays, always."),
        ("It must remove both.", "One of each heap stays."),
    ),
    one(
        "lesson 10, section 8",
        "What is average precision the area of?",
        ("the precision–recall curve", "Precision at each recall, averaged."),
        ("the ROC curve", "That area is called AUC: recall against false alarms among the rest, which a detector cannot count."),
        ("the overlap of two boxes", "That is IoU, which only decides whether a box is right."),
        ("the loss curve", "The loss trains; average precision judges."),
    ),
]

QUIZ = [
    one(
        "section 1",
        "Two cats touch. A semantic mask shows both, and you count its connected components. How many?",
        ("one", "The mask knows classes. Where objects of one class touch, the border between them is lost."),
        ("two", "“A semantic mask knows the objects” is the misconception: both are one blob of the class cat."),
        ("three, with the border", "There is no border in the mask: both sides have the same class."),
        ("none", "The blob is there, and hangs together."),
    ),
    number(
        "section 2",
        "A mask has 30 pixels, the true one 50, and 20 are in both. What is the Dice? Two decimals.",
        DICE,
        "2 · 20 / (30 + 50).",
        (IOU, "That is IoU, 20 / 60. Dice divides twice the overlap by the sum of both sizes."),
        (DICE / 2, "What both share is counted in both sizes: the factor 2 is missing."),
        (20 / 50, "That is recall: painting everything would win."),
        (20 / 30, "That is precision: the share of the painted pixels that are right."),
        per=100, within=1,
    ),
    number(
        "section 3",
        "A map of 16 × 16 × 48 comes up, a transposed convolution with 24 filters enlarges it, and a skip of 32 × 32 × 24 is put beside it. How many channels come out?",
        SHAPE[-1],
        "24 filters and 24 channels of the skip, side by side.",
        (48 + 24, "The transposed convolution gives as many maps as it has filters, whatever came from below."),
        (24, "Adding would keep 24: that is ResNet's way. U-Net puts the maps side by side."),
    ),
    several(
        "section 3",
        "Six U-Nets with equally many parameters, three with and three without skips. What was measured?",
        "The bottom knows what is there; where it ends, the skips bring back.",
        ["Near a boundary the skips are worth many points.", "Far from every boundary they change next to nothing."],
        [("The networks with skips win because they are larger.", "Both kinds have equally many parameters."),
         ("Without skips the network names the wrong animals.", "What is there it knows as well without. Where it ends is lost."),
         ("The difference is no larger than that of two seeds.", "The spread over the seeds is small beside it.")],
    ),
    order(
        "section 5",
        "How does Mask R-CNN come to a mask? Put the steps in order.",
        "Features once, then for each proposal: cut out, name and correct, draw.",
        ["The backbone makes feature maps.", "The region proposal network says where an object could be.", "RoIAlign cuts the features of each proposal out, in one size.", "The box head names the class and corrects the box.", "The mask head draws the pixels inside the box."],
        "Proposals are made from the feature maps.",
        "What is cut out are the proposals.",
        "The heads want grids of one size, whatever the proposal's size is.",
        "When the network is used, the mask is drawn in the corrected box, and the class decides which mask counts.",
    ),
    one(
        "section 4",
        "Touching nuclei: the true masks get a thin line of ground, and a weight for it. What did that do?",
        ("Less than half as many nuclei were miscounted, and Dice fell a little.", "Choose the target for the question: how much is nucleus, or how many are there?"),
        ("The line alone, without the weight, did the same.", "The line alone changed nothing: it has so few pixels that missing them costs next to nothing."),
        ("Both count and Dice became better.", "It has a price: the network now draws ground where a nucleus is."),
        ("Nothing: U-Net cannot count.", "Connected components count, once the blobs are apart."),
    ),
    one(
        "section 2",
        "98 % of the pixels of a mask are right. What do you know of it?",
        ("Little: it may have found nothing of a small animal.", "“Background” everywhere gets nearly all pixels right. Measure the overlap."),
        ("It is good.", "A small animal fills a few per cent: finding nothing would look as good."),
        ("Its IoU is about 0.98.", "IoU counts the object's pixels only; for a mask that finds nothing it is 0."),
        ("Its border is off by 2 %.", "Nothing in this figure tells border from inside, or object from ground."),
    ),
]
