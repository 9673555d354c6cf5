"""The accounting of a scheduler: what `spec.accounting` of a SchedulerBinding sets."""
