"""What a scheduler reports, in the same words whichever scheduler it is: nodes, jobs, resources."""
