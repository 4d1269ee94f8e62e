"""lakehouse-nlp: raw review files to scored predictions, over Delta tables, Spark NLP, XGBoost and MLflow."""

__version__ = "0.1.0"
