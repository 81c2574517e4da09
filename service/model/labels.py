"""Label sets by class id. COCO's ids run from 1 to 90 with gaps, because ten of its classes were never annotated."""

from typing import Final

_COCO: Final = (
    "person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant - stop_sign parking_meter "
    "bench bird cat dog horse sheep cow elephant bear zebra giraffe - backpack umbrella - - handbag tie suitcase "
    "frisbee skis snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard tennis_racket bottle - "
    "wine_glass cup fork knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog pizza donut cake chair "
    "couch potted_plant bed - dining_table - - toilet - tv laptop mouse remote keyboard cell_phone microwave oven "
    "toaster sink refrigerator - book clock vase scissors teddy_bear hair_drier toothbrush"
)

LABEL_SETS: Final[dict[str, dict[int, str]]] = {
    "coco": {number: word.replace("_", " ") for number, word in enumerate(_COCO.split(), start=1) if word != "-"},
}
