"""What every stage stands on: settings, the session, the tables, the record of runs. Imports no stage."""
