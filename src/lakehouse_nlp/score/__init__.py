"""Rows of gold that the champion has not scored become rows of predictions."""

from lakehouse_nlp.score.predict import lacking, predicted
from lakehouse_nlp.score.stage import due, run, size
from lakehouse_nlp.score.switch import whole

__all__ = ["due", "lacking", "predicted", "run", "size", "whole"]
