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
        batches: `keras.utils.PyDataset` that gives pairs (x, y) of float32 or integer arrays.

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

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        tf.data.Dataset.from_generator(epoch, output_signature=signature)
        .apply(tf.data.experimental.assert_cardinality(len(batches)))
        .prefetch(2)
        .with_options(options)
    )
