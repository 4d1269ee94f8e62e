"""What the DAGs of lakehouse-nlp are made with. Imports Airflow, and nothing of lakehouse-nlp."""
