"""Model of a scheduler's reports, the same for every scheduler: nodes, jobs, resources."""
