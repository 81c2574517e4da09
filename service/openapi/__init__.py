"""The OpenAPI document of the service, made from the same models and constructors that make its bodies."""
