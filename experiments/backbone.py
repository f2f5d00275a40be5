"""Train the course network on CIFAR-100; write its weights and its model card."""

import keras
import numpy as np

from cvcourse import pretrained, recording, training
from cvcourse.datasets import load
from cvcourse.models.vgg import course_network
from experiments.shipping import checkpoints, data_hash, ship

SEED = 0
RECIPE = {"epochs": 30, "batch_size": 256, "peak": 0.2, "weight_decay": 5e-3, "label_smoothing": 0.1}


def main(folder=pretrained.WEIGHTS, seed=SEED, recipe=RECIPE):
    """Train, write `course.npz` and `course.json` to `folder`, and return the card."""
    data = load("cifar100")
    keras.utils.set_random_seed(seed)
    model = course_network((32, 32, 3), classifier_activation=None)
    with recording.Clock() as clock:
        history = training.fit_one_cycle(
            model,
            data.x_train,
            data.y_train,
            augment=training.augment,
            seed=seed,
            verbose=2,
            validation_data=(data.x_test, data.y_test),
            callbacks=[checkpoints("course")],
            **recipe,
        )

    def figures():
        labels = training.predict(model, data.x_test)
        right = np.argsort(-labels, axis=1)[:, :5] == data.y_test[:, None]
        return {"test_accuracy": right[:, 0].mean(), "test_top5_accuracy": right.any(axis=1).mean()}

    return ship(
        "course",
        model,
        figures,
        folder=folder,
        clock=clock,
        history=history.history,
        architecture="cvcourse.models.vgg.course_network",
        data={
            "name": "CIFAR-100",
            "source": "Krizhevsky, 2009",
            "images": len(data.x_train),
            "sha256": data_hash(data.x_train, data.y_train, data.x_test, data.y_test),
        },
        command="cvcourse experiments backbone",
        seed=seed,
        recipe=dict(
            recipe,
            optimizer="SGD, Nesterov momentum 0.9, one cycle",
            augmentation="mirror, shift by up to 4 pixels",
        ),
        limits="Trained on 32×32 photographs of 100 classes. The last epoch was taken, none was chosen by "
        "its test accuracy. CIFAR-100 itself holds ten test images that are also training images.",
        classes=list(data.classes),
    )
