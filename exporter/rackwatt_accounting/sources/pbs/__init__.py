"""PBS's accounting: pbs_server's logs of jobs that ended, and qstat for those that run."""
