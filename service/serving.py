"""The app that this process serves, whoever listens: settings from the environment, the model from where it lies."""

from service import app as detector_app
from service import model_location, settings

SETTINGS = settings.from_environment()
APP = detector_app.create_app(model_location.find(SETTINGS), SETTINGS, model_location.bento_tag())
