"""What Keras leaves to its backend: a gradient, and how batches reach a training step.

The one file that names TensorFlow. All else in the course is Keras and runs on its other
backends as well.
"""

import math
import re

import keras


def dataset(batches):
    """Return `batches` in the form that the backend's `fit` takes without a pause after each epoch.

    On TensorFlow, Keras feeds arrays through a `tf.data` pipeline whose tuning thread may sleep
    when an epoch ends, and the epoch then waits for it, about as long as it took itself. The
    same pipeline without that thread does not wait.

    Args:
        batches: `keras.utils.PyDataset` that gives pairs (x, y) of float32 or integer arrays; either may
            be a dict of them.

    Returns:
        A `tf.data.Dataset` on TensorFlow, else `batches` itself.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def epoch():
        for index in range(len(batches)):
            yield batches[index]
        batches.on_epoch_end()

    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), tuple(batches[0])
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        tf.data.Dataset.from_generator(epoch, output_signature=signature)
        .apply(tf.data.experimental.assert_cardinality(len(batches)))
        .prefetch(2)
        .with_options(options)
    )


def compiled(function):
    """Return `function`, compiled where the backend can compile it and still see new weights.

    Args:
        function: takes and returns tensors (or dicts and tuples of them); the weights of the models
            that it calls are read anew at each call.

    Returns:
        A function with the same arguments and results: a `tf.function` on TensorFlow, else
        `function` itself, which is right but slower.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, autograph=False)


def gradient(function, x):
    """Return the gradient of `function` at `x`, and what else it returns.

    Args:
        function: takes a tensor and returns (value, other): `value` a tensor with one number,
            `other` any tensor.
        x: float tensor.

    Returns:
        (slope, other): `slope` has the shape of `x`; zeros where `value` does not depend on `x`.

    Raises:
        NotImplementedError: on a backend other than TensorFlow.

    Example:
        >>> slope, _ = gradient(lambda x: (keras.ops.sum(x**2), x), keras.ops.ones(3))
        >>> slope.numpy()
        array([2., 2., 2.], dtype=float32)
    """
    _only_tensorflow()
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        value, other = function(x)
    return tape.gradient(value, x, unconnected_gradients=tf.UnconnectedGradients.ZERO), other


def gradients(function, groups):
    """Return the gradient of several values, each by its own group of variables, from one run of `function`.

    Two networks that play against each other (a GAN) need this: each has a loss and weights of its own.

    Args:
        function: takes nothing and returns (values, other): `values` a sequence of tensors with one number
            each, `other` anything.
        groups: sequence of lists of Keras variables, one for each value.

    Returns:
        (slopes, values, other): `slopes` has a list of tensors for each group.

    Raises:
        NotImplementedError: on a backend other than TensorFlow.

    Example:
        >>> a, b = keras.Variable(2.0), keras.Variable(3.0)
        >>> slopes, values, _ = gradients(lambda: ((a * b, -a * b), None), ([a], [b]))
        >>> [float(slope[0]) for slope in slopes]
        [3.0, -2.0]
    """
    _only_tensorflow()
    import tensorflow as tf

    with tf.GradientTape(persistent=True) as tape:
        values, other = function()
    slopes = [
        tape.gradient(value, [variable.value for variable in group])
        for value, group in zip(values, groups, strict=True)
    ]
    return slopes, values, other


def _only_tensorflow():
    if keras.backend.backend() != "tensorflow":
        raise NotImplementedError(
            "gradients are written for Keras's TensorFlow backend. Set KERAS_BACKEND=tensorflow before "
            f"Keras is imported. Received: backend={keras.backend.backend()!r}"
        )


def traced():
    """Return how many operations TensorFlow has traced in the present graph; None where nothing is traced."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    return None if tf.executing_eagerly() else len(tf.compat.v1.get_default_graph().get_operations())


def products(numbers):
    """Return the multiply-adds of the matrix products and convolutions among traced operations.

    Args:
        numbers: ints, places in the graph that is being traced, as `traced` counts them.

    Returns:
        int; None where a size is open, or where an operation does work that cannot be read from its shapes:
        a loop, a branch, a Fourier transform, Python code.
    """
    import tensorflow as tf

    operations = tf.compat.v1.get_default_graph().get_operations()
    work = [_products(operations[number]) for number in numbers]
    return None if None in work else sum(work)


def _products(operation):
    kind = operation.type
    if re.search(r"While|If|Case|Call|PyFunc|FFT|Cholesky|Svd|Qr|Inverse|Solve|Eig|Xla|Sparse", kind):
        return None
    if not re.search(r"MatMul|^Conv\dD|^DepthwiseConv|^Einsum$", kind):
        return 0
    tensors = (*operation.inputs, operation.outputs[0])
    if not all(tensor.shape.is_fully_defined() for tensor in tensors):
        return None
    shapes = [tuple(tensor.shape) for tensor in tensors]
    first, second, out = shapes[0], shapes[1], math.prod(shapes[-1])
    if "MatMul" in kind:
        across = operation.get_attr("adj_x" if kind.startswith("Batch") else "transpose_a")
        return out * first[-2 if across else -1]
    if kind == "Einsum":
        return _einsum(operation.get_attr("equation").decode(), shapes[:-1], out)
    if "Backprop" in kind:  # a transposed convolution: each input pixel paints the whole kernel
        return math.prod(shapes[2]) * math.prod(second[:-1])
    return out * math.prod(second[:2] if kind.startswith("Depthwise") else second[:-1])


def _einsum(equation, shapes, out):
    """Return outputs × the sizes of the letters that are summed over; 0 where nothing is multiplied."""
    inputs, output = equation.split("->")
    sizes = {}
    for letters, shape in zip(inputs.split(","), shapes, strict=True):
        left, _, right = letters.partition("...")
        sizes |= dict(zip(left, shape, strict=False)) | dict(zip(right[::-1], shape[::-1], strict=False))
    return out * math.prod(n for letter, n in sizes.items() if letter not in output) if len(shapes) > 1 else 0
