"""The app that this process serves, whoever listens: settings from the environment, the model from where it lies."""

import sys

from service import app as detector_app
from service import model_location, settings

# Of the interpreter's 5 ms, within which another thread need not let the event loop have its turn: connections would
# wait that long for one that takes a large inference request apart.
sys.setswitchinterval(0.0005)

SETTINGS = settings.from_environment()
APP = detector_app.create_app(model_location.find(SETTINGS), SETTINGS, model_location.bento_tag())
