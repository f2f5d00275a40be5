"""What Keras leaves to its backend: a gradient, and how batches reach a training step.

The one file that names TensorFlow, JAX and PyTorch. All else in the course is Keras and runs on each.
"""

import importlib
import itertools
import math
import re

import keras

# For `compile(jit_compile=…)`: XLA is slow to begin, and JAX without it is slow at each step.
JIT = keras.backend.backend() == "jax"
FINE = "float32" if JIT else "float64"  # for long sums; JAX has float64 only if all of a program does


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
        A function with the same arguments and results: a `tf.function` on TensorFlow; on JAX a `jax.jit`
        that is given the weights; on PyTorch `function` itself, which is right but slower.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False)
    return _jitted(function) if keras.backend.backend() == "jax" else function


def gradient(function, x):
    """Return the gradient of `function` at `x`, and what else it returns.

    Args:
        function: takes a tensor and returns (value, other): `value` a tensor with one number,
            `other` any tensor.
        x: float tensor, or a list of them.

    Returns:
        (slope, other): `slope` has the shape of `x`; zeros where `value` does not depend on `x`.

    Raises:
        ValueError: on a backend other than TensorFlow, JAX and PyTorch.

    Example:
        >>> slope, _ = gradient(lambda x: (keras.ops.sum(x**2), x), keras.ops.ones(3))
        >>> keras.ops.convert_to_numpy(slope)
        array([2., 2., 2.], dtype=float32)
    """
    library = _differentiating()
    if library.__name__ == "tensorflow":
        with library.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            value, other = function(x)
        return tape.gradient(value, x, unconnected_gradients=library.UnconnectedGradients.ZERO), other
    if library.__name__ == "torch":
        x = keras.tree.map_structure(lambda one: one.detach().clone().requires_grad_(), x)
        value, other = function(x)
        slopes = _torch_slopes(value, keras.tree.flatten(x))
        return keras.tree.pack_sequence_as(x, slopes), _detached(other)
    run, changed = _pure(function, [])

    def number(x):
        (value, other), new = run([], x)
        return keras.ops.sum(value), (other, new)

    slope, (other, new) = library.grad(number, has_aux=True)(x)
    _assign(changed, new)
    return slope, other


def gradients(function, groups):
    """Return the gradient of several values, each by its own group of variables, from one run of `function`.

    Two networks that play against each other (a GAN) need this: each has a loss and weights of its own.

    Args:
        function: takes nothing and returns (values, other): `values` a sequence of tensors with one number
            each, `other` any tensors.
        groups: sequence of lists of Keras variables, one for each value.

    Returns:
        (slopes, values, other): `slopes` has a list of tensors for each group.

    Raises:
        ValueError: on a backend other than TensorFlow, JAX and PyTorch.

    Example:
        >>> a, b = keras.Variable(2.0), keras.Variable(3.0)
        >>> slopes, values, _ = gradients(lambda: ((a * b, -a * b), None), ([a], [b]))
        >>> [float(slope[0]) for slope in slopes]
        [3.0, -2.0]
    """
    library = _differentiating()
    if library.__name__ == "jax":
        return _jax_gradients(function, groups)
    if library.__name__ == "torch":
        values, other = function()
        pairs = zip(values, groups, strict=True)
        slopes = [_torch_slopes(value, [one.value for one in group]) for value, group in pairs]
        return slopes, _detached(values), _detached(other)
    with library.GradientTape(persistent=True) as tape:
        values, other = function()
    slopes = [
        tape.gradient(value, [variable.value for variable in group])
        for value, group in zip(values, groups, strict=True)
    ]
    return slopes, values, other


def own_step(step):
    """Return `step`, a model's own training step, in the form that the backend's `fit` wants.

    On JAX, `fit` hands the step all numbers and wants the new ones back: `step` itself may write it as
    everywhere else, with variables that change.

    Args:
        step: method (self, data) that changes the model's variables and those of `self.optimizer`, and
            returns a dict of numbers.

    Returns:
        `train_step` for the body of a `keras.Model`.
    """
    if keras.backend.backend() != "jax":
        return step

    def train_step(self, state, data):
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        pairs = zip(itertools.chain(*groups), itertools.chain(*state), strict=True)
        with keras.StatelessScope(pairs) as scope:
            logs = step(self, data)
        return logs, tuple([scope.get_current_value(one) for one in group] for group in groups)

    return train_step


