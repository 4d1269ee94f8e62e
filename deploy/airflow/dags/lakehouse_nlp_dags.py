"""The DAGs of lakehouse-nlp: a path for each project, what starts it, and what is done over all of them.

They are made of stages.json, which is the package's own list, and of projects.json, which `lakehouse-nlp projects
--json` writes where they are deployed. Neither the package nor Spark is imported here: docs/airflow.md.
"""

from lakehouse_airflow.deployed import deployment
from lakehouse_airflow.occasions import every_project, retrain, watch
from lakehouse_airflow.path import path
from lakehouse_airflow.upkeep import backfill, maintain

deployed = deployment()
for project in deployed.projects:
    path(deployed, project)
    retrain(deployed, project)
    if project.files or project.events:
        watch(deployed, project)
if deployed.projects:
    every_project(deployed)
    backfill(deployed)
    maintain(deployed)
