"""What each mistake is called, and how it is said."""

SAYS = {
    None: "Nothing here looks like a mistake that I know.",
    "unknown": "I do not know this mistake. The error says: {reason}",
    # at a layer
    "list_for_one": "{what} takes one tensor. It was given {count}.",
    "merge_of_one": "{what} joins tensors: it takes a list of two or more.",
    "unequal_maps": "{what} works place by place: height and width of its two inputs must be the same.",
    "other_channels": "{what} works number by number: its two inputs must have the same channels.",
    "time_distributed": "{what} wants a sequence of inputs, with an axis of time behind the batch.",
    "batch_in_input": "{what} wants {axes} axes. Input is told the shape of one image: the batch axis comes "
    "by itself.",
    "flatten_too_early": '{what} wants maps, and "{before}" has already made one row of numbers of them.',
    "no_channel_axis": "The axis of the channels is missing. A grey image has 1 channel, and it counts.",
    "flat_input": "{what} wants {axes} axes: the batch, place, and channels. It was given rows of numbers.",
    "window_too_large": "{what}: a window of {window} does not fit even once into maps of {maps}.",
    "pool_to_nothing": "{what}: a window of {window} does not fit even once into maps of {maps}.",
    "reshape": "{what} only sorts numbers anew: it must keep their count.",
    "groups": "{what} shares its {depth} input channels among {groups} groups, and that must come out even.",
    "axis": "{what}: there is no axis {axis}.",
    "cropping": "{what} takes away all there is, or more.",
    "open_size": "{what} has a weight for each number that comes in, and so must know how many. With images "
    "of any size (None), Flatten cannot say.",
    "other_size": "{what} was built for another height and width.",
    "used_before": "{what} has its weights already, for {depth} numbers on the last axis.",
    # names, arguments, values
    "name": "Keras has no {noun} {word!r}.",
    "argument": "{what} has no argument {name!r}.",
    "value": "{what} cannot be made with {name}={value!r}.",
    "missing_argument": "{what} also needs {names}.",
    "input_tuple": "Input takes the shape as one tuple, in brackets of its own.",
    "image_too_small": "{what} halves its maps so often that an image needs at least {least} × {least} "
    "pixels.",
    "layer_not_called": '"{what}" is a layer, and here a tensor is wanted: what comes out when it is called.',
    "symbol": "This tensor has a shape and no numbers yet, so numpy cannot compute with it.",
    "not_connected": "The outputs do not come from these inputs: a step between them starts from another "
    "tensor.",
    "not_built": "The layers do not know their input yet, so they have no weights.",
    "not_compiled": "The model does not know yet what to learn by: compile it first.",
    "optimizer_twice": "This {what} keeps notes on the weights that it saw first. Another model, or layers "
    "thawed later, need a new one.",
    # data
    "lists": "Keras takes arrays; it reads a list as several inputs.",
    "lengths": "There must be a label for each example. Which ones are missing?",
    "label_strings": "Labels must be numbers: a network cannot compute with words.",
    "number_of_inputs": "The model has {count} inputs, and got one array for all of them.",
    "number_of_outputs": "The model has {count} outputs, and got one array of labels for all of them.",
    "output_names": "The loss is given for {given}, and no output has this name.",
    "no_batch_axis": "This is one image, and the model takes a batch of images: the first axis is missing.",
    "channels_first": "The channels stand first, as in PyTorch. Keras wants them last.",
    "channels": "The images have another number of channels than the model wants.",
    "not_flat": "The model wants a row of numbers for each example, and these are not flattened.",
    "flat": "The model wants images, and each example is a row of numbers.",
    "input_shape": "The data have another shape than the model was built for.",
    "nan": "{data} holds NaN or infinite numbers. One of them makes the loss NaN, and then every weight.",
    "nan_weights": "This model has weights that are NaN: a step was too large, or the data held NaN. It "
    "does not recover.",
    "range": "The pixels go up to 255, and no layer scales them. Weights start for numbers of about 1, so "
    "the first steps will be far too large.",
    "frozen": "Every layer is frozen: nothing can learn.",
    "batch_norm_axis": "Batch norm keeps a mean for each place on this axis, and the channels are the last "
    "one.",
    # labels, last layer, loss
    "missing_flatten": "The network answers at each place of its maps, and there is one label for each "
    "image. Dense works on the last axis alone.",
    "one_hot_labels": "The labels are one-hot rows, and a sparse loss wants the number of the class.",
    "number_labels": "The labels are numbers of classes, and this loss wants one-hot rows.",
    "outputs": "Labels and outputs do not go together: there must be as many outputs as the labels need.",
    "one_output": "One output for a loss that compares classes: each class needs an output.",
    "binary_for_classes": "Binary cross-entropy asks a separate yes or no at each output. These labels name "
    "one class of several.",
    "labels_minus_one": "The labels are −1 and 1, and this loss wants 0 and 1.",
    "labels_not_whole": "The labels are measured numbers, not numbers of classes.",
    "labels_from_one": "The labels count from 1, and Keras counts from 0.",
    "broadcast": "Labels of N numbers, outputs of N × 1: their difference is a table of N × N, each label "
    "against each output. A loss of your own does not notice.",
    "accuracy_for_regression": "Accuracy counts exact hits, and a measured number is hardly ever hit.",
    "output_range": "The labels go beyond what {activation} can give.",
    "softmax_of_one": "Softmax of a single output is always 1, whatever comes in.",
    "softmax_twice": "Softmax twice: the second one makes the probabilities nearly equal.",
    "sigmoid_twice": "Sigmoid twice: it stands in the network, and from_logits=True applies it again.",
    "logits": "The loss expects probabilities, and the network gives any numbers: {right} is missing, in "
    "the network or in the loss.",
    "sigmoid_for_classes": "One class of many: the probabilities must add up to 1, and those of a sigmoid "
    "do not.",
    "wrong_activation": "{activation} does not make probabilities: this loss goes with {right}.",
}