def _differentiating():
    """Return the library below Keras, which knows the gradients."""
    name = keras.backend.backend()
    if name not in ("tensorflow", "jax", "torch"):
        raise ValueError(
            "KERAS_BACKEND must be tensorflow, jax or torch for gradients; set it before Keras is imported. "
            f"Received: backend={name!r}"
        )
    return importlib.import_module(name)


# --- PyTorch ----------------------------------------------------------------------------------------------


def _torch_slopes(value, tensors):
    """The graph stays: another value may need it."""
    import torch

    if not value.requires_grad:  # it depends on nothing
        return [torch.zeros_like(one) for one in tensors]
    found = torch.autograd.grad(value.sum(), tensors, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(a) if b is None else b for a, b in zip(tensors, found, strict=True)]


def _detached(tensors):
    return keras.tree.map_structure(lambda one: one.detach() if hasattr(one, "detach") else one, tensors)


def _mend():
    """Two habits of Keras's other backends, taught to PyTorch."""
    import torch

    # np.array(model(x)) is read, though it remembers its gradient or lies on a graphics card.
    read = torch.Tensor.__array__
    torch.Tensor.__array__ = lambda self, dtype=None, copy=None: read(self.detach().cpu(), dtype)
    # The loss of masks: its gradient stops where channels come last (seen with PyTorch 2.11 to 2.14).
    loss = torch.nn.functional.nll_loss
    torch.nn.functional.nll_loss = lambda given, *rest, **options: loss(given.contiguous(), *rest, **options)


if keras.backend.backend() == "torch":
    _mend()


# --- JAX: a function may change nothing; it is given the variables' values and returns the new ones ---------


class _Scope(keras.StatelessScope):
    """Inside, variables keep their values; which were read and which would have changed is noted."""

    def __init__(self, mapping=()):
        super().__init__(mapping)
        self.read, self.changed = {}, {}

    def add_update(self, update):
        self.changed[id(update[0])] = update[0]
        super().add_update(update)

    def get_current_value(self, variable):
        self.read[id(variable)] = variable
        value = super().get_current_value(variable)
        outer = getattr(self, "original_scope", None)
        return outer.get_current_value(variable) if value is None and outer else value


def _pure(function, variables):
    """Return (values, *tensors) -> (result, new values), and a list of the variables that those are for."""
    changed = []

    def run(values, *tensors):
        with _Scope(zip(variables, values, strict=True)) as scope:
            result = function(*tensors)
        changed[:] = scope.changed.values()
        return result, [scope.state_mapping[id(variable)] for variable in changed]

    return run, changed


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _jitted(function):
    import jax

    read = []
    run, changed = _pure(function, read)
    fast = jax.jit(run)

    def call(*tensors):
        if not read:
            with _Scope() as scope:
                jax.eval_shape(function, *tensors)
            read.extend(scope.read.values())
        result, new = fast([variable.value for variable in read], *tensors)
        _assign(changed, new)
        return result

    return call


def _jax_gradients(function, groups):
    import jax

    run, changed = _pure(function, [variable for group in groups for variable in group])

    def numbers(weights):
        (values, other), new = run(weights)
        return [keras.ops.sum(value) for value in values], (other, new)

    weights = [variable.value for group in groups for variable in group]
    values, pull, (other, new) = jax.vjp(numbers, weights, has_aux=True)
    slopes, start = [], 0
    for i, group in enumerate(groups):
        only = [keras.ops.full_like(value, i == j) for j, value in enumerate(values)]
        slopes.append(pull(only)[0][start : start + len(group)])
        start += len(group)
    _assign(changed, new)
    return slopes, values, other


# --- TensorFlow -------------------------------------------------------------------------------------------


def traced(call):
    """Return the result of `call()`, and the operations that TensorFlow traced meanwhile: None without it."""
    if keras.backend.backend() != "tensorflow":
        return call(), None
    import tensorflow as tf

    if tf.executing_eagerly():
        return call(), None
    graph = tf.compat.v1.get_default_graph()
    start = len(graph.get_operations())
    return call(), graph.get_operations()[start:]


def products(operations):
    """Return the multiply-adds of the matrix products and convolutions among traced operations.

    Args:
        operations: list, as `traced` gives it, or None.

    Returns:
        int; None without operations, where a size is open, or where one does work that cannot be read from
        its shapes: a loop, a branch, a Fourier transform, Python code.
    """
    work = [None] if operations is None else [_products(operation) for operation in operations]
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
