"""What a training step costs, in time and memory, and what freezing layers spares."""

from collections.abc import Iterable, Sequence
from typing import Any


def layer_groups(rows: Sequence[dict]) -> list[dict[str, Any]]:
    """Return the layers that can learn, in order: each row of `summarize` with weights, norms joined to it.

    Returns:
        list of dicts: "name"; "layers", names of the group; "params"; "macs", multiply-adds of a forward
        pass for one image; "kept", bytes of all outputs from this layer's input to the end of the network;
        "size", height of the output, 0 for a vector.
    """
    unknown = [row["name"] for row in rows if None in (row["macs"], row["activation_bytes"])]
    if unknown:
        raise ValueError(f"model must have layers of known work. Received: unknown for {', '.join(unknown)}")
    groups: list[dict] = []
    left, before = sum(row["activation_bytes"] for row in rows), 0
    for row in rows:
        if row["trainable_params"] and "Normalization" in row["type"] and groups:
            groups[-1]["layers"].append(row["name"])
            groups[-1]["params"] += row["trainable_params"]
        elif row["trainable_params"]:
            shape = row["output_shape"]
            groups.append(
                {
                    "name": row["name"],
                    "layers": [row["name"]],
                    "params": row["trainable_params"],
                    "macs": row["macs"],
                    "kept": left + before,
                    "size": shape[0] if shape[1:] else 0,
                }
            )
        left -= row["activation_bytes"]
        before = row["activation_bytes"]
    return groups


def training_cost(
    groups: Sequence[dict], frozen: Iterable[str], batch_size: int, slots: int = 1
) -> dict[str, Any]:
    """Return what a training step costs with the layers named in `frozen` frozen.

    Time, in multiply-adds of one image. A layer with M of them in the forward pass needs

        M                            forward, always
        M  for its weights' gradient if it is trainable
        M  for its input's gradient  if a layer before it is trainable

    so a step with all layers trainable costs about 3 M, and one with all frozen but the last about 1 M. The
    backward pass stops at the first trainable layer. Normalisation and activations count nothing.

    Memory = N · A + 4 · P + 4 · slots · P bytes, with N images in a batch, A the bytes of all outputs from
    the first trainable layer's input to the end (what the backward pass may need: an upper bound, since it
    can drop some), P trainable parameters (a gradient each), and `slots` numbers of the optimiser for each
    of them (SGD with momentum 1, Adam 2). The weights come on top; they do not depend on what is frozen.

    Returns:
        dict: "trainable" and "frozen" parameters (without the moving statistics of batch norm, which no
        optimiser changes), "share" of the time of a step with all trainable, "activations", "gradients",
        "slots" and "memory" in bytes, "passes": for each layer [forward, inputs, weights] as 0 or 1.

    Example:
        >>> layer = {"layers": [], "params": 10, "macs": 90, "kept": 400}
        >>> training_cost([layer | {"name": "a"}, layer | {"name": "b"}], ["a"], batch_size=1)["share"]
        0.6
    """
    learning = [group for group in groups if group["name"] not in frozen]
    first = groups.index(learning[0]) if learning else len(groups)
    passes = [[1, int(i > first), int(group in learning)] for i, group in enumerate(groups)]
    work = sum(group["macs"] * sum(one) for group, one in zip(groups, passes, strict=True))
    most = sum(3 * group["macs"] for group in groups) - groups[0]["macs"]
    trainable = sum(group["params"] for group in learning)
    parts = {
        "activations": batch_size * learning[0]["kept"] if learning else 0,
        "gradients": 4 * trainable,
        "slots": 4 * slots * trainable,
    }
    return parts | {
        "memory": sum(parts.values()),
        "trainable": trainable,
        "share": work / most,
        "frozen": sum(group["params"] for group in groups) - trainable,
        "passes": passes,
    }
