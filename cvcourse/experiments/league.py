"""All networks of `keras.applications` in one table: what each costs, and the accuracy that was published.

Top-1 is the share of ImageNet's validation images whose class the network names first. Sources:
https://keras.io/api/applications, and for MobileNetV3 the documentation of Keras's `MobileNetV3Large`.
ConvNeXt Base, Large and XLarge were first trained on ImageNet-21k, fourteen million images.
"""

import keras

from cvcourse.summary import summarize

# name: (top-1 in %, height and width of the images, parameters, multiply-adds for one image).
LEAGUE = {
    "Xception": (79.0, 299, 22_910_480, 8_357_403_496),
    "VGG16": (71.3, 224, 138_357_544, 15_470_264_320),
    "VGG19": (71.3, 224, 143_667_240, 19_632_062_464),
    "ResNet50": (74.9, 224, 25_636_712, 3_857_973_248),
    "ResNet50V2": (76.0, 224, 25_613_800, 3_482_255_360),
    "ResNet101": (76.4, 224, 44_707_176, 7_570_194_432),
    "ResNet101V2": (77.2, 224, 44_675_560, 7_194_476_544),
    "ResNet152": (76.6, 224, 60_419_944, 11_282_415_616),
    "ResNet152V2": (78.0, 224, 60_380_648, 10_906_697_728),
    "InceptionV3": (77.9, 299, 23_851_784, 5_713_216_096),
    "InceptionResNetV2": (80.3, 299, 55_873_736, 13_155_794_016),
    "MobileNet": (70.4, 224, 4_253_864, 568_740_352),
    "MobileNetV2": (71.3, 224, 3_538_984, 300_774_272),
    "MobileNetV3Small": (68.1, 224, 2_554_968, 56_510_400),
    "MobileNetV3Large": (75.6, 224, 5_507_432, 216_589_760),
    "DenseNet121": (75.0, 224, 8_062_504, 2_834_161_664),
    "DenseNet169": (76.2, 224, 14_307_880, 3_359_843_328),
    "DenseNet201": (77.3, 224, 20_242_984, 4_291_365_888),
    "NASNetMobile": (74.4, 224, 5_326_716, 563_638_816),
    "NASNetLarge": (82.5, 331, 88_949_818, 23_783_414_658),
    "EfficientNetB0": (77.1, 224, 5_330_571, 385_814_752),
    "EfficientNetB1": (79.1, 240, 7_856_239, 686_802_832),
    "EfficientNetB2": (80.1, 260, 9_177_569, 993_561_872),
    "EfficientNetB3": (81.6, 300, 12_320_535, 1_827_141_392),
    "EfficientNetB4": (82.9, 380, 19_466_823, 4_393_771_024),
    "EfficientNetB5": (83.6, 456, 30_562_527, 10_266_384_752),
    "EfficientNetB6": (84.0, 528, 43_265_143, 19_067_593_536),
    "EfficientNetB7": (84.3, 600, 66_658_687, 37_745_884_192),
    "EfficientNetV2B0": (78.7, 224, 7_200_312, 718_086_176),
    "EfficientNetV2B1": (79.8, 240, 8_212_124, 1_196_819_360),
    "EfficientNetV2B2": (80.5, 260, 10_178_374, 1_697_542_832),
    "EfficientNetV2B3": (82.0, 300, 14_467_622, 3_011_458_816),
    "EfficientNetV2S": (83.9, 384, 21_612_360, 8_365_617_152),
    "EfficientNetV2M": (85.3, 480, 54_431_388, 24_582_460_384),
    "EfficientNetV2L": (85.7, 480, 119_027_848, 56_079_699_008),
    "ConvNeXtTiny": (81.3, 224, 28_589_128, 4_455_531_264),
    "ConvNeXtSmall": (82.3, 224, 50_223_688, 8_683_712_256),
    "ConvNeXtBase": (85.3, 224, 88_591_464, 15_354_729_472),
    "ConvNeXtLarge": (86.3, 224, 197_767_336, 34_361_433_600),
    "ConvNeXtXLarge": (86.7, 224, 350_196_968, 60_921_030_656),
}


def count(name):
    """Return (parameters, multiply-adds) of a network of `keras.applications`, without allocating a weight.

    Example:
        >>> count("MobileNetV2")
        (3538984, 300774272)
    """
    if name not in LEAGUE:
        raise ValueError(
            f"name must be a network of keras.applications: {', '.join(LEAGUE)}. Received: name={name!r}"
        )
    size = LEAGUE[name][1]
    summary = summarize(lambda: getattr(keras.applications, name)(weights=None), (size, size, 3))
    return summary.total_params, summary.macs


def main():
    """Count all networks again (about 20 seconds) and print the table as Python."""
    for name, (top1, size, *_) in LEAGUE.items():
        params, macs = count(name)
        print(f'    "{name}": ({top1}, {size}, {params:_}, {macs:_}),', flush=True)
