"""`python bench_jobs.py JOB HOME LAKE`: one job of `bench.py`, in a process of its own; prints a line of JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nlp_jobs
import peer_jobs
import score_jobs

JOBS = {**score_jobs.JOBS, **peer_jobs.JOBS, **nlp_jobs.JOBS}

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # for every side: busy cores punish threads that spin
    job, home, lake = sys.argv[1:]
    print(json.dumps(JOBS[job](Path(home), lake)), flush=True)
