"""The names every part of the project agrees on: environments, ports, paths, keys, metrics, limits and the SLO.

Nothing here does anything. Where YAML must repeat one of these values, tests/contract holds the two together.
"""

from typing import Final

# --- Environments, in promotion order ---------------------------------------------------------------------------------
ENVIRONMENTS: Final = ("dev", "staging", "prod")
PRODUCTION: Final = "prod"

DETECTOR: Final = "detector"
"""Name of the Deployment, the Service, its container, the bento, the image repository and the v2 model."""


def namespace(environment: str) -> str:
    """Namespace in which an environment's detector runs."""
    return f"lookout-{environment}"


def service_host(environment: str) -> str:
    """Name under which pods, and the doors of the local node, find an environment's detector."""
    return f"{DETECTOR}.{namespace(environment)}.svc.cluster.local"


def application(environment: str) -> str:
    """Argo CD Application that owns an environment."""
    return f"{DETECTOR}-{environment}"


# --- The service ------------------------------------------------------------------------------------------------------
SERVICE_PORT: Final = 80
CONTAINER_PORT: Final = 3000
LAPTOP_PORT: Final = 3001
"""Where `lookout bento serve` listens: beside the node's doors, not on one of them."""
LIVENESS_PATH: Final = "/livez"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
DETECT_PATH: Final = "/v1/detect"
BATCH_PATH: Final = "/v1/detect/batch"
RENDER_PATH: Final = "/v1/render"
EXPLAIN_PATH: Final = "/v1/explain"
MODEL_PATH: Final = "/v1/model"
OIP_PATH: Final = "/v2"
"""Open Inference Protocol, version 2."""
OIP_MODEL_PATH: Final = f"{OIP_PATH}/models/{DETECTOR}"
OIP_INFER_PATH: Final = f"{OIP_MODEL_PATH}/infer"

MAX_IMAGE_BYTES: Final = 20_000_000
MAX_IMAGE_PIXELS: Final = 40_000_000
MAX_BATCH_IMAGES: Final = 16
DEFAULT_THRESHOLD: Final = 0.5
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100

METRIC_IN_FLIGHT: Final = "lookout_requests_in_flight"
METRIC_QUEUE_WAIT: Final = "lookout_queue_wait_seconds"
METRIC_QUEUE: Final = "lookout_queue_photos"
"""Photos that wait for a worker."""
METRIC_WORKERS: Final = "lookout_workers"
"""Processes that have the model loaded; all the heavy work is theirs."""
METRIC_WORKERS_LOST: Final = "lookout_workers_lost_total"
"""Workers that ended without being told to, and were replaced."""
METRIC_RUN_PHOTOS: Final = "lookout_run_photos"
"""How many photos shared one run of the model; counted where several may (service/runs.py)."""
METRIC_REFUSED: Final = "lookout_refused_total"
"""API requests that were refused for want of room or time, by `reason`."""
METRIC_STAGE: Final = "lookout_stage_seconds"
METRIC_REQUESTS: Final = "lookout_requests_total"
METRIC_DETECTIONS: Final = "lookout_detections_total"
METRIC_SCORE: Final = "lookout_detection_score"
METRIC_PIXELS: Final = "lookout_image_pixels"
METRIC_BRIGHTNESS: Final = "lookout_image_brightness_ratio"
"""Mean luma of a photo, from 0 (black) to 1 (white)."""
METRIC_DRIFT: Final = "lookout_drift_psi"
"""By `feature`: how far the last hour's photos are from those of the model's profile."""
METRIC_DRIFT_PHOTOS: Final = "lookout_drift_window_photos"
METRIC_REQUEST_SECONDS: Final = "lookout_request_seconds"
"""API requests from the first header to the end of the answer: what the alerts judge."""
METRIC_PROCESS: Final = "lookout_process_info"
"""Always 1; its label `pod` is the host name of the process, which in Kubernetes is the pod's."""
METRIC_AUTOSCALING: Final = "lookout_requests_in_flight_mean"
"""What the autoscaler follows, as the custom metrics API names it: requests in flight in a pod, mean of ten seconds."""

SLO_P99_S: Final = 0.100
"""MLPerf's server bound for detectors larger than the SSD class; ours is measured through HTTP and JPEG decoding."""
SLO_P99_LIMIT_S: Final = 30.0
"""After this time a request is given up as an error, so an SLO's latency must lie below it."""
SLO_P99_WINDOW_S: Final = 60
SLO_ERROR_RATIO: Final = 0.001
SLO_ERROR_WINDOW_S: Final = 300
"""Long enough for the 4,603 requests that an error ratio of 0.1 % needs before it can be judged, at 16 a second."""
SLO_GOODPUT_RATIO: Final = 0.98
"""Share of intended requests that are answered correctly within SLO_P99_S."""
SLO_GOODPUT_WINDOW_S: Final = 60
SLO_CONFIDENCE: Final = 0.99
"""Of every verdict, after MLPerf's early stopping."""

DRIFT_PSI: Final = 0.2
"""Population stability index that counts as drift. A rule of thumb between the 0.1 and 0.25 of E. M. Lewis, An
Introduction to Credit Scoring (1992), which knows neither bins nor sample sizes; docs/runbooks/drift.md says more."""
DRIFT_LASTS: Final = "1h"
"""How long before anybody is told, as Prometheus writes it."""

