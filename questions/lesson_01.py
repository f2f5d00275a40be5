"""Lesson 01: what computer vision does, and why it learns."""

import numpy as np
from skimage.feature import hog

from questions import number, one, order, several

FIRST = []  # there is no lesson before
HOG = hog(np.zeros((64, 64)), cells_per_block=(2, 2)).size

QUIZ = [
    one(
        "section 1",
        "The lesson compared pictures by the root of the mean squared difference of their numbers. Which of "
        "these is nearest to the cat?",
        ("a flat brown square", "For the numbers, no cat at all is nearer than a cat four pixels away: what you "
         "see is not what the computer has."),
        ("the same cat, four pixels to the right", "You see the same cat, so it feels near. But at the edges "
         "nearly every number has changed. “A computer sees what I see” is the misconception of this section."),
        ("the same cat, turned by 20°", "To you it is the same cat. In numbers it is farther away than "
         "something that is no cat at all."),
        ("the same cat, with all numbers halved", "It is the farthest of all: every single number has changed."),
    ),
    number(
        "section 3.2",
        "A picture of 64 × 64 pixels has 8 × 8 cells of 8 × 8 pixels, each described by nine numbers. "
        "Neighbouring cells form overlapping blocks of 2 × 2. How many numbers has its HOG?",
        HOG,
        "8 × 8 cells make 7 × 7 overlapping blocks, each with 4 · 9 numbers.",
        (8 * 8 * 9, "These are the cells' numbers alone, or blocks that do not overlap. Overlapping blocks "
         "repeat most cells several times."),
        (8 * 8 * 36, "A block needs a neighbour to the right and below: in a row of 8 cells there are 7 blocks."),
        (7 * 7 * 9, "The blocks are counted rightly, but each of them holds four cells."),
    ),
    several(
        "sections 3 and 4",
        "Which of these did the measurements with the three classifiers show?",
        "Each fails where its lessons were few, and fewer, learned numbers beat 1,764 designed ones.",
        ["Each knob hurts most the classifier whose lessons held little of it.",
         "96 learned features were worth more than 1,764 of HOG, for the same SVM.",
         "The template and HOG care little about less light: they divide its strength out."],
        [("The learned network has solved the five problems.", "Nothing here is solved by learning: orientation, "
          "obstruction and small size cost the CNN most, since its lessons held little of them."),
         ("A photograph outside its world makes a classifier unsure.", "It is often wrong and sure of it: "
          "nothing in a classifier says “I have never seen such a thing”.")],
    ),
    one(
        "section 4",
        "None of the 1,000 classes is an astronaut. What does the large network say of a photograph of one?",
        ("It names the nearest things that it knows, such as helmets.", "The probabilities sum to 1, so "
         "something must be said. A low number at the top is a warning, no proof."),
        ("All probabilities are near 0.", "They sum to 1, whatever the picture shows."),
        ("“Unknown”.", "There is no such answer unless somebody made a class for it, with pictures."),
        ("It stops with an error.", "Any picture of the right shape gets an answer: nothing checks whether it "
         "makes sense."),
    ),
    one(
        "section 3",
        "The cat flap opens if the network says “cat” with a probability above a threshold. You raise the "
        "threshold. What happens?",
        ("Fewer dogs and ducks come in, and more cats stay out.", "There are two ways to be wrong, and a "
         "threshold trades one for the other."),
        ("Fewer dogs and ducks come in, and as many cats as before.", "A surer “cat” is asked of cats, too: some "
         "of them stay in the rain."),
        ("The network makes fewer mistakes of every kind.", "The network is the same. Only the reading of its "
         "answer changes, and one kind of mistake is traded for another."),
        ("More of everything comes in.", "Higher means stricter: the flap opens less often."),
    ),
    order(
        "section 6",
        "One scene of 64 × 64 pixels with three animals and three classes. Order the targets of the tasks by how "
        "many numbers they hold, the fewest first.",
        "One of three; three boxes and their classes; 64 · 64 classes; 64 · 64 · 3 colours.",
        ["classification, one-hot", "detection, a box and a class for each animal",
         "segmentation, the number of a class for each pixel", "creation, the colours of each pixel"],
        "One-hot for three classes is three numbers; each box alone has four.",
        "Boxes are few numbers each, however large the animals are. A mask has a number for each pixel.",
        "Both have a value for each pixel, but a colour is three numbers: red, green, blue.",
    ),
]
