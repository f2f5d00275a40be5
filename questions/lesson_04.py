"""Lesson 04: pooling."""

from cvcourse.exercises import pooling
from questions import computed, one, order, several

FIRST = [
    one(
        "lesson 02, section 8",
        "A digit moves two pixels to the right. What do the feature maps of a convolution do?",
        ("They move along, number for number.", "A convolution is equivariant."),
        ("They stay as they are.", "That would be invariant: to forget the place takes pooling."),
        ("They change in ways that cannot be foreseen.", "The same weights meet the same pixels, only two "
         "columns further."),
        ("They become smaller.", "The size of a map does not depend on what the image shows."),
    ),
    one(
        "lesson 02, section 9",
        "Behind the last maps stand `Flatten` and a dense layer. Why is this network lost on moved digits?",
        ("Each cell of each map has its own weight behind `Flatten`.", "On moved digits the features meet the "
         "wrong weights, although the convolutions found them."),
        ("The convolutions do not find the digit any more.", "They do: their maps have moved along."),
        ("`Flatten` throws the numbers at the border away.", "Flatten keeps every number. It only writes them "
         "into one row."),
        ("The dense layer has too few parameters.", "It has rather many: one for each place, and that is the "
         "trouble."),
    ),
]

QUIZ = [
    computed(
        "section 2",
        "Maps are 55 pixels wide. Max pooling has a window of 3 × 3 and steps of 2. How wide are they afterwards?",
        pooling.check_output_size, (55, 3, 2),
        "⌊(55 − 3) / 2⌋ + 1, and nothing is dropped: the windows overlap by one pixel.",
    ),
    several(
        "sections 1 to 3",
        "Max pooling with F = 2 and S = 2 follows a convolution with 8 filters. What is true?",
        "It has nothing to learn, works on each map alone, and keeps one number of four.",
        ["It has no parameters.", "8 maps come out.", "A quarter of the numbers is left."],
        [("It learns which pixel of a window to keep.", "“Take the largest” leaves nothing to choose. You choose F "
          "and S; training changes neither."),
         ("4 maps come out.", "Width and height are halved, not the number of maps: each channel is pooled on "
          "its own."),
         ("It keeps the average of each window.", "That is average pooling.")],
    ),
    one(
        "section 4",
        "The image moves by exactly S pixels, the step of the pooling. What does the pooled map do?",
        ("It moves by one cell, number for number.", "Pooling has not removed the shift, it has made its steps "
         "coarser."),
        ("It stays exactly as it is.", "Only global pooling forgets all places. “Less sensitive” is not “blind”."),
        ("It moves by S cells.", "A cell of the pooled map stands for S pixels of the image."),
        ("About half of its numbers change, without any order.", "That is so for shifts that are no multiple of "
         "S: then the windows cut the picture anew."),
    ),
    computed(
        "section 3",
        "Maps of 14 × 14 × 32 pass max pooling with F = S = 2, then `Flatten`, then a dense layer of 10 neurons. "
        "How many parameters have these three layers?",
        pooling.check_dense_params_after_pooling, (14, 14, 32, 2, 2, 10),
        "7 · 7 · 32 numbers for each of 10 neurons, and 10 biases; two of the layers have none.",
    ),
    order(
        "section 4",
        "Digits move by one pixel. Put these ways to halve the maps in order by how much the output changes, the "
        "least first.",
        "Max pooling almost halves the change, average pooling takes a quarter off, stepping alone nothing.",
        ["max pooling", "average pooling", "keep every second pixel"],
        "On thin strokes the maximum forgives most. (On photographs it is the other way round.)",
        "It is the choice inside the window that helps, not the smaller size: steps alone gain nothing.",
    ),
    one(
        "section 6",
        "A network with two poolings (S = 2) ends with `GlobalMaxPooling2D`. How well does it do when digits "
        "move by 0 to 4 pixels?",
        ("Worst at two pixels, and at four as well as at none.", "Two poolings make one step of four pixels: "
         "then each map has moved by whole cells. In between the windows cut the strokes anew."),
        ("Equally well at all shifts: global pooling forgets the place.", "That holds without poolings in "
         "between. They are not blind to shifts smaller than their common step."),
        ("Worse with each pixel.", "So it is with Flatten. Here a shift by four moves each map by exactly one "
         "cell, and the global maximum does not notice."),
        ("Not better than a guess at any shift.", "In the middle, where it learned, it is good."),
    ),
    one(
        "section 7",
        "A picture of fine rings is halved by keeping every second pixel, and shows rings that are not there. "
        "What removes them?",
        ("blur first, then step", "What the small picture cannot show must go before the step."),
        ("step first, then blur", "The false rings are in the picture by then; blurring only softens them."),
        ("max pooling", "It shows them, too, and makes the rim too bright."),
        ("a larger kernel behind it", "No layer behind can tell false rings from true ones."),
    ),
]