# --- Images and releases ----------------------------------------------------------------------------------------------
REGISTRY: Final = "registry.lookout.internal:5000"
"""The registry's name in git. Each cluster maps it to a registry of its own."""
IMAGE_REPOSITORY: Final = f"{REGISTRY}/{DETECTOR}"
LOADTEST: Final = "loadtest"
"""Image repository and container of the load generator as a Job; its namespace is `lookout-loadtest`."""
LOADTEST_REPOSITORY: Final = f"{REGISTRY}/{LOADTEST}"
BENTO_ANNOTATION: Final = "lookout.dev/bento"
MODEL_ANNOTATION: Final = "lookout.dev/model"
VERSION_FILE: Final = "version.yaml"
SETTINGS_FILE: Final = "settings.yaml"
SCALING_FILE: Final = "scaling.yaml"
CONFIG_ENVS: Final = "detector/envs"
"""Directory of the environments in the configuration repository."""
CONFIG_CAPACITY: Final = "capacity"
"""Directory of what was measured of an image's capacity, there too."""
CONFIG_EVIDENCE: Final = "evidence"
"""Directory of the verdicts of load tests, there too."""

# --- Cluster ----------------------------------------------------------------------------------------------------------
ENVIRONMENT_LABEL: Final = "lookout.dev/environment"
POOL_LABEL: Final = "lookout.dev/pool"
GPU_LABEL: Final = "lookout.dev/gpu"
"""GPU type of a pool's nodes, for example nvidia-l4."""
SPOT_LABEL: Final = "lookout.dev/spot"
GPU_RESOURCE: Final = "nvidia.com/gpu"
GPU_TAINT_KEY: Final = "nvidia.com/gpu"
SIMULATED_KEY: Final = "kwok.x-k8s.io/node"
"""Annotation and taint (value `fake`, effect NoSchedule) on every node that KWOK simulates."""
SIMULATED_VALUE: Final = "fake"
SIMULATED_NAMESPACE_PREFIX: Final = "sim-"
"""Only pods of namespaces with this prefix may tolerate the taint of simulated nodes."""

CPU_COUNT_ANNOTATION: Final = "lookout.dev/cpu-count"
MEMORY_ANNOTATION: Final = "lookout.dev/memory"
GPU_COUNT_ANNOTATION: Final = "lookout.dev/gpu-count"
"""Capacity of a simulated node, from which KWOK fills the node's status."""

ARGOCD_NAMESPACE: Final = "argocd"
ARGOCD_BOOTSTRAP_PROJECT: Final = "bootstrap"
"""AppProject of the root Application alone; Pulumi owns both, git owns everything below them."""
ROOT_APPLICATION: Final = "lookout"
ARGOCD_PROJECT: Final = "lookout"
ARGOCD_REFRESH_ANNOTATION: Final = "argocd.argoproj.io/refresh"
ARGOCD_SET_REFRESH_ANNOTATION: Final = "argocd.argoproj.io/application-set-refresh"
CLUSTER_SECRET: Final = "in-cluster"  # noqa: S105  # a name, not a secret
"""Argo CD's cluster Secret that carries the stack's outputs as labels and annotations."""
TARGET_LABEL: Final = "lookout.dev/target"
REPOSITORY_ANNOTATION: Final = "lookout.dev/repository"
REVISION_ANNOTATION: Final = "lookout.dev/revision"
REGISTRY_ANNOTATION: Final = "lookout.dev/registry"
POOLS_ANNOTATION: Final = "lookout.dev/pools"
API_TOKENS_ANNOTATION: Final = "lookout.dev/api-tokens"
"""On the cluster Secret where the API is to ask for tokens, and on its pods: a fingerprint of the tokens."""
API_TOKENS_SECRET: Final = f"{DETECTOR}-tokens"
"""Secret in each environment's namespace, from the stack's settings; its one key is API_TOKENS_KEY."""
API_TOKENS_KEY: Final = "tokens"
API_TOKEN_SHORTEST: Final = 16
"""Characters of a token: 64 bits where they are hexadecimal digits. Shorter ones can be guessed over a network."""

# --- Monitoring -------------------------------------------------------------------------------------------------------
MONITORING: Final = "monitoring"
"""Argo CD Application and AppProject, and its directory in the configuration repository."""
MONITORING_NAMESPACE: Final = "lookout-monitoring"
MONITORING_LABEL: Final = "lookout.dev/monitoring"
"""On the cluster Secret where the cluster is to have Prometheus: its images are known."""
PROMETHEUS_IMAGE_ANNOTATION: Final = "lookout.dev/prometheus-image"
METRICS_ADAPTER_IMAGE_ANNOTATION: Final = "lookout.dev/metrics-adapter-image"
PROMETHEUS: Final = "prometheus"
"""Name of its Deployment, Service and image in git."""
PROMETHEUS_PORT: Final = 9090
METRICS_ADAPTER: Final = "prometheus-adapter"
"""Name of its Deployment, Service, ServiceAccount and image in git."""
METRICS_API: Final = "v1beta2.custom.metrics.k8s.io"
"""The APIService behind which it stands."""

# --- Doors of the local node, all on 127.0.0.1 ------------------------------------------------------------------------
DOORS: Final = {"prod": 8080, "staging": 8081, "dev": 8082, "git": 3000, "registry": 5000, "prometheus": 9090}
GIT_REPOSITORY: Final = "lookout.git"
GIT_BRANCH: Final = "main"
