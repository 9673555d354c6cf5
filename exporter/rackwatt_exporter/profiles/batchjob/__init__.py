"""The families of batchjob_exporter, from which CEEMS came."""
