"""What Keras leaves to its backend: a gradient, and how batches reach a training step.

The one file that names TensorFlow. All else in the course is Keras and runs on its other
backends as well.
"""

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
